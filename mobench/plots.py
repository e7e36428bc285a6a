"""Figures for papers: each a function of tidy data that returns the figure and the numbers drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from mobench.problem import Array, Objective

__all__ = ["palette", "plot_anytime", "plot_fronts", "save_figure"]

COLUMN = 3.4
"""Width of a single column of a paper, inches."""

STYLE: Any = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.linewidth": 0.6,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "font.size": 8,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
_MARKERS = "osD^vph<>8dP"


def palette(searchers: Sequence[str]) -> dict[str, Any]:
    """One colour-blind-safe colour a searcher, by its place in the campaign: the same in every figure."""
    colours = sns.color_palette("colorblind", 10)
    order = [0, 1, 2, 4, 3, 5, 9, 6, 8]  # grey stays free for the true front
    if len(searchers) > len(order):
        return dict(zip(searchers, sns.color_palette("husl", len(searchers)), strict=True))
    return {searcher: colours[order[i]] for i, searcher in enumerate(searchers)}


def _figure(columns: int, rows: int = 1, *, height: float = 2.5) -> tuple[Figure, Any]:
    figure = Figure(figsize=(COLUMN * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def plot_anytime(
    lines: Mapping[str, Array],
    grid: Array,
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    resamples: int = 1000,
) -> tuple[Figure, pd.DataFrame]:
    """Mean log10 regret against budget with a 95 % bootstrap band over seeds.

    Parameters
    ----------
    lines : mapping of str to Array
        Searcher to (seeds, g) log10 regrets on `grid`, as `mobench.compare.resample` returns them.
    grid : Array
        (g,) amounts of the currency `axis`, ascending and positive.
    axis, title : str
        Currency (for the label) and title.
    colours : mapping, optional
        Searcher to colour; see `palette`.
    resamples : int
        Bootstrap samples of the seeds.

    Returns
    -------
    figure, data
        The data has columns searcher, `axis`, mean, low, high, seeds.
    """
    colours = colours or palette(list(lines))
    with mpl.rc_context(STYLE):
        figure, axes = _figure(1)
        ax = axes[0, 0]
        tables = []
        for searcher, values in lines.items():
            mean, low, high = _band(values, resamples)
            ax.plot(grid, mean, color=colours[searcher], label=searcher)
            if len(values) > 1:
                ax.fill_between(grid, low, high, color=colours[searcher], alpha=0.18, linewidth=0)
            table = pd.DataFrame({"searcher": searcher, axis: grid, "mean": mean, "low": low, "high": high})
            tables.append(table.assign(seeds=len(values)))
        ax.set_xscale("log")
        ax.set_xlim(grid[0], grid[-1])
        ax.xaxis.set_major_formatter(mpl.ticker.LogFormatter(minor_thresholds=(2, 0.5)))
        ax.set_xlabel(_AXIS_LABELS.get(axis, axis))
        ax.set_ylabel("log10 hypervolume regret")
        ax.set_title(title)
        seeds = sorted({len(values) for values in lines.values()})
        counted = f"{seeds[0]} seeds" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
        ax.legend(handlelength=1.4, title=f"mean and 95 % band, {counted}", title_fontsize=6, alignment="left")
    return figure, pd.concat(tables, ignore_index=True)


_AXIS_LABELS = {
    "evaluations": "unique evaluations",
    "asked": "questions asked",
    "flops": "training compute [multiply-adds]",
    "seconds": "training time [s]",
    "trainings": "equivalent full trainings",
}


def _band(values: Array, resamples: int) -> tuple[Array, Array, Array]:
    """Mean over seeds, and the 2.5 % and 97.5 % points of its bootstrap distribution; (g,) each."""
    rng = np.random.default_rng(0)  # the band of given data is always the same
    picks = rng.integers(0, len(values), size=(resamples, len(values)))
    weights = np.apply_along_axis(np.bincount, 1, picks, minlength=len(values)) / len(values)
    low, high = np.percentile(weights @ values, [2.5, 97.5], axis=0)
    return values.mean(axis=0), low, high


def plot_fronts(
    fronts: Mapping[str, Array],
    objectives: Sequence[Objective],
    *,
    truth: Array | None = None,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
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
        Searcher to colour; see `palette`.

    Returns
    -------
    figure, data
        The data has a column ``set`` (searcher, or ``true front``) and one an objective.
    """
    colours = colours or palette(list(fronts))
    sets = dict(fronts) | ({"true front": truth} if truth is not None and len(truth) else {})
    with mpl.rc_context(STYLE):
        draw = _overlay if len(objectives) <= 2 else _facets
        figure = draw(sets, objectives, colours)
        figure.suptitle(title, fontsize=8)
    tables = [pd.DataFrame(F, columns=[o.name for o in objectives]).assign(set=name) for name, F in sets.items()]
    return figure, pd.concat(tables, ignore_index=True)


