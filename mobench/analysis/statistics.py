"""How good each searcher is and how sure that is: medians, interquartile means, ranks and profiles with intervals.

Everything starts from one matrix a searcher, runs x problems, in which more is better (see `matrices`). Intervals are
percentile intervals of the stratified bootstrap: the runs of each problem are resampled apart from those of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import trim_mean

from mobench.core.space import Array

__all__ = [
    "Matrices",
    "comparable",
    "interquartile_means",
    "matrices",
    "medians",
    "profiles",
    "rank_table",
    "resampled",
    "strata",
]

Matrices = Mapping[str, pd.DataFrame]
"""Searcher to its scores: a row a seed, a column a problem, more is better; NaN where no run ended."""


def matrices(scores: pd.DataFrame, measure: str = "hypervolume") -> dict[str, pd.DataFrame]:
    """The matrix of each searcher, in the order of the campaign.

    Scores are rounded to twelve decimals, so that runs that found the same front tie whatever the order of its points.

    Parameters
    ----------
    scores : pandas.DataFrame
        A row a run, as `mobench.analysis.collect.collect` returns them.
    measure : str
        A column in which more is better.

    Returns
    -------
    dict of str to pandas.DataFrame
        Searcher to (seeds, problems); NaN where a run has not ended or a pair was not planned.
    """
    scores = scores.assign(**{measure: scores[measure].round(12)})
    problems, seeds = scores["problem"].unique(), sorted(scores["seed"].unique())
    return {
        str(searcher): group.pivot(index="seed", columns="problem", values=measure).reindex(seeds, columns=problems)
        for searcher, group in scores.groupby("searcher", sort=False)
    }


def comparable(found: Matrices) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The part on which all searchers can be compared, and what had to be left out for it.

    Returns
    -------
    part : dict of str to pandas.DataFrame
        The searchers with at least one ended run, on the problems on which each of these has one.
    left_out : list of str
        A sentence for every searcher and problem that is not in the part.
    """
    ended = {searcher: matrix.notna().any() for searcher, matrix in found.items()}
    kept = [searcher for searcher, any_run in ended.items() if any_run.any()]
    notes = [f"{searcher} is left out: none of its runs has ended" for searcher in ended if searcher not in kept]
    problems = []
    for problem in next(iter(found.values())).columns if kept else []:
        lacking = [searcher for searcher in kept if not ended[searcher][problem]]
        if lacking:
            notes.append(f"{problem} is left out of what is said over problems: no ended run of {', '.join(lacking)}")
        else:
            problems.append(problem)
    return {searcher: found[searcher][problems] for searcher in kept}, notes


def strata(matrix: pd.DataFrame) -> dict[str, Array]:
    """Problem to its ended runs, (n,) scores; problems without any are left out."""
    columns = zip(matrix.columns, matrix.to_numpy(dtype=np.float64).T, strict=True)
    ended = {str(problem): column[~np.isnan(column)] for problem, column in columns}
    return {problem: runs for problem, runs in ended.items() if len(runs)}


def resampled(groups: Sequence[Array], resamples: int, seed: int) -> list[Array]:
    """Stratified bootstrap: each group drawn anew with replacement, `resamples` times; (resamples, n) a group."""
    rng = np.random.default_rng(seed)
    return [group[rng.integers(0, len(group), (resamples, len(group)))] for group in groups]


def _interval(draws: Array, confidence: float) -> tuple[float, float]:
    """Percentile interval of (resamples,) draws of a statistic."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def medians(found: Matrices, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Median of every (problem, searcher) pair with its bootstrap interval.

    Returns
    -------
    pandas.DataFrame
        Columns problem, searcher, runs, median, low, high; NaN where no run ended, an interval of no width (say so)
        where only one did.
    """
    rows = []
    for searcher, matrix in found.items():
        groups = strata(matrix)
        for problem in matrix:
            row: dict[str, Any] = {"problem": problem, "searcher": searcher, "runs": 0}
            row |= dict.fromkeys(("median", "low", "high"), np.nan)
            if problem in groups:
                draws = np.median(resampled([groups[problem]], resamples, seed)[0], axis=1)
                row |= {"runs": len(groups[problem]), "median": float(np.median(groups[problem]))}
                row["low"], row["high"] = _interval(draws, confidence)
            rows.append(row)
    return pd.DataFrame(rows, columns=["problem", "searcher", "runs", "median", "low", "high"])


def interquartile_means(
    found: Matrices, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Interquartile mean over all runs of all comparable problems (Agarwal et al. 2021) with its interval.

    The lowest and the highest quarter of the runs, whatever their problem, are left out of the mean.

    Returns
    -------
    pandas.DataFrame
        Columns searcher, problems, runs, iqm, low, high, best first.
    """
    part, _ = comparable(found)

    def iqm(values: Array) -> Array:
        return np.asarray(trim_mean(values, 0.25, axis=-1))

    return _estimates(part, "iqm", iqm, confidence=confidence, resamples=resamples, seed=seed)


def _estimates(
    part: Matrices, name: str, statistic: Callable[[Array], Array], *, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    rows = []
    for searcher, matrix in part.items():
        if groups := list(strata(matrix).values()):
            value = float(statistic(np.concatenate(groups)))
            draws = statistic(np.concatenate(resampled(groups, resamples, seed), axis=1))
            low, high = _interval(draws, confidence)
            rows.append((searcher, len(groups), sum(map(len, groups)), value, low, high))
    table = pd.DataFrame(rows, columns=["searcher", "problems", "runs", name, "low", "high"])
    return table.sort_values(name, ascending=False, kind="stable", ignore_index=True)


def rank_table(found: Matrices) -> pd.DataFrame:
    """Rank of each searcher's median on each comparable problem: 1 is best, ties share their mean rank.

    Medians rank alike whether one looks at the share or at its regret.

    Returns
    -------
    pandas.DataFrame
        (problems, searchers), problems as index; its column means are the mean ranks.
    """
    part, _ = comparable(found)
    return pd.DataFrame({searcher: matrix.median() for searcher, matrix in part.items()}).rank(axis=1, ascending=False)


def profiles(
    found: Matrices, thresholds: Array, *, confidence: float = 0.95, resamples: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Performance profiles: which part of the runs exceeds each threshold, the mean over comparable problems.

    Agarwal et al. (2021), equation 1, with pointwise bootstrap intervals.

    Parameters
    ----------
    found : Matrices
        See `matrices`.
    thresholds : Array
        (t,) scores.

    Returns
    -------
    pandas.DataFrame
        Columns searcher, threshold, fraction, low, high.
    """
    part, _ = comparable(found)
    tables = []
    for searcher, matrix in part.items():
        groups = list(strata(matrix).values())
        fraction = np.mean([(g[:, None] > thresholds).mean(axis=0) for g in groups], axis=0)
        draws = np.zeros((resamples, len(thresholds)))
        for group in resampled(groups, resamples, seed):
            ordered = np.sort(group, axis=1)
            above = [group.shape[1] - np.searchsorted(row, thresholds, side="right") for row in ordered]
            draws += np.array(above) / group.shape[1] / len(groups)
        tail = (1 - confidence) / 2
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        columns = {"searcher": searcher, "threshold": thresholds, "fraction": fraction, "low": low, "high": high}
        tables.append(pd.DataFrame(columns))
    empty = pd.DataFrame(columns=["searcher", "threshold", "fraction", "low", "high"])
    return pd.concat(tables, ignore_index=True) if tables else empty
