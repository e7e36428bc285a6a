"""Fronts of many objectives as parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array
from mobench.figures.chosen import front_look, median_fronts
from mobench.figures.fronts import rows_of, with_truth
from mobench.figures.limits import feasible
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import TRUTH, palette, panels, styled

__all__ = ["draw_parallel", "plot_parallel"]


@register("parallel", of_one_problem=True)
def draw_parallel(analysis: Analysis, selection: Selection) -> Drawing:
    """Fronts of the median runs as parallel coordinates, for three objectives and more; better is lower."""
    objectives, style = front_look(analysis, selection)
    return plot_parallel(median_fronts(analysis, selection), objectives, **style)


def plot_parallel(
    fronts: Mapping[str, Array],
    objectives: Sequence[Objective],
    *,
    truth: Array | None = None,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "double",
) -> tuple[Figure, pd.DataFrame]:
    """Fronts as parallel coordinates: a panel a searcher, a line an architecture, better is lower on every axis.

    An axis runs from the least to the greatest value of all sets, printed at its ends; for three objectives and more.
    What is beyond a limit is left out.
    The parameters, and the data returned, are those of `mobench.figures.fronts.plot_fronts`.
    """
    colours = colours or palette(list(fronts))
    fronts = {name: feasible(F, objectives) for name, F in fronts.items()}
    sets = with_truth(fronts, truth)
    minimal = {name: minimised(F, objectives) for name, F in sets.items()}
    everything = np.concatenate(list(minimal.values()))
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    with styled():
        figure, axes = panels(width, len(fronts), across=2 if width == "single" else 4, height=1.7, sharey=True)
        for ax, name in zip(axes, fronts, strict=True):
            for label, color in (("true front", TRUTH), (name, colours[name])):
                if label in sets:
                    _lines(ax, (minimal[label] - low) / span, color, faint=label != name)
            _coordinates(ax, objectives, minimised(np.array([low, high]), objectives))
            ax.set_title(name, fontsize=7, color=colours[name])
        grey = "true front grey" if "true front" in sets else ""
        figure.suptitle("; ".join(filter(None, [title, grey])))
    return figure, rows_of(sets, objectives)


def _lines(ax: Any, heights: Array, color: Any, *, faint: bool) -> None:
    across = np.arange(heights.shape[1])
    segments = [np.column_stack([across, row]) for row in heights]
    alpha = 0.8 if faint else min(0.9, max(0.25, 12.0 / max(len(heights), 1)))
    lines = LineCollection(segments, colors=[color], linewidths=0.7 if faint else 0.9, alpha=alpha)
    lines.set_rasterized(len(heights) > 300)
    ax.add_collection(lines)


def _coordinates(ax: Any, objectives: Sequence[Objective], ends: Array) -> None:
    """An upright line an objective, its name below and its best and worst values, `ends` (2, m), at the ends."""
    for j, (best, worst) in enumerate(ends.T):
        ax.plot([j, j], [0, 1], color="0.4", linewidth=0.6, zorder=1)  # no further: there its values stand
        ax.annotate(f"{worst:.3g}", (j, 1), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=6)
        ax.annotate(f"{best:.3g}", (j, 0), (0, -2), textcoords="offset points", ha="center", va="top", fontsize=6)
    names = [f"{o.name}\n[{o.unit}]" if o.unit else o.name for o in objectives]
    ax.set_xticks(range(len(objectives)), names, fontsize=6)
    ax.set(xlim=(-0.25, len(objectives) - 0.75), ylim=(-0.12, 1.12), yticks=[])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
