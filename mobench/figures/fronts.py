"""Delivered sets over the true front, in panels of two objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.attainment import staircase
from mobench.core.problem import Objective
from mobench.core.space import Array
from mobench.figures.chosen import front_look, median_fronts
from mobench.figures.course import legend
from mobench.figures.limits import draw_limits, feasible
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import MARKERS, TRUTH, label_objectives, new_figure, palette, scale_axis, styled
from mobench.scoring.front import objective_columns

__all__ = ["draw_fronts", "plot_fronts", "rows_of", "with_truth"]


@register("front", of_one_problem=True)
def draw_fronts(analysis: Analysis, selection: Selection) -> Drawing:
    """Delivered front of each searcher's run of median hypervolume, over the true front."""
    objectives, style = front_look(analysis, selection)
    return plot_fronts(median_fronts(analysis, selection), objectives, **style)


def plot_fronts(
    fronts: Mapping[str, Array],
    objectives: Sequence[Objective],
    *,
    truth: Array | None = None,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Delivered fronts over the true front.

    With two objectives, one panel with the staircase of what each front attains; with more, a panel a searcher (across)
    and pair of objectives (down: the first against each of the others), as staircases would overlap. A limit is a thin
    dashed line, what lies beyond it is shaded lightly, and no staircase leads through it.

    Parameters
    ----------
    fronts : mapping of str to Array
        Searcher to (k, m) scored values in natural units.
    objectives : sequence of Objective
        The m columns.
    truth : Array, optional
        (t, m) true front.
    title : str
        Title.
    colours : mapping, optional
        Searcher to colour; see `mobench.figures.style.palette`.
    width : str
        ``single`` or ``double`` column, with two objectives; more need a double one.

    Returns
    -------
    figure, data
        The data has a column ``set`` (searcher, or ``true front``) and one an objective.
    """
    colours = colours or palette(list(fronts))
    sets = with_truth(fronts, truth)
    with styled():
        figure = (
            _overlay(sets, objectives, colours, width) if len(objectives) <= 2 else _facets(sets, objectives, colours)
        )
        grey = "true front grey" if len(objectives) > 2 and "true front" in sets else ""
        figure.suptitle("; ".join(filter(None, [title, grey])))
    return figure, rows_of(sets, objectives)


def _overlay(
    sets: Mapping[str, Array], objectives: Sequence[Objective], colours: Mapping[str, Any], width: str
) -> Figure:
    """All sets in one panel, the second objective across and the first up (one objective against itself)."""
    figure = new_figure(width, height=2.5 if width == "single" else 3.4)
    ax = figure.subplots()
    pair = (len(objectives) - 1, 0)
    for i, (name, F) in enumerate(sets.items()):
        truth = name == "true front"
        if len(objectives) == 2:
            chosen = [objectives[j] for j in pair]
            line = staircase(feasible(F, objectives)[:, pair], objectives=chosen)
            style = (
                {"color": TRUTH, "linewidth": 3.5, "label": name, "zorder": 1} if truth else {"color": colours[name]}
            )
            ax.plot(*line.T, **{"linewidth": 0.9, "zorder": 2, **style})
        if not truth:
            _scatter(ax, F[:, pair], colours[name], label=name, marker=MARKERS[i % len(MARKERS)], size=14)
    label_objectives(ax, objectives, pair)
    scale_axis(ax.xaxis, np.concatenate([F[:, pair[0]] for F in sets.values()]))
    draw_limits(ax, objectives, pair)
    legend(ax, len(sets))
    return figure


def _facets(sets: Mapping[str, Array], objectives: Sequence[Objective], colours: Mapping[str, Any]) -> Figure:
    """A panel a searcher and pair of objectives, on common axes, the true front as grey ground."""
    searchers = [name for name in sets if name != "true front"]
    figure = new_figure("double", height=1.55 * (len(objectives) - 1) + 0.3)
    axes = figure.subplots(len(objectives) - 1, len(searchers), squeeze=False, sharex="row", sharey=True)
    for row, j in zip(axes, range(1, len(objectives)), strict=True):
        for i, (ax, name) in enumerate(zip(row, searchers, strict=True)):
            if "true front" in sets:
                points = sets["true front"][:, [j, 0]]
                ax.scatter(*points.T, s=14, color=TRUTH, linewidths=0, zorder=1, rasterized=len(points) > 500)
            _scatter(ax, sets[name][:, [j, 0]], colours[name], label=name, marker=MARKERS[i % len(MARKERS)], size=9)
            if j == 1:
                ax.set_title(name, fontsize=7, color=colours[name])
        scale_axis(row[0].xaxis, np.concatenate([F[:, j] for F in sets.values()]))
        row[0].set_ylabel(objectives[0].label)
        row[len(row) // 2].set_xlabel(objectives[j].label)
    for row, j in zip(axes, range(1, len(objectives)), strict=True):  # now that the axes reach as far as they will
        for ax in row:
            draw_limits(ax, objectives, (j, 0))
    return figure


def _scatter(ax: Any, points: Array, color: Any, *, label: str, marker: str, size: float) -> None:
    """Hollow markers, so that sets that share points show through each other."""
    style = {"facecolors": "none", "edgecolors": [color], "linewidths": 0.8, "zorder": 3}
    ax.scatter(points[:, 0], points[:, 1], s=size, marker=marker, label=label, **style)


def with_truth(fronts: Mapping[str, Array], truth: Array | None) -> dict[str, Array]:
    """The fronts and, last, the true one where it is known."""
    return dict(fronts) | ({"true front": truth} if truth is not None and len(truth) else {})


def rows_of(sets: Mapping[str, Array], objectives: Sequence[Objective]) -> pd.DataFrame:
    """A row an architecture: a column an objective, and its set."""
    columns = objective_columns(objectives)
    tables = [pd.DataFrame(F, columns=columns).assign(set=name) for name, F in sets.items()]
    return pd.concat(tables, ignore_index=True)
