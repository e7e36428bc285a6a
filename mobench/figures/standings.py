"""All problems over what was spent: targets solved, and mean ranks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import rankdata

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import resample
from mobench.analysis.statistics import comparable
from mobench.analysis.targets import ecdf
from mobench.core.space import Array
from mobench.figures.chosen import amounts, look
from mobench.figures.course import legend, on_budget
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import LINES, legend_below, palette, styled

__all__ = ["draw_ecdf", "draw_ranks_over_time", "plot_ecdf", "plot_ranks_over_time"]


@register("ecdf")
def draw_ecdf(analysis: Analysis, selection: Selection) -> Drawing:
    """Share of all (problem, target, run) solved against budget; targets are gaps from 63 % to 0.01 %."""
    return plot_ecdf(ecdf(analysis.runtimes), axis=analysis.axis, **look(analysis, selection))


def plot_ecdf(
    steps: pd.DataFrame,
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Share of all (problem, target, run) triples that each searcher has solved, against budget.

    Parameters
    ----------
    steps : pandas.DataFrame
        Searcher, runtime, solved (0 to 1), problems and runs, as `mobench.analysis.targets.ecdf` returns them.
    axis, title, colours, width
        As of `plot_anytime`.

    Returns
    -------
    figure, data
        The data is `steps`.

    Raises
    ------
    ValueError
        There is no step.
    """
    if steps.empty:
        raise ValueError("ecdf: no searcher has solved a target on the problems that all have run")
    searchers = list(dict.fromkeys(steps["searcher"]))
    colours = colours or palette(searchers)
    positive = steps.loc[steps["runtime"] > 0, "runtime"]
    with styled():
        figure, ax = on_budget(np.array([positive.min(), positive.max()]), axis, width)
        for searcher, dashes in zip(searchers, itertools.cycle(LINES), strict=False):
            line = steps[steps["searcher"] == searcher]
            runtime = np.append(line["runtime"], positive.max())
            solved = np.append(line["solved"], line["solved"].iloc[-1])
            before = (np.concatenate([[part[0]], part]) for part in (runtime, solved))
            x, y = before
            y[0] = 0.0
            ax.step(x, y, where="post", color=colours[searcher], linestyle=dashes, label=searcher)
        ax.set(ylabel="share of targets solved", ylim=(0, 1.02), title=title)
        problems, runs = int(steps["problems"].max()), int(steps["runs"].max())
        counted = f"{problems} problem{'s' * (problems != 1)}, up to {runs} run{'s' * (runs != 1)}"
        legend(ax, len(searchers), counted)
    return figure, steps


@register("rank-time")
def draw_ranks_over_time(analysis: Analysis, selection: Selection) -> Drawing:
    """Mean rank over problems against budget."""
    part, _ = comparable(analysis.matrices)
    problems = list(next(iter(part.values()))) if part else []
    if not problems:
        raise ValueError("nothing to draw: there is no problem on which all searchers have an ended run")
    curves = analysis.curves[analysis.curves["problem"].isin(problems) & analysis.curves["searcher"].isin(list(part))]
    grid = amounts(curves, analysis.axis)
    nothing = np.zeros((1, len(grid)))
    lines = {}
    for problem, rows in curves.groupby("problem", sort=False):
        found = resample(rows, analysis.axis, grid)
        lines[str(problem)] = {searcher: found.get(searcher, nothing) for searcher in part}
    return plot_ranks_over_time(lines, grid, axis=analysis.axis, **look(analysis, selection))


def plot_ranks_over_time(
    lines: Mapping[str, Mapping[str, Array]],
    grid: Array,
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Mean rank over problems against budget; searchers are ranked by their median log10 regret, ties share a rank.

    Parameters
    ----------
    lines : mapping of str to mapping of str to Array
        Problem to searcher to (seeds, g) log10 regrets on `grid`; the same searchers for every problem.
    grid, axis, title, colours, width
        As of `plot_anytime`.

    Returns
    -------
    figure, data
        The data has columns searcher, `axis`, rank, problems.
    """
    searchers = list(next(iter(lines.values())))
    colours = colours or palette(searchers)
    regrets = np.array([[np.median(found[s], axis=0) for s in searchers] for found in lines.values()])
    ranks = rankdata(regrets.round(12), axis=1).mean(axis=0)
    with styled():
        figure, ax = on_budget(grid, axis, width)
        for searcher, rank, dashes in zip(searchers, ranks, itertools.cycle(LINES), strict=False):
            ax.plot(grid, rank, color=colours[searcher], linestyle=dashes, label=searcher)
        over = f"over {len(lines)} problem{'s'[: len(lines) > 1]}"
        ax.set(ylabel="mean rank (1 is best)", ylim=(len(searchers) + 0.2, 0.8))
        ax.set_yticks(range(1, len(searchers) + 1))
        ax.set_title(f"{title}, {over}" if title else over, fontsize=7)
        legend_below(figure, width, ax.get_lines())
    tables = [
        pd.DataFrame({"searcher": s, axis: grid, "rank": r, "problems": len(lines)})
        for s, r in zip(searchers, ranks, strict=True)
    ]
    return figure, pd.concat(tables, ignore_index=True)
