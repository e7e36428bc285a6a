"""The figures of a report: which kinds it shows, drawn, saved with their numbers, and handed to the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mobench.analysis.analysis import Analysis
from mobench.analysis.measures import HYPERVOLUME
from mobench.campaigns.study import OVER
from mobench.figures.kinds import draw, find_kind
from mobench.figures.registry import Selection
from mobench.figures.saving import save_figure
from mobench.figures.style import styled
from mobench.files.names import slug
from mobench.report.page import Drawing, Text

__all__ = ["draw_course", "draw_overall", "draw_problem", "draw_states"]

COURSE = "ecdf"
"""What the first screen of a report on several problems shows; on one problem its curves."""

OVERALL = ("critical-difference", "ranks", "intervals", "rank-time", "profile", "medians")


def draw_states(analysis: Analysis, out: Path, below: Path) -> Drawing | Text:
    """Which runs ended, and which did not."""
    return _drawn(analysis, "states", Selection(), out, below)


def draw_course(analysis: Analysis, out: Path, below: Path) -> Drawing | Text | None:
    """The one figure over the budget that the first screen has; none where no run is over."""
    if not analysis.over:
        return None
    if len(analysis.study.problems) > 1:
        return _drawn(analysis, COURSE, Selection(), out, below)
    return _drawn(analysis, "anytime", Selection(problem=next(iter(analysis.study.problems))), out, below)


def draw_overall(analysis: Analysis, out: Path, below: Path) -> tuple[Drawing | Text, ...]:
    """Figures over all problems."""
    shares = analysis if analysis.measure == HYPERVOLUME else replace(analysis, measure=HYPERVOLUME)
    kinds = (*OVERALL, *[COURSE] * (len(analysis.study.problems) == 1))
    return tuple(_drawn(shares, kind, Selection(), out, below) for kind in kinds)


def draw_problem(analysis: Analysis, label: str, out: Path, below: Path) -> tuple[Drawing | Text, ...]:
    """Figures of one problem: its course, its fronts over all runs, and where there is something to see, what
    was spent and what was recorded.
    """
    over = (analysis.scores["problem"] == label) & analysis.scores["state"].isin(OVER)
    if not over.any():
        return ()
    several = len(analysis.study.problems) > 1  # of one problem the first screen has the curves
    kinds = [*["anytime"] * several, "attainment" if len(analysis.problem(label).objectives) == 2 else "parallel"]
    if not np.isclose(analysis.scores.loc[over, analysis.axis], analysis.budget, rtol=0.01).all():
        kinds.append("spending")  # where every run spent the whole budget there is nothing to see
    if any(outcome.diagnostics for (problem, *_), outcome in analysis.outcomes.items() if problem == label):
        kinds.append("diagnostics")
    return tuple(_drawn(analysis, kind, Selection(problem=label), out, below) for kind in kinds)


def _drawn(analysis: Analysis, kind: str, selection: Selection, out: Path, below: Path) -> Drawing | Text:
    """A figure saved as ``<out>/<kind>[-<problem>]``, through no link below `below`, or why it cannot be drawn."""
    try:
        figure, data = draw(analysis, kind, selection)
    except ValueError as error:
        return Text((f"No figure of {kind}: {error}.",))
    with styled():  # the layout once, and not twice a format: it is most of the work
        if (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)
        figure.set_layout_engine(None)
    stem = f"{kind}-{slug(selection.problem)}" if selection.problem else kind
    paths = save_figure(figure, data, out / stem, formats=("svg",), below=below)
    caption = f"{find_kind(kind).summary}."
    alt = f"{selection.problem or 'All problems'}: {caption} The numbers drawn are in {paths[-1].name}."
    svg = paths[0].read_text(encoding="utf-8")
    return Drawing(svg, caption, alt, tuple(f"{out.name}/{path.name}" for path in paths))
