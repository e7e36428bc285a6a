"""Figures of campaigns by name: `read_runs` scores what is to be drawn, `draw` makes one figure of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import collect
from mobench.campaigns.runs import Runs, merge
from mobench.core.messages import nearest
from mobench.figures.by_problem import PER_PROBLEM, Drawing, Selection
from mobench.figures.overall import OVERALL

__all__ = ["KINDS", "Drawing", "Selection", "draw", "of_one_problem", "read_runs", "summary"]

KINDS = (*PER_PROBLEM, *OVERALL)
"""Names of the figures: those of one problem, then those over several."""


def read_runs(
    folders: Sequence[str | Path],
    *,
    problems: Sequence[str] = (),
    searchers: Sequence[str] = (),
    axis: str = "",
    progress: bool = False,
) -> Analysis:
    """Read and score some runs of results folders, finished or not.

    Parameters
    ----------
    folders : sequence of path
        See `mobench.campaigns.runs.merge`.
    problems, searchers : sequence of str
        Labels of what to keep; everything where empty. Colours stay those of the whole campaign.
    axis : str
        Currency of costs; the budget's where empty.
    progress : bool
        Whether to show progress on standard error.

    Raises
    ------
    FileNotFoundError, ValueError
        There are no runs, they may not be compared, or a label is unknown (the nearest is offered).
    """
    whole = merge(folders)
    runs = _kept(whole, problems, searchers)
    axis = axis or next(iter(runs.budget))
    return Analysis(runs, axis, *collect(runs, axis=axis, progress=progress), everyone=whole.searchers)


def _kept(runs: Runs, problems: Sequence[str], searchers: Sequence[str]) -> Runs:
    _known("problem", problems, runs.problems)
    _known("searcher", searchers, runs.searchers)
    chosen = [
        (spec, folder)
        for spec, folder in zip(runs.specs, runs.folders, strict=True)
        if spec.problem_label in (problems or runs.problems) and spec.searcher_label in (searchers or runs.searchers)
    ]
    if not chosen:
        raise ValueError(f"{', '.join(searchers)}: has no runs on {', '.join(problems)} in this campaign")
    return replace(runs, specs=tuple(spec for spec, _ in chosen), folders=tuple(folder for _, folder in chosen))


def draw(analysis: Analysis, kind: str, selection: Selection) -> Drawing:
    """One figure of scored runs.

    Parameters
    ----------
    analysis : Analysis
        See `read_runs`, or `mobench.analysis.analysis.read_analysis`.
    kind : str
        One of `KINDS`.
    selection : Selection
        What to draw, and how wide.

    Returns
    -------
    figure, data
        The figure, and the numbers drawn.

    Raises
    ------
    ValueError
        An unknown name, or nothing to draw yet; the message says which.
    """
    if not of_one_problem(kind):
        return OVERALL[kind](analysis, selection)
    _known("problem", [selection.problem], analysis.runs.problems)
    return PER_PROBLEM[kind](analysis, selection)


def of_one_problem(kind: str) -> bool:
    """Whether a kind of figure is of one problem; ValueError for an unknown one."""
    _known("kind", [kind], KINDS)
    return kind in PER_PROBLEM


def summary(kind: str) -> str:
    """What a kind of figure shows, in a line."""
    return str((PER_PROBLEM if of_one_problem(kind) else OVERALL)[kind].__doc__).rstrip(".")


def _known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: unknown {name!r}{nearest(name, known)}")
