"""Measures of fronts, minimising: pure functions over moocore that refuse what it would silently ignore."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any

import moocore
import numpy as np

from mobench.core.problem import Objective, minimised
from mobench.core.space import Array

__all__ = [
    "epsilon_additive",
    "finite",
    "hypervolume",
    "hypervolumes",
    "igd_plus",
    "is_exact",
    "log10_regret",
    "nondominated",
    "r2",
    "simplex_lattice",
]

REGRET_FLOOR = 1e-6
"""Smallest regret told apart from none: log10 regret is at least -6."""


def finite(F: Any, name: str = "F") -> Array:
    """`F` as an (n, m) float array.

    moocore ignores points with NaN or +inf without a word, and -inf makes an infinite hypervolume.

    Raises
    ------
    ValueError
        `F` is not two-dimensional, has no column, or holds a value that is not finite (its row is named).
    """
    points: Array = np.asarray(F, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] == 0:
        raise ValueError(f"{name}: expected shape (n, m), one row a point, found {points.shape}")
    if not np.isfinite(points).all():
        row = int(np.argmax(~np.isfinite(points).all(axis=1)))
        raise ValueError(f"{name}: row {row} is {points[row].tolist()}, expected finite values")
    return points


def _reference(reference: Any, m: int) -> Array:
    reference = np.broadcast_to(np.asarray(reference, dtype=np.float64), m)
    if not np.isfinite(reference).all():
        raise ValueError(f"reference: expected {m} finite values, found {reference.tolist()}")
    return np.ascontiguousarray(reference)


def nondominated(F: Any, objectives: Sequence[Objective] = ()) -> Array:
    """Which rows of (n, m) `F` no other row dominates; equal rows do not dominate each other; shape (n,), bool.

    Parameters
    ----------
    F : array_like
        (n, m) values.
    objectives : sequence of Objective
        The m columns, which say what is to be maximised; less is better everywhere where left out.

    Examples
    --------
    >>> nondominated([[1, 3], [2, 2], [2, 3], [2, 2]]).tolist()
    [True, True, False, True]
    """
    F = minimised(finite(F), objectives)
    mask: Array = moocore.is_nondominated(F, keep_weakly=True) if len(F) else np.zeros(0, dtype=bool)
    return mask


EXACT: dict[int, int] = {6: 600, 7: 150, 8: 80}
"""Most nondominated points whose hypervolume is exact, by number of objectives: any up to five, 40 from nine on.

They take about 0.3 s; the time grows with the (m - 2)-th power of their number.
"""
SAMPLES = 2**18
"""Directions of the approximation beyond: relative errors as measured are below 0.002 in eight objectives."""


def is_exact(n: int, m: int) -> bool:
    """Whether `hypervolume` of n nondominated points in m objectives is exact."""
    return m <= 5 or n <= EXACT.get(m, 40)


def hypervolume(F: Any, reference: Any) -> float:
    """Volume dominated by (n, m) `F` and bounded by the point `reference`, (m,) or a number (Zitzler and Thiele 1998).

    Exact where `is_exact` says so; beyond, an integral over `SAMPLES` fixed directions (Deng and Zhang 2019), the same
    at every call: exact ones would take minutes (`benchmarks/hypervolume_error.py`).

    Examples
    --------
    >>> hypervolume([[1, 3], [2, 2], [3, 1]], reference=4)
    6.0
    """
    F = finite(F)
    if not len(F):
        return 0.0
    point = _reference(reference, F.shape[1])
    if len(F) > 40 and F.shape[1] > 5 and not is_exact(len(F := F[nondominated(F)]), F.shape[1]):
        return float(moocore.hv_approx(F, ref=point, nsamples=SAMPLES))
    return float(moocore.hypervolume(F, ref=point))


def hypervolumes(F: Any, sets: Sequence[Array], reference: Any) -> Array:
    """`hypervolume` of each of several sets of rows of (n, m) `F`, the same numbers in less time; (len(sets),).

    Examples
    --------
    >>> hypervolumes([[1, 3], [2, 2], [3, 1]], [np.array([0]), np.array([0, 1, 2])], reference=4).tolist()
    [3.0, 6.0]
    """
    F = finite(F)
    if F.shape[1] > 5:  # large sets are approximated
        return np.array([hypervolume(F.take(rows, axis=0), reference) for rows in sets], dtype=np.float64)
    volume = moocore.Hypervolume(_reference(reference, F.shape[1]))  # arguments are checked once
    volumes = (volume(F.take(rows, axis=0)) if len(rows) else 0.0 for rows in sets)
    return np.fromiter(volumes, dtype=np.float64, count=len(sets))


def log10_regret(share: Any) -> Array:
    """log10 of the share of hypervolume still missing, at least -6 (an exact front has no finite logarithm)."""
    regret: Array = np.log10(np.maximum(1.0 - np.asarray(share, dtype=np.float64), REGRET_FLOOR))
    return regret


def igd_plus(F: Any, front: Any) -> float:
    """Mean distance from the true front (k, m) to what (n, m) `F` dominates (IGD+, Ishibuchi et al. 2015)."""
    F, front = finite(F), finite(front, "front")
    return float(moocore.igd_plus(F, ref=front)) if len(F) else float("inf")


def epsilon_additive(F: Any, front: Any) -> float:
    """Smallest shift by which (n, m) `F` covers the true front (k, m) (Zitzler et al. 2003)."""
    F, front = finite(F), finite(front, "front")
    return float(moocore.epsilon_additive(F, ref=front)) if len(F) else float("inf")


def simplex_lattice(m: int, partitions: int) -> Array:
    """Das and Dennis's weights: all m-vectors of multiples of 1/partitions that sum to 1; shape (C(p+m-1, m-1), m).

    Examples
    --------
    >>> len(simplex_lattice(3, 12))
    91
    """
    bars = np.array(list(itertools.combinations(range(partitions + m - 1), m - 1)), dtype=np.int64)
    bars = bars.reshape(math.comb(partitions + m - 1, m - 1), m - 1)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), partitions + m - 1)])
    return (np.diff(edges, axis=1) - 1) / partitions


def r2(F: Any, ideal: Any, *, weights: Array | None = None) -> float:
    """Mean Chebyshev distance from `ideal` to (n, m) `F` over all weights (R2, Hansen and Jaszkiewicz 1998).

    Exact for two objectives (Schaepermeier and Kerschke 2025), over `weights` (w, m) otherwise: by default the
    simplex lattice with at least 100 directions. What is better than `ideal` counts as at its place: no distance is
    negative (moocore returns numbers without a meaning there).
    """
    F = finite(F)
    ideal = _reference(ideal, F.shape[1])
    F, m = np.maximum(F, ideal), F.shape[1]
    if not len(F):
        return float("inf")
    if m == 2 and weights is None:
        return float(moocore.r2_exact(F, ref=ideal))
    weights = _hundred(m) if weights is None else weights
    return float((weights[:, None, :] * (F - ideal)).max(axis=2).min(axis=1).mean())


@functools.cache
def _hundred(m: int) -> Array:
    """The smallest simplex lattice with at least 100 directions."""
    return next(w for p in itertools.count(1) if len(w := simplex_lattice(m, p)) >= 100 or m == 1)
