"""The best few of a set, by what they add to its hypervolume."""

from __future__ import annotations

import moocore
import numpy as np

from mobench.core.space import Array

__all__ = ["largest"]


def largest(N: Array, k: int, reference: float) -> Array:
    """Rows of k points of (n, m) `N` that keep much of its hypervolume; all of them where there are no more than k.

    The point that adds the least leaves first, one after the other (greedy reduction, Bringmann and Friedrich 2010).
    """
    rows = np.arange(len(N))
    point = np.full(N.shape[1], reference)
    while len(rows) > k:
        added = moocore.hv_contributions(N[rows], ref=point)
        rows = np.delete(rows, int(np.argmin(added)))
    return rows
