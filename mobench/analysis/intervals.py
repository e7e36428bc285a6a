"""Intervals that keep their word at few seeds: of medians, of statistics over problems, of probabilities of being better.

None of them resamples: with three to ten runs a percentile bootstrap covers far less than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def jackknife(seeds: Sequence[int], statistic: Callable[[list[int]], float], *, confidence: float = 0.95) -> Interval:
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
    whole = statistic(list(seeds))
    parts = np.array([statistic([other for other in seeds if other != seed]) for seed in seeds])
    pseudo = n * whole - (n - 1) * parts
    half = float(t.ppf((1.0 + confidence) / 2.0, n - 1)) * float(np.std(pseudo, ddof=1)) / np.sqrt(n)
    return Interval(whole - half, whole + half, confidence)


def improvement_interval(value: float, n: int, m: int, *, confidence: float = 0.95) -> Interval:
    """Interval of A12, the probability that a run of n is better than one of m: Newcombe's method 5 (2006).

    The score interval of ``V(p) = p (1 - p) (1 + k (1 - p) / (2 - p) + k p / (1 + p)) / (n m)``, ``k = (n + m) / 2 - 1``:
    it has a width at 0 and at 1, too.

    Examples
    --------
    >>> found = improvement_interval(1.0, 5, 5)
    >>> round(found.low, 3), found.high
    (0.566, 1.0)
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


def mean_improvement(parts: Sequence[tuple[float, int, int]], *, alike: bool, confidence: float = 0.95) -> Interval:
    """Interval of the mean of A12 over problems, from the intervals of each (MOVER, Zou and Donner 2008).

    Parameters
    ----------
    parts : sequence of (float, int, int)
        A12 and the numbers of runs, a problem each.
    alike : bool
        Whether runs of one seed may be alike on different problems (logs whose searchers had one stream for all
        problems): distances then add up, else their squares do.
    """
    if not parts:
        return NOTHING
    found = [(value, improvement_interval(value, n, m, confidence=confidence)) for value, n, m in parts]
    mean = float(np.mean([value for value, _ in found]))
    below = np.array([value - interval.low for value, interval in found])
    above = np.array([interval.high - value for value, interval in found])
    low, high = ((float(x.sum() if alike else np.sqrt((x**2).sum())) / len(parts)) for x in (below, above))
    return Interval(max(0.0, mean - low), min(1.0, mean + high), confidence)
