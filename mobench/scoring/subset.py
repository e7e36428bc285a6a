"""The best few of a set, by what they add to its hypervolume."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np

from mobench.core.space import Array

__all__ = ["largest"]


def largest(N: Array, sizes: Sequence[int], reference: float) -> dict[int, Array]:
    """Each of `sizes` to the rows of so many points of (n, m) `N` that keep much of its hypervolume; at most n of them.

    The point that adds the least leaves first, one after the other (greedy reduction, Bringmann and Friedrich 2010).
    """
    found, rows = {}, np.arange(len(N))
    point = np.full(N.shape[1], reference)
    for k in sorted(sizes, reverse=True):  # a smaller set is what is left of a larger one
        while len(rows) > k:
            added = moocore.hv_contributions(N[rows], ref=point)
            rows = np.delete(rows, int(np.argmin(added)))
        found[k] = rows
    return found
