"""What is left to pay of a training that goes on: its price to a later epoch less that to the one it was paid to."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import numpy as np

from mobench.core.capabilities import Resumable
from mobench.core.problem import Problem
from mobench.core.space import Array

__all__ = ["goes_on", "left_to_pay"]


def goes_on(problem: Problem) -> bool:
    """Whether a training of this problem goes on from where it was paid to."""
    return isinstance(problem, Resumable) and problem.resumable


def left_to_pay(
    problem: Problem,
    X: Array,
    prices: Mapping[str, Array],
    answered: Mapping[int | None, Container[int]],
) -> dict[str, Array]:
    """What is left of the prices of (k, d) architectures of a problem whose trainings go on.

    Parameters
    ----------
    problem : Problem
        Asked for the prices of what was answered before.
    X : Array
        (k, d) architectures.
    prices : mapping of str to Array
        The whole prices, (k,) each or one for all.
    answered : mapping
        Other fidelities to the keys of what was answered, and so paid, there.

    Returns
    -------
    dict of str to Array
        The prices less the most that was paid, 0 at least; those given where nothing was.
    """
    left = dict(prices)
    keys: Sequence[int] = problem.space.key(X).tolist() if answered else ()
    for fidelity, known in answered.items():
        if rows := [row for row, key in enumerate(keys) if key in known]:
            seeds = np.zeros(len(rows), dtype=np.uint64)
            values = problem.evaluate(X[rows], fidelity=fidelity, seeds=seeds)
            for name, whole in prices.items():
                paid = np.zeros(len(X))
                paid[rows] = getattr(values, name)
                if paid.any():
                    left[name] = np.minimum(left[name], np.maximum(whole - paid, 0.0))
    return left
