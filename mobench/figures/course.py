"""Figures over the course of runs: anytime regret, solved targets, ranks, diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation
from scipy.stats import rankdata

from mobench.core.space import Array
from mobench.figures.style import AXIS_LABELS, new_figure, palette, panels, scale_axis, styled

__all__ = ["plot_anytime", "plot_diagnostics", "plot_ecdf", "plot_ranks_over_time"]


def plot_anytime(
    lines: Mapping[str, Array],
    grid: Array,
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    resamples: int = 1000,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Mean log10 regret against budget with a 95 % bootstrap band over seeds.

    Parameters
    ----------
    lines : mapping of str to Array
        Searcher to (seeds, g) log10 regrets on `grid`, as `mobench.analysis.collect.resample` returns them.
    grid : Array
        (g,) amounts of the currency `axis`, ascending and positive.
    axis, title : str
        Currency (for the label) and title.
    colours : mapping, optional
        Searcher to colour; see `mobench.figures.style.palette`.
    resamples : int
        Bootstrap samples of the seeds.
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
        figure, ax = _on_budget(grid, axis, width)
        for searcher, values in lines.items():
            mean, low, high = _band(values, resamples)
            ax.plot(grid, mean, color=colours[searcher], label=searcher)
            if len(values) > 1:
                ax.fill_between(grid, low, high, color=colours[searcher], alpha=0.18, linewidth=0)
            table = pd.DataFrame({"searcher": searcher, axis: grid, "mean": mean, "low": low, "high": high})
            tables.append(table.assign(seeds=len(values)))
        ax.set(ylabel="log10 hypervolume regret", title=title)
        seeds = sorted({len(values) for values in lines.values()})
        counted = f"{seeds[0]} seeds" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
        _legend(ax, len(lines), "one seed" if seeds == [1] else f"mean and 95 % band, {counted}")
    return figure, pd.concat(tables, ignore_index=True)


def _on_budget(grid: Array, axis: str, width: str) -> tuple[Figure, Any]:
    """One panel over a logarithmic budget from the first to the last amount of `grid`."""
    figure = new_figure(width, height=2.5 if width == "single" else 3.2)
    ax = figure.subplots()
    span = (grid[0], grid[-1]) if grid[-1] > grid[0] else (grid[0] / 2, grid[-1] * 2)
    ax.set(xscale="log", xlim=span, xlabel=AXIS_LABELS.get(axis, axis))
    ax.xaxis.set_major_formatter(LogFormatterSciNotation(minor_thresholds=(2, 0.5)))
    return figure, ax


def _legend(ax: Any, entries: int, title: str) -> None:
    """In the emptiest corner; of many searchers, beside the axes."""
    place = {"loc": "best"} if entries <= 6 else {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    ax.legend(title=title, title_fontsize=6, alignment="left", **place)


def _band(values: Array, resamples: int) -> tuple[Array, Array, Array]:
    """Mean over seeds, and the 2.5 % and 97.5 % points of its bootstrap distribution; (g,) each."""
    rng = np.random.default_rng(0)  # the band of given data is always the same
    n = len(values)
    picks = rng.integers(0, n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    weights = np.bincount(picks.ravel(), minlength=resamples * n).reshape(resamples, n) / n
    low, high = np.percentile(weights @ values, [2.5, 97.5], axis=0)
    return values.mean(axis=0), low, high


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
        figure, ax = _on_budget(np.array([positive.min(), positive.max()]), axis, width)
        for searcher in searchers:
            line = steps[steps["searcher"] == searcher]
            runtime = np.append(line["runtime"], positive.max())
            solved = np.append(line["solved"], line["solved"].iloc[-1])
            before = (np.concatenate([[part[0]], part]) for part in (runtime, solved))
            x, y = before
            y[0] = 0.0
            ax.step(x, y, where="post", color=colours[searcher], label=searcher)
        ax.set(ylabel="share of targets solved", ylim=(0, 1.02), title=title)
        _legend(ax, len(searchers), f"{int(steps['problems'].max())} problems, up to {int(steps['runs'].max())} runs")
    return figure, steps


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
        figure, ax = _on_budget(grid, axis, width)
        for searcher, rank in zip(searchers, ranks, strict=True):
            ax.plot(grid, rank, color=colours[searcher], label=searcher)
        over = f"over {len(lines)} problem{'s'[: len(lines) > 1]}"
        ax.set(ylabel="mean rank (1 is best)", ylim=(len(searchers) + 0.2, 0.8))
        ax.set_yticks(range(1, len(searchers) + 1))
        ax.set_title(f"{title}, {over}" if title else over, fontsize=7)
        figure.legend(loc="outside lower center", ncols=2 if width == "single" else 4)
    tables = [
        pd.DataFrame({"searcher": s, axis: grid, "rank": r, "problems": len(lines)})
        for s, r in zip(searchers, ranks, strict=True)
    ]
    return figure, pd.concat(tables, ignore_index=True)


def plot_diagnostics(
    records: pd.DataFrame,
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "double",
) -> tuple[Figure, pd.DataFrame]:
    """What searchers recorded about themselves over the ledger: a panel a quantity, a line a run.

    Parameters
    ----------
    records : pandas.DataFrame
        Searcher, seed, `axis`, quantity (its name) and value.
    axis, title, colours, width
        As of `plot_anytime`.

    Returns
    -------
    figure, data
        The data is `records`.

    Raises
    ------
    ValueError
        Nothing was recorded.
    """
    if records.empty:
        raise ValueError("diagnostics: nothing was recorded; gradient searchers record, most others do not")
    searchers, quantities = (list(dict.fromkeys(records[name])) for name in ("searcher", "quantity"))
    colours = colours or palette(searchers)
    with styled():
        across = 1 if width == "single" else 3
        figure, axes = panels(width, len(quantities), across=across, height=1.6, sharex=True)
        for ax, quantity in zip(axes, quantities, strict=True):
            chosen = records[records["quantity"] == quantity]
            for (searcher, _), line in chosen.groupby(["searcher", "seed"], sort=False):
                ax.plot(line[axis], line["value"], color=colours[searcher], linewidth=0.8, marker=".", markersize=2)
            scale_axis(ax.yaxis, chosen["value"])
            ax.set_title(quantity.replace("_", " "))
        for ax in axes[-across:]:
            ax.set_xlabel(AXIS_LABELS.get(axis, axis))
        handles = [axes[0].plot([], [], color=colours[searcher], label=searcher)[0] for searcher in searchers]
        figure.legend(handles=handles, loc="outside lower center", ncols=4 if width == "double" else 2)
        figure.suptitle(title)
    return figure, records
