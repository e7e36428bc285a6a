"""How far the trainings of one architecture lie apart, when there are too few of each to tell alone."""

from __future__ import annotations

import numpy as np

from mobench import Array

__all__ = ["NEIGHBOURS", "seed_noise"]

NEIGHBOURS = 51
"""Architectures whose variances are averaged, itself included: with two trainings each, to a tenth of the deviation."""


def seed_noise(errors: Array) -> Array:
    """Standard deviation between the trainings of an architecture, pooled over those with the nearest mean errors.

    Parameters
    ----------
    errors : (k, n) float array
        Errors of k trainings, NaN where not made; of each of the n architectures there is one at least.

    Returns
    -------
    (n,) float array, NaN where no neighbour was trained twice.
    """
    mean = np.nanmean(errors, axis=0)
    order = np.argsort(mean, kind="stable")
    squares, degrees = np.nansum((errors - mean) ** 2, axis=0), (~np.isnan(errors)).sum(axis=0) - 1.0
    summed = [_summed(values[order]) for values in (squares, degrees)]
    pooled = np.divide(summed[0], summed[1], out=np.full(len(order), np.nan), where=summed[1] > 0.5)
    noise = np.empty(len(order))
    noise[order] = np.sqrt(pooled)
    return noise


def _summed(values: Array) -> Array:
    """Sums over windows of (n,) `values`, (n,), term by term.

    A convolution adds in an order that depends on the processor, and the last bit of a table is part of every log.
    """
    width = min(NEIGHBOURS, len(values))
    padded = np.pad(values, (width // 2, (width - 1) // 2))
    total = np.zeros(len(values))
    for start in range(width):
        total += padded[start : start + len(values)]
    return total
