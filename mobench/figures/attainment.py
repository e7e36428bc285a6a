"""What shares of a searcher's runs attain, over the true front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.attainment import Fronts, attainment, staircase
from mobench.core.indicators import finite
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array
from mobench.figures.chosen import all_fronts, front_look
from mobench.figures.limits import draw_limits
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import TRUTH, label_objectives, palette, panels, scale_axis, styled, wrapped
from mobench.scoring.front import objective_columns

__all__ = ["axes_limits", "check_two", "draw_attainment", "finish", "outline", "plot_attainment"]


@register("attainment", of_one_problem=True)
def draw_attainment(analysis: Analysis, selection: Selection) -> Drawing:
    """What 10, 50 and 90 % of each searcher's runs attain, over the true front; two objectives."""
    objectives, style = front_look(analysis, selection)
    return plot_attainment(all_fronts(analysis, selection), objectives, **style)


def plot_attainment(
    fronts: Mapping[str, Fronts],
    objectives: Sequence[Objective],
    *,
    truth: Array | None = None,
    levels: tuple[float, float, float] = (10, 50, 90),
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "double",
) -> tuple[Figure, pd.DataFrame]:
    """Attainment surfaces, a panel a searcher: the line half of its runs attain, and the band from 10 to 90 %.

    Parameters
    ----------
    fronts : mapping of str to sequence of Array
        Searcher to the (k, 2) scored values, in natural units, that each of its runs delivered.
    objectives : sequence of Objective
        The two columns.
    truth : Array, optional
        (t, 2) true front.
    levels : tuple of float
        Per cent of the runs: band, line, band.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns ``searcher`` (or ``true front``), ``level`` (%), ``runs``, and one an objective.

    Raises
    ------
    ValueError
        Not two objectives, or nothing was delivered at all.
    """
    check_two(objectives)
    colours = colours or palette(list(fronts))
    ground = np.empty((0, 2)) if truth is None else truth
    limits = axes_limits([*(F for runs in fronts.values() for F in runs), ground], objectives)
    tables = [pd.DataFrame(ground).assign(searcher="true front", level=np.nan, runs=0)]
    with styled():
        figure, axes = panels(
            width, len(fronts), across=2 if width == "single" else 4, height=1.8, sharex=True, sharey=True
        )
        for ax, (name, runs) in zip(axes, fronts.items(), strict=True):
            surfaces = [attainment(runs, level, objectives) for level in levels]
            _band(ax, surfaces, limits[1], objectives, colours[name])
            ax.plot(*outline(ground, limits[1], objectives).T, color=TRUTH, linewidth=2.5, zorder=1)
            ax.set_title(name, fontsize=7, color=colours[name])
            for level, surface in zip(levels, surfaces, strict=True):
                tables.append(pd.DataFrame(surface).assign(searcher=name, level=level, runs=len(runs)))
        finish(axes, limits, objectives)
        counts = sorted({len(runs) for runs in fronts.values()})
        counted = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        lines = f"attained by {levels[1]:g} % (line) and {levels[0]:g} to {levels[2]:g} % (band) of {counted} runs"
        text = ": ".join(filter(None, [title, lines])) + ("; true front grey" if len(ground) else "")
        figure.suptitle(wrapped(text, width), fontsize=7)
    columns = objective_columns(objectives)
    data = pd.concat(tables, ignore_index=True).rename(columns=dict(enumerate(columns)))
    return figure, data[["searcher", "level", "runs", *columns]]


def _band(ax: Any, surfaces: Sequence[Array], corner: Array, objectives: Sequence[Objective], color: Any) -> None:
    best, middle, worst = (outline(surface, corner, objectives) for surface in surfaces)
    if len(best):
        outer = worst if len(worst) else corner[None, ::-1]
        ax.fill(*np.concatenate([best, outer[::-1]]).T, color=color, alpha=0.25, linewidth=0, zorder=2)
    ax.plot(*middle.T, color=color, zorder=3)


def check_two(objectives: Sequence[Objective]) -> None:
    """ValueError where there are not two objectives."""
    if len(objectives) != 2:
        names = ", ".join(objective.name for objective in objectives)
        raise ValueError(f"attainment: drawn for two objectives, found {names}; choose two of them")


def axes_limits(sets: Sequence[Array], objectives: Sequence[Objective]) -> Array:
    """The (2, 2) limits of the axes: the best corner, and the worst, up to which surfaces are drawn."""
    found = [finite(F) for F in sets if len(F)]
    if not found:
        raise ValueError("attainment: no run delivered anything; wait until some have ended")
    points = minimised(np.concatenate(found), objectives)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * np.where(high > low, high - low, 1.0)
    limits = minimised(np.array([low - margin, high + margin]), objectives)
    positive = (low > 0) & (limits[0] <= 0)  # a logarithmic axis needs a positive end
    limits[0, positive] = 0.8 * low[positive]
    return limits


def outline(surface: Array, corner: Array, objectives: Sequence[Objective]) -> Array:
    """The (k, 2) corners of a surface, the second objective across."""
    return staircase(surface, corner, objectives)[:, ::-1]


def finish(axes: Sequence[Any], limits: Array, objectives: Sequence[Objective]) -> None:
    """Labels, scales and limits (2, 2) of the axes, the second objective across."""
    for ax in axes:
        label_objectives(ax, objectives, (1, 0))
        for axis, column in ((ax.xaxis, 1), (ax.yaxis, 0)):
            scale_axis(axis, limits[:, column])
        ax.set(xlim=sorted(limits[:, 1]), ylim=sorted(limits[:, 0]))
        draw_limits(ax, objectives, (1, 0))
        ax.label_outer()
