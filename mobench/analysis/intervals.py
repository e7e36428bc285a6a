"""Intervals that keep their word at few seeds: of medians, of statistics over problems, of shares and of effects.

None of them resamples: with three to ten runs a percentile bootstrap covers far less than it says.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, norm, t

from mobench.core.space import Array

__all__ = [
    "Interval",
    "improvement_interval",
    "jackknife",
    "mean_improvement",
    "median_interval",
    "share_interval",
    "vargha_delaney",
]


@dataclass(frozen=True)
class Interval:
    """An interval and the confidence that it has, which at few runs is less than what was asked for.

    Attributes
    ----------
    low, high : float
        Its ends; NaN where there is none.
    confidence : float
        Its level: 0.95 for example, 0.75 of a median's at three runs, 0 where there is no interval.
    """

    low: float
    high: float
    confidence: float


NOTHING = Interval(float("nan"), float("nan"), 0.0)


def median_interval(values: Array, *, confidence: float = 0.95) -> Interval:
    """Between two order statistics of (n,) values lies the median, with the exact confidence of the signs.

    ``P(x_(r) <= median <= x_(n-r+1)) >= 1 - 2 P(Bin(n, 1/2) < r)`` for every distribution (David and Nagaraja 2003,
    section 7.1). The narrowest interval of at least `confidence`, or the widest there is, from least to greatest, with
    the confidence that it has: 93.75 % at five values, 75 % at three.

    Examples
    --------
    >>> median_interval(np.array([3.0, 1.0, 2.0]))
    Interval(low=1.0, high=3.0, confidence=0.75)
    """
    n = len(values)
    if n < 2:
        return NOTHING
    ordered = np.sort(values)
    depths = np.arange(1, n // 2 + 1)
    levels = 1.0 - 2.0 * binom.cdf(depths - 1, n, 0.5)
    enough = np.flatnonzero(levels >= confidence)
    r = int(depths[enough[-1]]) if len(enough) else 1
    return Interval(float(ordered[r - 1]), float(ordered[n - r]), float(levels[r - 1]))


@functools.lru_cache(maxsize=256)  # every pair of searchers asks for the same few
def _student(level: float, freedom: int) -> float:
    """The quantile of Student's t."""
    return float(t.ppf(level, freedom))


def jackknife(whole: float, parts: Array, *, confidence: float = 0.95, trimmed: float = 0.0) -> Interval:
    """Interval of a smooth statistic of runs that share seeds: one seed left out at a time, Student's t (Tukey 1958).

    A seed is left out on all problems at once. So the interval holds whether or not runs of one seed are alike on
    different problems.

    Parameters
    ----------
    whole : float
        The statistic of all runs.
    parts : Array
        (n,) the statistic without the runs of each of the n seeds.
    confidence : float
        Of the interval.
    trimmed : float
        Part of the runs that the statistic leaves out at either end: the degrees of freedom are those of the seeds that
        are left (Tukey and McLaughlin 1963).
    """
    n = len(parts)
    if n < 2 or not np.isfinite([whole, *parts]).all():
        return NOTHING
    pseudo = n * whole - (n - 1) * parts
    freedom = n - 2 * int(trimmed * n) - 1
    half = _student((1.0 + confidence) / 2.0, freedom) * float(np.std(pseudo, ddof=1)) / np.sqrt(n)
    return Interval(whole - half, whole + half, confidence)


def share_interval(share: Array, n: int, *, confidence: float = 0.95) -> tuple[Array, Array]:
    """Wilson's score interval (1927) of (t,) shares of n runs; low and high, (t,) each.

    It has a width at 0 and at 1, too. Of a mean of such shares over problems the n is that of all runs where they are
    independent, and of one problem's runs where they may be alike: no spread between problems is larger than that.
    """
    z = float(norm.ppf((1.0 + confidence) / 2.0))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def vargha_delaney(x: Array, y: Array) -> float:
    """Probability that a run of (n,) `x` is better than one of (m,) `y`, ties halved (A12, Vargha and Delaney 2000).

    NaN where either side is empty.

    Examples
    --------
    >>> vargha_delaney(np.array([1, 2, 3]), np.array([0, 2]))
    0.75
    """
    if not (len(x) and len(y)):
        return float("nan")
    x = np.asarray(x)[:, None]
    return float((x > y).mean() + (x == y).mean() / 2.0)


