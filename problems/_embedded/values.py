"""What the columns of embedded tables say: numbers, as they are, in steps, or by logarithms in steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mobench import Array, Objective, Table
from mobench.problems._table.problem import Offer

__all__ = ["exact", "taken", "values", "whole_rows"]


def values(table: Table, name: str) -> Array:
    """The numbers of a column, float64, in its unit and shape; NaN where there is none.

    A column that says ``per`` holds multiples of 1 / per; one that says ``low`` and ``step``, natural logarithms; one
    that says ``missing``, that number where there is none.
    """
    column = table.columns[name]
    about = column.about
    numbers: Array = column.values.astype(np.float64)
    if "missing" in about:
        numbers[column.values == about["missing"]] = np.nan
    if "step" in about:
        numbers = np.exp(about["low"] + about["step"] * numbers)
    return numbers / float(about.get("per", 1))


def exact(objective: Objective, numbers: Array) -> Offer:
    """An objective that is counted: seen as it is scored, without noise, and known before a training."""
    return Offer(objective, numbers, noise=np.zeros(len(numbers)), counted=True)


def whole_rows(offers: Sequence[Offer]) -> Array:
    """The rows, (k,), in which every objective has its numbers."""
    there = [np.isfinite(offer.scored) & np.isfinite(offer.trials).all(axis=1) for offer in offers]
    return np.flatnonzero(np.all(there, axis=0))


def taken(offers: Sequence[Offer], rows: Array) -> list[Offer]:
    """The same objectives of `rows`, (k,), alone."""

    def take(numbers: Array | None) -> Array | None:
        return None if numbers is None else numbers[rows]

    return [replace(o, scored=o.scored[rows], seen=take(o.seen), noise=take(o.noise)) for o in offers]
