"""Intervals that keep their word at few seeds: of medians, of statistics over problems, of probabilities to be better.

None of them resamples: with three to ten runs a percentile bootstrap covers far less than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binom, norm, t

from mobench.core.space import Array

__all__ = ["Interval", "improvement_interval", "jackknife", "mean_improvement", "median_interval"]


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


def jackknife(
    seeds: Sequence[int], statistic: Callable[[Sequence[int]], float], *, confidence: float = 0.95
) -> Interval:
    """Interval of a smooth statistic of runs that share seeds: one seed left out at a time, Student's t (Tukey 1958).

    A seed is left out on all problems at once. So the interval holds whether or not runs of one seed are alike on
    different problems.

    Parameters
    ----------
    seeds : sequence of int
        The n seeds.
    statistic : callable
        Of the runs of some of the seeds.
    """
    n = len(seeds)
    if n < 2:
        return NOTHING
    whole = statistic(seeds)
    parts = np.array([statistic([other for other in seeds if other != seed]) for seed in seeds])
    pseudo = n * whole - (n - 1) * parts
    half = float(t.ppf((1.0 + confidence) / 2.0, n - 1)) * float(np.std(pseudo, ddof=1)) / np.sqrt(n)
    return Interval(whole - half, whole + half, confidence)


def improvement_interval(value: float, n: int, m: int, *, confidence: float = 0.95) -> Interval:
    """Interval of A12, the probability that a run of n is better than one of m: Newcombe's method 5 (2006).

    The score interval of ``V(p) = p (1 - p) (1 + k (1 - p) / (2 - p) + k p / (1 + p)) / (n m)``,
    ``k = (n + m) / 2 - 1``: it has a width at 0 and at 1, too.

    Examples
    --------
    >>> found = improvement_interval(1.0, 5, 5)
    >>> round(found.low, 3), found.high
    (0.643, 1.0)
    """
    if min(n, m) < 1:
        return NOTHING
    z, k = float(norm.ppf((1.0 + confidence) / 2.0)), (n + m) / 2.0 - 1.0

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

    def mean(kept: Container[int]) -> float:
        parts = [_improvement(_of(a[problem], kept), _of(b[problem], kept)) for problem in a]
        return float(np.nanmean(parts)) if parts else float("nan")

    seeds = sorted({seed for runs in (*a.values(), *b.values()) for seed in runs})
    value = mean(seeds)
    runs = [min(len(part[problem]) for part in (a, b)) for problem in a]
    n = min(runs, default=0) if alike else sum(runs)
    if not n or not np.isfinite(value):
        return NOTHING
    wide = improvement_interval(value, n, n, confidence=confidence)
    found = jackknife(seeds, mean, confidence=confidence)
    if not np.isfinite(found.low):
        return wide
    return Interval(max(0.0, min(found.low, wide.low)), min(1.0, max(found.high, wide.high)), confidence)


def _of(runs: Mapping[int, float], kept: Container[int]) -> Array:
    return np.array([score for seed, score in runs.items() if seed in kept])


def _improvement(x: Array, y: Array) -> float:
    if not (len(x) and len(y)):
        return float("nan")
    return float((np.sign(np.round(x[:, None] - y, 12)) + 1.0).mean()) / 2.0