def improvement_interval(value: float, n: int, m: int, *, confidence: float = 0.95) -> Interval:
    """Interval of A12, the probability that a run of n is better than one of m: Newcombe's method 5 (2006).

    The score interval of ``V(p) = p (1 - p) (1 + k (1 - p) / (2 - p) + k p / (1 + p)) / (n m)``,
    ``k = (n + m) / 2 - 1``: it has a width at 0 and at 1, too. In place of the normal's quantile stands that of
    Student's t with n + m - 2 degrees of freedom, without which three runs against three cover 0.5 in 90 % only.

    Examples
    --------
    >>> found = improvement_interval(1.0, 5, 5)
    >>> round(found.low, 3), found.high
    (0.562, 1.0)
    """
    if min(n, m) < 1 or n + m < 3:
        return NOTHING
    z, k = _student((1.0 + confidence) / 2.0, n + m - 2), (n + m) / 2.0 - 1.0

    def gap(p: float) -> float:
        variance = p * (1.0 - p) * (1.0 + k * (1.0 - p) / (2.0 - p) + k * p / (1.0 + p)) / (n * m)
        return (value - p) ** 2 - z * z * variance

    low = 0.0 if value <= 0.0 else float(brentq(gap, 0.0, value - 1e-12)) if gap(0.0) > 0 else 0.0
    high = 1.0 if value >= 1.0 else float(brentq(gap, value + 1e-12, 1.0)) if gap(1.0) > 0 else 1.0
    return Interval(low, high, confidence)


def mean_improvement(
    a: Mapping[str, Mapping[int, float]],
    b: Mapping[str, Mapping[int, float]],
    *,
    alike: bool,
    confidence: float = 0.95,
) -> Interval:
    """Interval of the mean of A12 over problems.

    The wider one, on each side, of the jackknife over seeds, which sees how much problems and seeds differ but has no
    width where every run is better than every other, and of Newcombe's interval of as many runs, which always has one.

    Parameters
    ----------
    a, b : mapping of str to mapping of int to float
        Problem to the score of each seed, the same problems in both.
    alike : bool
        Whether runs of one seed may be alike on different problems (logs whose searchers had one stream for all
        problems): the runs of a seed then count as one.
    """
    seeds = sorted({seed for runs in (*a.values(), *b.values()) for seed in runs})
    value, *parts = _mean_of_known(np.array([_improvements(a[problem], b[problem], seeds) for problem in a]))
    runs = [min(len(part[problem]) for part in (a, b)) for problem in a]
    n = min(runs, default=0) if alike else sum(runs)
    if not n or not np.isfinite(value):
        return NOTHING
    wide = improvement_interval(value, n, n, confidence=confidence)
    found = jackknife(value, np.array(parts), confidence=confidence)
    if not np.isfinite(found.low):
        return wide
    return Interval(max(0.0, min(found.low, wide.low)), min(1.0, max(found.high, wide.high)), confidence)


def _improvements(a: Mapping[int, float], b: Mapping[int, float], seeds: Sequence[int]) -> Array:
    """A12 of two searchers' runs on a problem, and without each of n seeds: (1 + n,), NaN where either has none."""
    x, y = (np.array([runs.get(seed, np.nan) for seed in seeds]) for runs in (a, b))
    better = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    both = np.outer(~np.isnan(x), ~np.isnan(y)).astype(float)
    wins, games = (part.sum() - [0.0, *(part.sum(0) + part.sum(1) - part.diagonal())] for part in (better, both))
    with np.errstate(invalid="ignore"):
        found: Array = wins / games
    return found


def _mean_of_known(values: Array) -> Array:
    """Mean over the first axis of what is finite, NaN where nothing is."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        found: Array = np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0)
    return found
