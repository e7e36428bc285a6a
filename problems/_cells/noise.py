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
    order, window = np.argsort(mean, kind="stable"), np.ones(min(NEIGHBOURS, len(mean)))
    squares, degrees = np.nansum((errors - mean) ** 2, axis=0), (~np.isnan(errors)).sum(axis=0) - 1.0
    summed = [np.convolve(values[order], window, "same") for values in (squares, degrees)]
    pooled = np.divide(summed[0], summed[1], out=np.full(len(order), np.nan), where=summed[1] > 0.5)
    noise = np.empty(len(order))
    noise[order] = np.sqrt(pooled)
    return noise
