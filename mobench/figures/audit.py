"""Runs checked: what they spent and got for it, and which of them are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.figures.chosen import look
from mobench.figures.names import folded
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import AXIS_LABELS, MARKERS, new_figure, palette, panels, scale_axis, styled

__all__ = ["draw_cost", "draw_spending", "draw_states", "plot_cost", "plot_spending", "plot_states"]

_STATES = {"ended": "#0173b2", "running": "#cc78bc", "failed": "#d55e00", "damaged": "#000000", "missing": "0.85"}


@register("cost", of_one_problem=True)
def draw_cost(analysis: Analysis, selection: Selection) -> Drawing:
    """What each run spent against its final regret."""
    runs = analysis.scores[analysis.scores["problem"] == selection.problem]
    return plot_cost(runs, axis=analysis.axis, **look(analysis, selection))


def plot_cost(
    runs: pd.DataFrame,
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """What a run spent against what it delivered: a faint marker a run, a full one at each searcher's medians.

    Parameters
    ----------
    runs : pandas.DataFrame
        A row a run of one problem: searcher, `axis` and log10_regret, as `collect` returns them.
    axis, title, colours, width
        As of `mobench.figures.course.plot_anytime`.

    Returns
    -------
    figure, data
        The data has columns searcher, seed, `axis`, log10_regret.

    Raises
    ------
    ValueError
        No run has ended.
    """
    ended = runs.dropna(subset=["log10_regret", axis])
    if ended.empty:
        raise ValueError("cost: no run has ended")
    searchers = list(dict.fromkeys(ended["searcher"]))
    colours = colours or palette(searchers)
    with styled():
        figure = new_figure(width, height=2.5 if width == "single" else 3.2)
        ax = figure.subplots()
        for i, searcher in enumerate(searchers):
            group = ended[ended["searcher"] == searcher]
            style = {"color": colours[searcher], "marker": MARKERS[i % len(MARKERS)], "linestyle": "none"}
            ax.plot(group[axis], group["log10_regret"], markersize=3, alpha=0.35, markeredgewidth=0, **style)
            middle = group[[axis, "log10_regret"]].median()
            style |= {"markeredgecolor": "black", "markeredgewidth": 0.5, "label": searcher}
            ax.plot(middle[axis], middle["log10_regret"], markersize=6, **style)
        scale_axis(ax.xaxis, ended[axis], ratio=5)
        if ax.get_xscale() == "linear":
            ax.set_xlim(0, 1.05 * (ended[axis].max() or 1.0))
        ax.set(xlabel=AXIS_LABELS[axis], ylabel="log10 hypervolume regret", title=title)
        ax.legend(title="medians large, runs small", title_fontsize=6, alignment="left")
    return figure, ended[["searcher", "seed", axis, "log10_regret"]].reset_index(drop=True)


@register("spending", of_one_problem=True)
def draw_spending(analysis: Analysis, selection: Selection) -> Drawing:
    """Budget audit: what every run spent, against the limit."""
    runs = analysis.scores[analysis.scores["problem"] == selection.problem]
    limit = analysis.study.budget.get(analysis.axis)
    return plot_spending(runs, axis=analysis.axis, limit=limit, **look(analysis, selection))


def plot_spending(
    runs: pd.DataFrame,
    *,
    axis: str,
    limit: float | None = None,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Budget audit: what every run spent, a dot a run, against the limit.

    Parameters
    ----------
    runs : pandas.DataFrame
        A row a run of one problem: searcher, seed and `axis`; rows without an amount are left out.
    axis : str
        A currency of the ledger, or ``trainings``.
    limit : float, optional
        The budget in that currency.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns searcher, seed, `axis`, limit.

    Raises
    ------
    ValueError
        No run has ended.
    """
    found = runs.dropna(subset=[axis])
    if found.empty:
        raise ValueError("spending: no run has ended")
    searchers = list(dict.fromkeys(found["searcher"]))
    colours = colours or palette(searchers)
    rows = np.array([searchers.index(name) for name in found["searcher"]])
    spread = 0.5 * (found.groupby("searcher").cumcount() / found.groupby("searcher")["seed"].transform("size") - 0.5)
    with styled():
        figure = new_figure(width, height=0.2 * len(searchers) + 0.8)
        ax = figure.subplots()
        for searcher in searchers:
            mine = (found["searcher"] == searcher).to_numpy()
            ax.plot(found[axis][mine], (rows + spread)[mine], "o", color=colours[searcher], markersize=2.5, alpha=0.7)
        if limit is not None:
            ax.axvline(limit, color="0.4", linestyle="--", linewidth=0.8)
            ax.annotate("budget", (limit, 1), (-2, 1), xycoords=("data", "axes fraction"), textcoords="offset points",
                        ha="right", fontsize=6)  # fmt: skip
        values = [*found[axis], *([] if limit is None else [limit])]
        scale_axis(ax.xaxis, values)
        if ax.get_xscale() == "linear":
            ax.set_xlim(0, 1.05 * (max(values) or 1.0))
        ax.set_yticks(range(len(searchers)), searchers)
        ax.set(ylim=(len(searchers) - 0.5, -0.5), xlabel=AXIS_LABELS[axis])
        figure.suptitle(title)  # of the figure: long names leave a narrow panel
    return figure, found[["searcher", "seed", axis]].assign(limit=limit).reset_index(drop=True)


@register("states")
def draw_states(analysis: Analysis, selection: Selection) -> Drawing:
    """Which runs have ended, failed, still run or are missing: look here first."""
    return plot_states(analysis.scores, **selection.style)


def plot_states(runs: pd.DataFrame, *, title: str = "", width: str = "double") -> tuple[Figure, pd.DataFrame]:
    """Which runs have ended, failed, still run or are missing: a bar a searcher, a panel a problem.

    Parameters
    ----------
    runs : pandas.DataFrame
        A row a run: problem, searcher, state, as `collect` returns them.
    title, width : str
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns problem, searcher and one a state, the number of runs.
    """
    counts = runs.groupby(["problem", "searcher"], sort=False)["state"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=list(_STATES), fill_value=0)
    problems, searchers = (list(dict.fromkeys(runs[name])) for name in ("problem", "searcher"))
    with styled():
        across = 1 if width == "single" else 4
        titles = [folded(str(problem), 22) for problem in problems]
        height = 0.19 * len(searchers) + 0.66 + 0.14 * max(title.count("\n") + 1 for title in titles)
        figure, axes = panels(width, len(problems), across=across, height=height, sharex=True, sharey=True)
        for ax, heading, problem in zip(axes, titles, problems, strict=True):
            part = counts.loc[problem].reindex(searchers, fill_value=0)
            left = np.zeros(len(searchers))
            for state, color in _STATES.items():
                ax.barh(searchers, part[state], left=left, color=color, height=0.7, label=state)
                left += part[state].to_numpy()
            ax.set_ylim(len(searchers) - 0.5, -0.5)
            ax.set_title(heading, fontsize=7)
            ax.tick_params(axis="y", length=0)
        for ax in axes[-across:]:
            ax.set_xlabel("runs")
        axes[0].xaxis.get_major_locator().set_params(integer=True, nbins=4)
        figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3 if width == "single" else 5
        )
        figure.suptitle(title)
    return figure, counts.reset_index().rename_axis(columns=None)
