"""Rank tests and effect sizes: Mann-Whitney, Wilcoxon, Holm, Friedman, Nemenyi, and the probability of being better."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, mannwhitneyu, rankdata, studentized_range, wilcoxon

from mobench.core.space import Array

__all__ = [
    "Friedman",
    "cliques",
    "critical_distance",
    "friedman",
    "holm",
    "mann_whitney",
    "nemenyi",
    "signed_rank",
    "vargha_delaney",
    "wins_kernel",
]


def vargha_delaney(x: Array, y: Array) -> float:
    """Probability that a run of (n,) `x` is better than one of (m,) `y`, ties halved (A12, Vargha and Delaney 2000).

    Cliff's delta is ``2 * A12 - 1``.

    Examples
    --------
    >>> vargha_delaney(np.array([1, 2, 3]), np.array([0, 2]))
    0.75
    """
    return float(wins_kernel(x, y).mean())


def wins_kernel(x: Array, y: Array) -> Array:
    """Which of (n,) `x` is greater than which of (m,) `y`: 1, 0.5 where they tie, 0; shape (n, m)."""
    wins: Array = (np.sign(np.asarray(x)[:, None] - np.asarray(y)) + 1.0) / 2.0
    return wins


def holm(p_values: Sequence[float] | Array) -> Array:
    """Holm's step-down correction (1979) of (n,) p-values; shape (n,).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def mann_whitney(x: Array, y: Array) -> float:
    """Two-sided p-value that (n,) `x` and (m,) `y` come from one distribution; 1 with fewer than two values in either.

    Exact where there are no ties and one side has at most eight values, else the normal approximation with ties.
    """
    if min(len(x), len(y)) < 2 or len({*x.tolist(), *y.tolist()}) == 1:
        return 1.0
    return float(mannwhitneyu(x, y).pvalue)


def signed_rank(differences: Array) -> tuple[float, float]:
    """Wilcoxon's signed-rank test that (n,) differences are symmetric about 0: sum of signed ranks, two-sided p-value.

    Zeros are ranked but carry no sign (Pratt 1959), so that ties count against a difference. Exact, ties included, for
    up to 16 differences; the normal approximation beyond.
    """
    size = np.round(np.abs(differences), 12)
    signs = np.where(size > 0, np.sign(differences), 0.0)
    if not signs.any():
        return 0.0, 1.0
    ranks = np.where(size > 0, rankdata(size), 0.0)
    total = float(signs @ ranks)
    if len(size) > 16:
        return total, float(wilcoxon(signs * size, zero_method="pratt", method="asymptotic").pvalue)
    flips = 1 - 2 * (np.arange(2 ** len(size))[:, None] >> np.arange(len(size)) & 1)
    return total, float((np.abs(flips @ ranks) >= abs(total) - 1e-9).mean())


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of equal mean ranks.

    Attributes
    ----------
    statistic, p_value : float
        Chi-square with ``searchers - 1`` degrees of freedom, corrected for ties; NaN and 1 where there is no test:
        fewer than three searchers or fewer than two problems.
    searchers, problems : int
        What it was computed over.
    """

    statistic: float
    p_value: float
    searchers: int
    problems: int


def friedman(ranks: pd.DataFrame) -> Friedman:
    """Friedman's test over a (problems, searchers) table of ranks, as `rank_table` of the statistics returns it."""
    n, k = ranks.shape
    all_tied = not n or bool((ranks.to_numpy() == ranks.to_numpy()[:, :1]).all())
    if k < 3 or n < 2 or all_tied:
        return Friedman(float("nan"), 1.0, k, n)
    statistic, p_value = friedmanchisquare(*ranks.to_numpy().T)
    return Friedman(float(statistic), float(p_value), k, n)


def critical_distance(searchers: int, problems: int, *, alpha: float = 0.05) -> float:
    """Nemenyi's critical distance: mean ranks that differ by less are not told apart (Demsar 2006, section 3.2.2)."""
    q = float(studentized_range.ppf(1 - alpha, searchers, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(searchers * (searchers + 1) / (6 * problems)))


def nemenyi(ranks: pd.DataFrame) -> pd.DataFrame:
    """Nemenyi's p-value of every pair; (searchers, searchers), ones on the diagonal."""
    n, k = ranks.shape
    means = ranks.mean().to_numpy()
    distance = np.abs(means[:, None] - means) / np.sqrt(k * (k + 1) / (6 * n))
    p = studentized_range.sf(distance * np.sqrt(2), k, np.inf)
    np.fill_diagonal(p, 1.0)
    return pd.DataFrame(p, index=ranks.columns, columns=ranks.columns)


def cliques(order: Sequence[str], distinct: Collection[frozenset[str]]) -> list[list[str]]:
    """The bars of a critical-difference diagram: longest runs of `order` in which no pair is distinct.

    Parameters
    ----------
    order : sequence of str
        Searchers, best mean rank first.
    distinct : collection of frozenset of str
        Pairs that are told apart.

    Returns
    -------
    list of list of str
        Runs of at least two searchers, none inside another.
    """
    found: list[list[str]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not any(frozenset((order[end], s)) in distinct for s in order[start:end]):
            end += 1
        if end - start > 1 and end > reached:
            found.append(list(order[start:end]))
        reached = max(reached, end)
    return found
