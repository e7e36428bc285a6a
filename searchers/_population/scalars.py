"""Several objectives as one: values in units of what was seen, and functions of them and of weights."""

from __future__ import annotations

import numpy as np

from mobench import Array

RHO = 0.05
"""Share of the weighted sum in an augmented Chebyshev function (Knowles 2006, ParEGO)."""


def scaled(F: Array, seen: Array | None = None) -> Array:
    """Each column of (n, m) `F` with the least value `seen`, (k, m), at 0 and the greatest at 1; all 0 without extent.

    Examples
    --------
    >>> scaled(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    seen = F if seen is None else seen
    low, span = seen.min(axis=0), np.ptp(seen, axis=0)
    return np.where(span > 0, (F - low) / np.where(span > 0, span, 1.0), 0.0)


def chebyshev(N: Array, weights: Array) -> Array:
    """Augmented Chebyshev values, less is better, of points (..., m) in units of ideal and nadir, and weights; (...).

    max_k w_k N_k + 0.05 sum_k w_k N_k (Knowles 2006, equation 2). What it is least for is nondominated, and every
    nondominated point is that for some weights, also where a front bends inwards.

    Examples
    --------
    >>> chebyshev(np.array([[0.2, 1.0]]), np.array([0.5, 0.5])).tolist()
    [0.53]
    """
    weighted = N * weights
    found: Array = weighted.max(axis=-1) + RHO * weighted.sum(axis=-1)
    return found
