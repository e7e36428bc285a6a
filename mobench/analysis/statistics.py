"""How good each searcher is and how sure that is: medians, interquartile means, ranks and profiles with intervals.

Everything starts from one matrix a searcher, runs x problems, in which more is better (see `matrices`). Intervals are
those of `mobench.analysis.intervals`: none of them resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.intervals import jackknife, median_interval, share_interval
from mobench.analysis.measures import HYPERVOLUME, Measure
from mobench.core.space import Array

__all__ = [
    "Matrices",
    "comparable",
    "interquartile_means",
    "matrices",
    "medians",
    "profiles",
    "rank_table",
    "runs_of",
]

Matrices = Mapping[str, pd.DataFrame]
"""Searcher to its scores: a row a seed, a column a problem, more is better; NaN where a run has no score."""


def matrices(scores: pd.DataFrame, measure: Measure = HYPERVOLUME) -> dict[str, pd.DataFrame]:
    """The matrix of each searcher, in the order of the campaign.

    Scores are rounded to twelve decimals, so that runs that found the same front tie whatever the order of its points.
    Measures of which less is better change their sign.

    Parameters
    ----------
    scores : pandas.DataFrame
        A row a run, as `mobench.analysis.collect.collect` returns them.
    measure : Measure
        One of its columns.

    Returns
    -------
    dict of str to pandas.DataFrame
        Searcher to (seeds, problems); NaN where a run has no score yet or a pair was not planned.
    """
    sign = 1.0 if measure.maximise else -1.0
    scores = scores.assign(score=sign * scores[measure.name].round(12))
    problems, seeds = scores["problem"].unique(), sorted(scores["seed"].unique())
    return {
        str(searcher): group.pivot(index="seed", columns="problem", values="score").reindex(seeds, columns=problems)
        for searcher, group in scores.groupby("searcher", sort=False)
    }


def comparable(found: Matrices) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """The part on which all searchers can be compared, and what had to be left out for it.

    Returns
    -------
    part : dict of str to pandas.DataFrame
        The searchers with at least one score, on the problems on which each of these has one.
    left_out : list of str
        A sentence for every searcher and problem that is not in the part.
    """
    scored = {searcher: matrix.notna().any() for searcher, matrix in found.items()}
    kept = [searcher for searcher, any_run in scored.items() if any_run.any()]
    notes = [f"{searcher} is left out: none of its runs has a score" for searcher in scored if searcher not in kept]
    problems = []
    for problem in next(iter(found.values())).columns if kept else []:
        lacking = [searcher for searcher in kept if not scored[searcher][problem]]
        if lacking:
            notes.append(f"{problem} is left out of what is said over problems: no ended run of {', '.join(lacking)}")
        else:
            problems.append(problem)
    return {searcher: found[searcher][problems] for searcher in kept}, notes


def runs_of(matrix: pd.DataFrame) -> dict[str, dict[int, float]]:
    """Problem to seed to score of the runs that have one; problems without any are left out."""
    columns = {str(problem): matrix[problem].dropna() for problem in matrix}
    return {
        problem: dict(zip(runs.index, runs.tolist(), strict=True)) for problem, runs in columns.items() if len(runs)
    }


def medians(found: Matrices) -> pd.DataFrame:
    """Median of every (problem, searcher) pair between two order statistics, with the confidence that these have.

    Returns
    -------
    pandas.DataFrame
        Columns problem, searcher, runs, median, low, high, confidence (at least 0.95 from six runs on, less below; 0
        for one run, which has no interval); NaN where no run has a score.
    """
    rows = []
    for searcher, matrix in found.items():
        for problem in matrix:
            values = matrix[problem].dropna().to_numpy(dtype=np.float64)
            interval = median_interval(values)
            row: dict[str, Any] = {"problem": problem, "searcher": searcher, "runs": len(values)}
            row |= {"median": float(np.median(values)) if len(values) else np.nan}
            rows.append(row | {"low": interval.low, "high": interval.high, "confidence": interval.confidence})
    return pd.DataFrame(rows, columns=["problem", "searcher", "runs", "median", "low", "high", "confidence"])


def interquartile_means(found: Matrices, measure: Measure = HYPERVOLUME) -> pd.DataFrame:
    """Interquartile mean over all runs of all comparable problems (Agarwal et al. 2021) with its interval.

    The lowest and the highest quarter of the runs, whatever their problem, are left out of the mean. The interval is
    the wider one, on each side, of the jackknife over seeds and of the order statistics of what each seed alone gives.
    Both take all runs of a seed together, so that it does not matter whether they are alike.

    Returns
    -------
    pandas.DataFrame
        Columns searcher, problems, runs, iqm, low, high (within what `measure` can be), confidence (0.95, and below six
        seeds that of the order statistics), best first.
    """
    part, _ = comparable(found)
    rows = []
    for searcher, matrix in part.items():
        values = matrix.to_numpy(dtype=np.float64)

        def iqm(kept: Sequence[int], values: Array = values) -> float:
            picked = values[list(kept)]
            return _trimmed_mean(picked[~np.isnan(picked)])

        seeds = np.flatnonzero(~np.isnan(values).all(axis=1)).tolist()
        if seeds:
            others = [[other for other in seeds if other != seed] for seed in seeds]
            left_out = jackknife(iqm(seeds), np.array([iqm(kept) for kept in others if kept]), trimmed=0.25)
            alone = median_interval(np.array([iqm([seed]) for seed in seeds]))
            ends = np.fmin(left_out.low, alone.low), np.fmax(left_out.high, alone.high)  # the other where one is NaN
            low, high = np.clip(ends, *measure.span)
            row = (searcher, matrix.shape[1], int((~np.isnan(values)).sum()), iqm(seeds), low, high)
            rows.append((*row, min(0.95, alone.confidence)))
    table = pd.DataFrame(rows, columns=["searcher", "problems", "runs", "iqm", "low", "high", "confidence"])
    return table.sort_values(["iqm", "searcher"], ascending=[False, True], ignore_index=True)


def _trimmed_mean(values: Array) -> float:
    """The mean of (n,) values without a quarter, rounded down, at either end, as `scipy.stats.trim_mean` has it."""
    low = len(values) // 4
    return float(np.partition(values, (low, len(values) - low - 1))[low : len(values) - low].mean())


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


def profiles(found: Matrices, thresholds: Array, *, alike: bool = True) -> pd.DataFrame:
    """Performance profiles: which part of the runs exceeds each threshold, the mean over comparable problems.

    Agarwal et al. (2021), equation 1, with pointwise 95 % intervals (Wilson's).

    Parameters
    ----------
    found : Matrices
        See `matrices`.
    thresholds : Array
        (t,) scores.
    alike : bool
        Whether runs of one seed may be alike on different problems.

    Returns
    -------
    pandas.DataFrame
        Columns searcher, threshold, fraction, low, high.
    """
    part, _ = comparable(found)
    tables = [pd.DataFrame(columns=["searcher", "threshold", "fraction", "low", "high"])]
    for searcher, matrix in part.items():
        groups = [np.array(list(runs.values())) for runs in runs_of(matrix).values()]
        if groups:
            fraction = np.mean([(g[:, None] > thresholds).mean(axis=0) for g in groups], axis=0)
            sizes = [len(group) for group in groups]
            low, high = share_interval(fraction, min(sizes) if alike else min(sizes) * len(sizes))
            columns = {"searcher": searcher, "threshold": thresholds, "fraction": fraction, "low": low, "high": high}
            tables.append(pd.DataFrame(columns))
    return pd.concat(tables[1:] or tables, ignore_index=True)
