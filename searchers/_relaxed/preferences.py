"""The preferences of a sweep: weights of the objectives, spread evenly over the simplex."""

from __future__ import annotations

import numpy as np

from mobench import Array
from mobench.searchers._relaxed.settings import Settings

LEAST = 0.05
"""Smallest weight of an objective in a swept preference."""


def preferences(m: int, settings: Settings) -> Array:
    """Preferences to search for, (K, m): those of `spread`, or `Settings.preference` alone."""
    if m > 1 and settings.preference is not None:
        return _alone(m, settings.preference)
    return spread(m, settings.searches)


def spread(m: int, count: int) -> Array:
    """Preferences, (K, m), rows on the simplex.

    Two objectives: equal steps from the cheapest (first weight `LEAST`) to the most accurate; more: the gaps of a
    Kronecker sequence that fills the simplex evenly (Roberts 2018), none below `LEAST` of an equal share. A single
    preference has equal weights.
    """
    if m == 1:
        return np.ones((1, 1))
    if count == 1:
        return _alone(m, 1.0 / m)
    if m == 2:
        firsts = np.linspace(LEAST, 1.0 - LEAST, count)
        return np.stack([firsts, 1.0 - firsts], axis=1)
    root = 2.0
    for _ in range(50):
        root = (1.0 + root) ** (1.0 / m)  # of x^m = x + 1: the golden ratio's relative in m - 1 dimensions
    points = np.sort((0.5 + np.outer(np.arange(count), root ** -np.arange(1.0, m))) % 1.0, axis=1)
    gaps: Array = np.diff(points, axis=1, prepend=0.0, append=1.0)
    return LEAST / m + (1.0 - LEAST) * gaps


def _alone(m: int, first: float) -> Array:
    """One preference, (1, m), whose other weights are equal."""
    return np.array([[first] + [(1.0 - first) / (m - 1)] * (m - 1)])
