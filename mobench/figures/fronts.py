"""Figures of fronts: delivered sets over the true front, in panels of two objectives or as parallel coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from mobench.analysis.attainment import staircase
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array
from mobench.figures.style import MARKERS, TRUTH, label_objectives, new_figure, palette, panels, scale_axis, styled

__all__ = ["plot_fronts", "plot_parallel"]


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
    and pair of objectives (down: the first against each of the others), as staircases would overlap.

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
    sets = _with_truth(fronts, truth)
    with styled():
        figure = (
            _overlay(sets, objectives, colours, width) if len(objectives) <= 2 else _facets(sets, objectives, colours)
        )
        grey = "true front grey" if len(objectives) > 2 and "true front" in sets else ""
        figure.suptitle("; ".join(filter(None, [title, grey])))
    return figure, _rows(sets, objectives)


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
    The parameters, and the data returned, are those of `plot_fronts`.
    """
    colours = colours or palette(list(fronts))
    sets = _with_truth(fronts, truth)
    everything = minimised(np.concatenate(list(sets.values())), objectives)
    low, high = everything.min(axis=0), everything.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    with styled():
        figure, axes = panels(width, len(fronts), across=2 if width == "single" else 4, height=1.7, sharey=True)
        for ax, name in zip(axes, fronts, strict=True):
            for label, color in (("true front", TRUTH), (name, colours[name])):
                if label in sets:
                    heights = (minimised(sets[label], objectives) - low) / span
                    _lines(ax, heights, color, faint=label != name)
            _coordinates(ax, objectives, low, high)
            ax.set_title(name, fontsize=7, color=colours[name])
        grey = "true front grey" if "true front" in sets else ""
        figure.suptitle("; ".join(filter(None, [title, grey])))
    return figure, _rows(sets, objectives)


def _lines(ax: Any, heights: Array, color: Any, *, faint: bool) -> None:
    across = np.arange(heights.shape[1])
    segments = [np.column_stack([across, row]) for row in heights]
    alpha = 0.8 if faint else min(0.9, max(0.25, 12.0 / max(len(heights), 1)))
    lines = LineCollection(segments, colors=[color], linewidths=0.7 if faint else 0.9, alpha=alpha)
    lines.set_rasterized(len(heights) > 300)
    ax.add_collection(lines)


def _coordinates(ax: Any, objectives: Sequence[Objective], low: Array, high: Array) -> None:
    """An upright line an objective, its name below and its worst and best values at the ends."""
    for j, objective in enumerate(objectives):
        ax.axvline(j, color="0.4", linewidth=0.6, zorder=1)
        best, worst = (-low[j], -high[j]) if objective.maximise else (low[j], high[j])
        ax.annotate(f"{worst:.3g}", (j, 1), (0, 2), textcoords="offset points", ha="center", va="bottom", fontsize=6)
        ax.annotate(f"{best:.3g}", (j, 0), (0, -2), textcoords="offset points", ha="center", va="top", fontsize=6)
    names = [f"{o.name}\n[{o.unit}]" if o.unit else o.name for o in objectives]
    ax.set_xticks(range(len(objectives)), names, fontsize=6)
    ax.set(xlim=(-0.25, len(objectives) - 0.75), ylim=(-0.12, 1.12), yticks=[])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def _with_truth(fronts: Mapping[str, Array], truth: Array | None) -> dict[str, Array]:
    return dict(fronts) | ({"true front": truth} if truth is not None and len(truth) else {})


def _rows(sets: Mapping[str, Array], objectives: Sequence[Objective]) -> pd.DataFrame:
    tables = [pd.DataFrame(F, columns=[o.name for o in objectives]).assign(set=name) for name, F in sets.items()]
    return pd.concat(tables, ignore_index=True)


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
            line = minimised(staircase(minimised(F[:, pair], chosen)), chosen)  # twice negated is as it was
            style = (
                {"color": TRUTH, "linewidth": 3.5, "label": name, "zorder": 1} if truth else {"color": colours[name]}
            )
            ax.plot(*line.T, **{"linewidth": 0.9, "zorder": 2, **style})
        if not truth:
            _scatter(ax, F[:, pair], colours[name], label=name, marker=MARKERS[i % len(MARKERS)], size=14)
    label_objectives(ax, objectives, pair)
    scale_axis(ax.xaxis, np.concatenate([F[:, pair[0]] for F in sets.values()]))
    ax.legend(loc="best" if len(sets) <= 6 else "outside right upper")
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
    return figure


def _scatter(ax: Any, points: Array, color: Any, *, label: str, marker: str, size: float) -> None:
    """Hollow markers, so that sets that share points show through each other."""
    style = {"facecolors": "none", "edgecolors": [color], "linewidths": 0.8, "zorder": 3}
    ax.scatter(points[:, 0], points[:, 1], s=size, marker=marker, label=label, **style)
