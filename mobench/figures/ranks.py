"""Ranks of searchers over problems: a heatmap, and the critical-difference diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.families import cliques
from mobench.analysis.statistics import rank_table
from mobench.figures.chosen import check_nonempty, look
from mobench.figures.names import folded, short_names
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import LETTER, WIDTHS, new_figure, palette, styled, wrapped

__all__ = ["draw_critical_difference", "draw_rank_heatmap", "plot_critical_difference", "plot_rank_heatmap"]


@register("ranks")
def draw_rank_heatmap(analysis: Analysis, selection: Selection) -> Drawing:
    """Rank of each searcher on each problem, as a heatmap."""
    return plot_rank_heatmap(rank_table(analysis.matrices), **selection.style)


def plot_rank_heatmap(ranks: pd.DataFrame, *, title: str = "", width: str = "single") -> tuple[Figure, pd.DataFrame]:
    """Ranks of searchers (across, best mean rank first) on problems (down), and their means in the last row.

    Parameters
    ----------
    ranks : pandas.DataFrame
        (problems, searchers), as `mobench.analysis.statistics.rank_table` returns it; 1 is best.
    title, width : str
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has a column problem, the last row named ``mean``, and one a searcher.

    Raises
    ------
    ValueError
        There is no rank.
    """
    check_nonempty(ranks, "ranks")
    ordered = ranks[ranks.mean().sort_values(kind="stable").index]
    table = pd.concat([ordered, ordered.mean().to_frame("mean").T])
    texts = [[f"{rank:.2f}" if row == "mean" else f"{rank:g}" for rank in table.loc[row]] for row in table.index]
    names = [folded(str(problem), 30) for problem in table.index]
    lines = sum(name.count("\n") + 1 for name in names)
    with styled():
        figure = new_figure(width, height=0.9 + 0.1 * len(table) + 0.12 * lines)
        ax = figure.subplots()
        shades = sns.light_palette(palette(["first"])["first"], reverse=True, as_cmap=True)
        style = {"cmap": shades, "vmin": 1, "vmax": max(ranks.shape[1], 2), "linewidths": 0.8, "cbar": False}
        sns.heatmap(table, annot=np.array(texts), fmt="", annot_kws={"size": 6}, ax=ax, **style)
        ax.axhline(len(ranks), color="black", linewidth=0.8)
        ax.set_xticks(ax.get_xticks(), table.columns, rotation=30, ha="right", rotation_mode="anchor")
        ax.set_yticks(ax.get_yticks(), names)
        ax.tick_params(length=0)
        ax.set(title=title, xlabel="", ylabel="")
    return figure, table.rename_axis("problem").reset_index()


@register("critical-difference")
def draw_critical_difference(analysis: Analysis, selection: Selection) -> Drawing:
    """Mean ranks; a bar joins searchers that the tests over problems do not tell apart."""
    ranks = rank_table(analysis.matrices)
    means = {str(name): float(value) for name, value in ranks.mean().sort_values(kind="stable").items()}
    pairs = analysis.pairs[analysis.pairs["verdict"] == "better"]
    groups = cliques(list(means), {frozenset(pair) for pair in zip(pairs["better"], pairs["worse"], strict=True)})
    test = "sign flips by seed" if analysis.alike else "rank sums"
    note = f"N = {len(ranks)}, k = {ranks.shape[1]}; bars: not told apart ({test}, Holm, 5 %)"
    return plot_critical_difference(means, groups, note=note, **look(analysis, selection))


def plot_critical_difference(
    ranks: Mapping[str, float],
    groups: Sequence[Sequence[str]],
    *,
    note: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Critical-difference diagram: mean ranks on a line, bars join those that the data cannot tell apart (Demsar 2006).

    Parameters
    ----------
    ranks : mapping of str to float
        Searcher to mean rank over problems; 1 is best.
    groups : sequence of sequences of str
        Searchers that are not distinguishable from each other; a searcher may be in several, or alone.
    note : str
        How it was tested: number of problems and searchers, test, p; printed below.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns searcher, mean_rank, and groups (numbers, from 1, of the bars over it).

    Raises
    ------
    ValueError
        Fewer than two searchers.
    """
    if len(ranks) < 2:
        raise ValueError(f"critical difference: expected at least two searchers, found {len(ranks)}")
    colours = colours or palette(list(ranks))
    ordered = sorted(ranks, key=ranks.__getitem__)
    bars = [sorted(group, key=ranks.__getitem__) for group in groups if len(group) > 1]
    half = -(-len(ordered) // 2)
    shown = short_names(ordered)
    lengths = [max(len(shown[name]) for name in names) for names in (ordered[:half], ordered[half:])]
    needed = LETTER * (np.array(lengths) + 6)  # inches
    beside = needed * min(1.0, (WIDTHS[width] - 1.2) / needed.sum())
    size = 7 * beside[0] / needed[0]
    before, after = (len(ordered) - 1) * beside / (WIDTHS[width] - 0.1 - beside.sum())
    with styled():
        figure = new_figure(width, height=0.75 + 0.17 * half + 0.11 * len(bars))
        ax = figure.subplots()
        ax.plot([1, len(ordered)], [0, 0], color="black", linewidth=0.8)
        for rank in range(1, len(ordered) + 1):
            ax.plot([rank, rank], [0, 0.35], color="black", linewidth=0.8)
            ax.annotate(str(rank), (rank, 0.45), ha="center", va="bottom", fontsize=7)
        for i, bar in enumerate(bars):
            ax.plot([ranks[bar[0]], ranks[bar[-1]]], [-0.6 - 0.55 * i] * 2, color="0.35", linewidth=2.5)
        below = -1.1 - 0.55 * len(bars)
        for names, x, side in ((ordered[:half], 1, "right"), (ordered[half:][::-1], len(ordered), "left")):
            mine = [(shown[name], ranks[name], colours[name]) for name in names]
            _names(ax, mine, (x, below), side=side, size=size)
        ax.set(xlim=(1 - before, len(ordered) + after), ylim=(below - half + 0.3, 1.3), title=title)
        ax.axis("off")
        figure.supxlabel(wrapped(note, width), fontsize=6)
    rows = [(name, ranks[name], " ".join(str(i) for i, bar in enumerate(bars, 1) if name in bar)) for name in ordered]
    return figure, pd.DataFrame(rows, columns=["searcher", "mean_rank", "groups"])


def _names(
    ax: Any,
    names: Sequence[tuple[str, float, Any]],
    corner: tuple[float, float],
    *,
    side: str,
    size: float,
) -> None:
    """Names on one side of the line, in their colours down from a corner, each joined to its mean rank."""
    x, y = corner
    for i, (name, rank, colour) in enumerate(names):
        ax.plot([rank, rank, x], [0, y - i, y - i], color=colour, linewidth=0.8)
        text = f"{name} {rank:.2f}" if side == "right" else f"{rank:.2f} {name}"
        offset = (-3 if side == "right" else 3, 0)
        ax.annotate(text, (x, y - i), offset, textcoords="offset points", ha=side, va="center", fontsize=size)
