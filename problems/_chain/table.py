"""The table of `motif_chain` as it ships: right answers of all trainings, and how to read them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mobench import Array, Table, load_table
from mobench.problems._motif.table import MISSING, in_percent, seeds_of

__all__ = ["EPOCHS", "MISSING", "TABLE", "errors", "load", "seeds_of", "trained", "whole_seeds"]

EPOCHS = 8
TABLE = Path(__file__).with_name("motif_chain.npz")


def trained(table: Table, seed: int) -> Array:
    """Which networks were trained with a seed: (n,) bool."""
    there: Array = table[f"test_correct:{seed}"] != MISSING
    return there


def whole_seeds(table: Table) -> list[int]:
    """Seeds with which all networks were trained that have a training of the first seed; that one is first."""
    seeds = seeds_of(table)
    return [seed for seed in seeds if trained(table, seed)[trained(table, seeds[0])].all()]


def errors(table: Table, split: str, images: int, seeds: Sequence[int]) -> Array:
    """Errors of some seeds in per cent, (seeds, epochs, n) or at the end (seeds, n); NaN where not trained."""
    return in_percent(np.stack([table[f"{split}_correct:{seed}"].T for seed in seeds]), images)


@functools.cache
def load() -> Table:
    """The shipped table, read once.

    Raises
    ------
    ValueError
        It is missing or damaged; the message says how to get it back.
    """
    try:
        return load_table(TABLE)
    except FileNotFoundError:
        raise ValueError(
            f"{TABLE}: the table of motif_chain is missing; reinstall mobench, or make it: scripts/motif_chain"
        ) from None
