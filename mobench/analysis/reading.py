"""Campaigns read and scored, as an analysis of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import collect
from mobench.analysis.convergence import areas
from mobench.analysis.measures import HYPERVOLUME, MARGIN, MEASURES
from mobench.campaigns.study import OVER, read_study, select
from mobench.core.messages import check_known

__all__ = ["read_analysis"]


def read_analysis(
    folders: Sequence[str | Path],
    *,
    problems: Sequence[str] = (),
    searchers: Sequence[str] = (),
    axis: str = "",
    indicator: str = HYPERVOLUME.name,
    margin: float = MARGIN,
    progress: bool = False,
) -> Analysis:
    """Read and score the runs of results folders, finished or not.

    Parameters
    ----------
    folders : sequence of path
        See `mobench.campaigns.study.read_study`.
    problems, searchers : sequence of str
        Labels of what to keep; everything where empty.
    axis : str
        Currency of costs; the budget's where empty.
    indicator : str
        What tables and tests are about: one of `mobench.analysis.measures.MEASURES`.
    margin : float
        Means of it that differ by less count as equal.
    progress : bool
        Whether to show progress on standard error.

    Raises
    ------
    FileNotFoundError, ValueError
        There are no runs, they may not be compared, a label or the indicator is unknown (the nearest is offered), a
        problem has no known front, which the indicator needs, or the margin is not positive.
    """
    check_known("indicator", [indicator], MEASURES)
    if not margin > 0:
        raise ValueError(f"margin: expected a positive number, found {margin!r}")
    whole = read_study(folders)
    study = select(whole, problems=problems, searchers=searchers)
    axis = axis or next(iter(study.budget))
    scores, curves, outcomes = collect(study, axis=axis, progress=progress)
    found = Analysis(study, axis, scores, curves, outcomes, whole.searchers, MEASURES[indicator], margin)
    area = areas(scores, curves, axis=axis, budget=found.budget)
    found = replace(found, scores=scores.assign(area=area))
    _check_measured(found.scores, indicator)
    return found


def _check_measured(scores: pd.DataFrame, indicator: str) -> None:
    over = scores[scores["state"].isin(OVER)]
    lacking = over if indicator not in scores else over[over[indicator].isna()]
    if len(lacking):
        problems = ", ".join(dict.fromkeys(lacking["problem"]))
        raise ValueError(f"indicator: {indicator} needs a true front, which is not known of {problems}")
