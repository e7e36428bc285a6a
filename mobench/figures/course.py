"""The course of runs: regret over what was spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation
from scipy.stats import t

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import resample
from mobench.core.space import Array
from mobench.figures.chosen import amounts, look
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import AXIS_LABELS, new_figure, palette, styled

__all__ = ["draw_anytime", "legend", "on_budget", "plot_anytime"]


REGRET = "log10 hypervolume regret"


@register("anytime", of_one_problem=True)
def draw_anytime(analysis: Analysis, selection: Selection) -> Drawing:
    """Log10 hypervolume regret, or a distance by --indicator, against budget: mean and 95 % band."""
    curves = analysis.curves[analysis.curves["problem"] == selection.problem]
    grid = amounts(curves, analysis.axis)
    distance = analysis.measure.distance
    lines = resample(curves, analysis.axis, grid, distance=distance)
    label = analysis.measure.label if distance else REGRET
    return plot_anytime(lines, grid, axis=analysis.axis, label=label, **look(analysis, selection))


def plot_anytime(
    lines: Mapping[str, Array],
    grid: Array,
    *,
    axis: str,
    label: str = REGRET,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Mean log10 regret, or another value, against budget with a 95 % band over seeds (Student's t).

    Parameters
    ----------
    lines : mapping of str to Array
        Searcher to (seeds, g) values on `grid`, as `mobench.analysis.collect.resample` returns them.
    grid : Array
        (g,) amounts of the currency `axis`, ascending and positive.
    axis, label, title : str
        Currency and value (for the labels of the axes), and title.
    colours : mapping, optional
        Searcher to colour; see `mobench.figures.style.palette`.
    width : str
        ``single`` or ``double`` column.

    Returns
    -------
    figure, data
        The data has columns searcher, `axis`, mean, low, high, seeds.
    """
    colours = colours or palette(list(lines))
    tables = []
    with styled():
        figure, ax = on_budget(grid, axis, width)
        for searcher, values in lines.items():
            mean, low, high = _band(values)
            ax.plot(grid, mean, color=colours[searcher], label=searcher)
            if len(values) > 1:
                ax.fill_between(grid, low, high, color=colours[searcher], alpha=0.18, linewidth=0)
            table = pd.DataFrame({"searcher": searcher, axis: grid, "mean": mean, "low": low, "high": high})
            tables.append(table.assign(seeds=len(values)))
        ax.set(ylabel=label, title=title)
        seeds = sorted({len(values) for values in lines.values()})
        counted = f"{seeds[0]} seeds" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
        legend(ax, len(lines), "one seed" if seeds == [1] else f"mean and 95 % band, {counted}")
    return figure, pd.concat(tables, ignore_index=True)


def _band(values: Array) -> tuple[Array, Array, Array]:
    """Mean over n seeds, and the ends of its 95 % interval by Student's t; (g,) each."""
    n, mean = len(values), values.mean(axis=0)
    with np.errstate(invalid="ignore"):  # a distance is infinite, and so is its mean, before every run has a set
        half = t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.zeros_like(mean)
    return mean, mean - half, mean + half


def on_budget(grid: Array, axis: str, width: str) -> tuple[Figure, Any]:
    """One panel over a logarithmic budget from the first to the last amount of `grid`."""
    figure = new_figure(width, height=2.5 if width == "single" else 3.2)
    ax = figure.subplots()
    span = (grid[0], grid[-1]) if grid[-1] > grid[0] else (grid[0] / 2, grid[-1] * 2)
    ax.set(xscale="log", xlim=span, xlabel=AXIS_LABELS[axis])
    ax.xaxis.set_major_formatter(LogFormatterSciNotation(minor_thresholds=(2, 0.5)))
    return figure, ax


def legend(ax: Any, entries: int, title: str = "") -> None:
    """In the emptiest corner; of many searchers, beside the axes."""
    place = {"loc": "best"} if entries <= 6 else {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    ax.legend(title=title, title_fontsize=6, alignment="left", **place)
