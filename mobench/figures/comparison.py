"""Searchers compared: intervals over all problems and of each, and performance profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.statistics import interquartile_means, medians, profiles
from mobench.figures.chosen import check_nonempty, look
from mobench.figures.names import folded
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import new_figure, palette, panels, styled

__all__ = ["draw_intervals", "draw_medians", "draw_profiles", "plot_intervals", "plot_profiles"]

_SHARE = "share of the hypervolume"


@register("intervals")
def draw_intervals(analysis: Analysis, selection: Selection) -> Drawing:
    """Interquartile mean over all problems, with its interval and the confidence that it has."""
    found = interquartile_means(analysis.matrices)
    label = f"interquartile mean {_SHARE}{_levels(found)}"
    return plot_intervals(found, measure="iqm", label=label, **look(analysis, selection))


def _levels(estimates: pd.DataFrame) -> str:
    """What the label says of the intervals drawn: their confidences."""
    levels = sorted({level for level in estimates["confidence"] if level > 0})
    return f"; intervals {', '.join(f'{level:.0%}' for level in levels)}" if levels else ""


@register("medians")
def draw_medians(analysis: Analysis, selection: Selection) -> Drawing:
    """Median of each searcher on each problem, with its interval and the confidence that it has."""
    style = {"width": "double"} | look(analysis, selection)
    found = medians(analysis.matrices)
    label = f"median {_SHARE}{_levels(found)}"
    return plot_intervals(found, measure="median", label=label, **style)


def plot_intervals(
    estimates: pd.DataFrame,
    *,
    measure: str,
    label: str = "",
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """A point and an interval a searcher, a panel a problem where the estimates are by problem.

    Parameters
    ----------
    estimates : pandas.DataFrame
        Searcher, `measure`, low, high, and perhaps problem, as `mobench.analysis.statistics.medians` or
        `interquartile_means` return them; rows without a value are left out.
    measure : str
        The column of the points.
    label : str
        Of the axis across; `measure` where left out.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data is what was drawn of `estimates`.

    Raises
    ------
    ValueError
        No row has a value.
    """
    found = check_nonempty(estimates.dropna(subset=[measure]), "intervals")
    searchers = list(dict.fromkeys(found["searcher"]))
    colours = colours or palette(searchers)
    groups = [("", found)] if "problem" not in found else list(found.groupby("problem", sort=False))
    with styled():
        across = 1 if width == "single" else 3
        titles = [folded(str(problem), 30) for problem, _ in groups]
        height = 0.19 * len(searchers) + 0.46 + 0.14 * max(title.count("\n") + 1 for title in titles)
        figure, axes = panels(width, len(groups), across=across, height=height, sharey=True)
        for ax, heading, (_, group) in zip(axes, titles, groups, strict=True):
            for row in group.to_dict("records"):
                y, color = searchers.index(row["searcher"]), colours[row["searcher"]]
                ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=5, alpha=0.35, solid_capstyle="butt")
                ax.plot([row[measure]] * 2, [y - 0.32, y + 0.32], color=color, linewidth=1.5)
            ax.set_yticks(range(len(searchers)), searchers)
            ax.set_ylim(len(searchers) - 0.5, -0.5)
            ax.set_title(heading, fontsize=7)
            ax.locator_params(axis="x", nbins=4)
            ax.grid(axis="x", linewidth=0.3, color="0.9")
            ax.set_axisbelow(True)
        figure.supxlabel(label or measure, fontsize=8)
        figure.suptitle(title)
    return figure, found.reset_index(drop=True)


@register("profile")
def draw_profiles(analysis: Analysis, selection: Selection) -> Drawing:
    """Part of the runs above each score: performance profiles."""
    lowest = float(analysis.scores["hypervolume"].min())
    if np.isnan(lowest):
        raise ValueError("nothing to draw: no run has ended")
    thresholds = np.linspace(min(lowest, 0.999), 1.0, 201)
    return plot_profiles(profiles(analysis.matrices, thresholds, alike=analysis.alike), **look(analysis, selection))


def plot_profiles(
    lines: pd.DataFrame,
    *,
    label: str = "share of the true front's hypervolume",
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Performance profiles: the part of a searcher's runs that exceeds each score, with a band (Agarwal et al. 2021).

    Parameters
    ----------
    lines : pandas.DataFrame
        Searcher, threshold, fraction, low, high, as `mobench.analysis.statistics.profiles` returns them.
    label : str
        What the scores are.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data is `lines`.

    Raises
    ------
    ValueError
        There is no line.
    """
    check_nonempty(lines, "profile")
    colours = colours or palette(list(dict.fromkeys(lines["searcher"])))
    with styled():
        figure = new_figure(width, height=2.5 if width == "single" else 3.2)
        ax = figure.subplots()
        for searcher in dict.fromkeys(lines["searcher"]):
            line = lines[lines["searcher"] == searcher]
            ax.plot(line["threshold"], line["fraction"], color=colours[searcher], label=searcher)
            ax.fill_between(
                line["threshold"], line["low"], line["high"], color=colours[searcher], alpha=0.18, linewidth=0
            )
        ax.set(xlabel=label, ylabel="part of the runs above it", ylim=(-0.02, 1.02), title=title)
        ax.margins(x=0)
        ax.legend()
    return figure, lines
