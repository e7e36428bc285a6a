"""Campaigns read and scored, as an analysis of their runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mobench.analysis.analysis import TRUE_FRONT, Analysis
from mobench.analysis.collect import collect
from mobench.analysis.convergence import with_areas
from mobench.analysis.measures import HYPERVOLUME, MARGIN, MEASURES
from mobench.analysis.naming import arranged, find_names, labels_of, renamed
from mobench.campaigns.campaign import NotApplicable
from mobench.campaigns.study import OVER, Study, read_study, select
from mobench.core.budget import AXES
from mobench.core.messages import check_known
from mobench.scoring.outcome import Outcome

__all__ = ["NO_LABELS", "read_analysis"]

Outcomes = dict[tuple[str, str, int], Outcome]

NO_LABELS: Mapping[str, str] = {}


def read_analysis(
    folders: Sequence[str | Path],
    *,
    problems: Sequence[str] = (),
    searchers: Sequence[str] = (),
    labels: Mapping[str, str] = NO_LABELS,
    axis: str = "",
    contract: str = "",
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
        What to keep, by label or as it is called; everything where empty.
    labels : mapping of str to str
        Label of a searcher or problem to what it is called in all that follows, beside what the campaigns say.
    axis : str
        Currency of costs; the budget's where empty.
    contract : str
        How runs are scored; as their campaigns say where empty.
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
    whole = arranged(read_study(folders, contract=contract))
    names = find_names(whole, labels, taken=TRUE_FRONT)
    study = select(whole, problems=labels_of(problems, names), searchers=labels_of(searchers, names))
    axis = axis or next(iter(study.budget))
    scores, curves, outcomes = collect(study, axis=axis, distance=MEASURES[indicator].distance, progress=progress)
    _check_priced(scores, axis)
    study, scores, curves, outcomes = _without_refused(study, scores, curves, outcomes)
    study, scores, curves, outcomes = renamed(study, scores, curves, outcomes, names)
    everyone = tuple(names[searcher] for searcher in whole.searchers)
    found = Analysis(study, axis, scores, curves, outcomes, everyone, MEASURES[indicator], margin)
    found = replace(found, scores=with_areas(scores, curves, axis=axis, budget=study.budget))
    _check_measured(found.scores, indicator)
    return found


def _without_refused(
    study: Study, scores: pd.DataFrame, curves: pd.DataFrame, outcomes: Outcomes
) -> tuple[Study, pd.DataFrame, pd.DataFrame, Outcomes]:
    """Leave out pairs of which a run that ended cannot be scored by the contract, and say why."""
    refused = scores[(scores["state"] == "ended") & (scores["error"] != "")]
    reasons = {(str(row.problem), str(row.searcher)): str(row.error) for row in refused.itertuples()}
    if not reasons:
        return study, scores, curves, outcomes
    runs = tuple(run for run in study.runs if (run[0].problem_label, run[0].searcher_label) not in reasons)
    if not runs:
        raise ValueError(next(iter(reasons.values())))
    left_out = tuple(NotApplicable(problem, searcher, reason) for (problem, searcher), reason in reasons.items())
    study = replace(study, runs=runs, not_applicable=study.not_applicable + left_out)
    kept = [
        frame[[pair not in reasons for pair in zip(frame["problem"], frame["searcher"], strict=True)]]
        for frame in (scores, curves)
    ]
    outcomes = {run: outcome for run, outcome in outcomes.items() if run[:2] not in reasons}
    return study, kept[0].reset_index(drop=True), kept[1].reset_index(drop=True), outcomes


def _check_priced(scores: pd.DataFrame, axis: str) -> None:
    over = scores[scores["state"].isin(OVER)]
    others = [name for name in AXES if over[name].max() > 0]
    if others and axis not in others:  # where nothing was spent, there is nothing to choose from
        raise ValueError(f"axis: nothing here has a price in {axis}; choose from {', '.join(others)}")


def _check_measured(scores: pd.DataFrame, indicator: str) -> None:
    over = scores[scores["state"].isin(OVER)]
    lacking = over if indicator not in scores else over[over[indicator].isna()]
    if len(lacking):
        problems = ", ".join(dict.fromkeys(lacking["problem"]))
        raise ValueError(f"indicator: {indicator} needs a true front, which is not known of {problems}")