def _overlay(sets: Mapping[str, Array], objectives: Sequence[Objective], colours: Mapping[str, Any]) -> Figure:
    """All sets in one panel, the second objective across and the first up (one objective against itself)."""
    figure, axes = _figure(1)
    across = len(objectives) - 1
    for i, (name, F) in enumerate(sorted(sets.items(), key=lambda item: item[0] != "true front")):
        style = {"color": "0.78", "truth": True} if name == "true front" else {"color": colours[name]}
        _draw(axes[0, 0], F, objectives, across, label=name, marker=_MARKERS[(i - 1) % len(_MARKERS)], **style)
    _label(axes[0, 0], sets, objectives, across)
    axes[0, 0].legend(handlelength=1.4)
    return figure


def _facets(sets: Mapping[str, Array], objectives: Sequence[Objective], colours: Mapping[str, Any]) -> Figure:
    """A panel a searcher and pair of objectives, on common axes, the true front as grey ground."""
    searchers = [name for name in sets if name != "true front"]
    pairs = range(1, len(objectives))
    width = max(COLUMN, min(1.35 * len(searchers) + 0.5, 2 * COLUMN + 0.2))
    figure = Figure(figsize=(width, 1.55 * len(pairs) + 0.3), layout="constrained")
    axes = figure.subplots(len(pairs), len(searchers), squeeze=False, sharex="row", sharey=True)
    for row, j in zip(axes, pairs, strict=True):
        for i, (ax, name) in enumerate(zip(row, searchers, strict=True)):
            if "true front" in sets:
                _draw(ax, sets["true front"], objectives, j, color="0.8", label="true front", truth=True)
            _draw(ax, sets[name], objectives, j, color=colours[name], label=name, marker=_MARKERS[i % len(_MARKERS)])
            _label(ax, sets, objectives, j)
            ax.set_xlabel("")
            if i:
                ax.set_ylabel("")
            if j == 1:
                ax.set_title(name, fontsize=7, color=colours[name])
        row[len(row) // 2].set_xlabel(objectives[j].label)
    return figure


def _label(ax: Any, sets: Mapping[str, Array], objectives: Sequence[Objective], j: int) -> None:
    """Names and units; a logarithmic axis where an objective spans more than 30 times its least value."""
    ax.set_xlabel(objectives[j].label)
    ax.set_ylabel(objectives[0].label)
    values = np.concatenate([F[:, j] for F in sets.values()])
    if len(values) and values.min() > 0 and values.max() > 30 * values.min():
        ax.set_xscale("log")


def _draw(
    ax: Any,
    F: Array,
    objectives: Sequence[Objective],
    j: int,
    *,
    color: Any,
    label: str,
    marker: str = "o",
    truth: bool = False,
) -> None:
    """Draw one set in one panel: a staircase through markers (two objectives) or markers alone (more).

    Markers are hollow so that sets that share points show through each other; the truth is a broad grey ground.
    """
    points = F[:, [j, 0]]
    stairs = len(objectives) == 2
    if stairs:
        points = points[np.argsort(points[:, 0], kind="stable")]
        where = "pre" if objectives[j].maximise else "post"
        best = _running_best(points[:, 1], objectives[0].maximise, from_end=objectives[j].maximise)
        width, name = (3.5, label) if truth else (0.9, None)
        ax.step(points[:, 0], best, where=where, color=color, linewidth=width, label=name, zorder=1 if truth else 2)
    if truth and not stairs:
        ax.scatter(points[:, 0], points[:, 1], s=14, color=color, linewidths=0, label=label, zorder=1)
    elif not truth:
        style = {
            "s": 14 if stairs else 9,
            "marker": marker,
            "facecolors": "none",
            "edgecolors": [color],
            "linewidths": 0.8,
        }
        ax.scatter(points[:, 0], points[:, 1], label=label, zorder=3, **style)


def _running_best(values: Array, maximise: bool, *, from_end: bool) -> Array:
    values = values[::-1] if from_end else values
    best: Array = (np.maximum if maximise else np.minimum).accumulate(values)
    return best[::-1] if from_end else best


def save_figure(figure: Figure, data: pd.DataFrame, path: Path) -> list[Path]:
    """Save a figure as vector (PDF) and image (PNG, 300 dpi), and the numbers drawn as CSV, under the stem `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    paths = [path.with_name(f"{path.name}.{ending}") for ending in ("pdf", "png", "csv")]
    with mpl.rc_context(STYLE):
        figure.savefig(paths[0], metadata={"CreationDate": None})
        figure.savefig(paths[1], dpi=300)
    data.to_csv(paths[2], index=False)
    return paths
