"""Kinds of figures over several problems: from a campaign's scored runs to what each plotting function needs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import resample
from mobench.analysis.rank_tests import cliques, friedman
from mobench.analysis.statistics import comparable, interquartile_means, medians, profiles, rank_table
from mobench.analysis.targets import ecdf
from mobench.figures import plots
from mobench.figures.by_problem import Drawing, Selection, budgets, colours

__all__ = ["OVERALL"]

_SHARE = "share of the true front's hypervolume"


def _states(analysis: Analysis, selection: Selection) -> Drawing:
    """Which runs have ended, failed, still run or are missing: look here first."""
    return plots.plot_states(analysis.scores, **selection.style)


def _ecdf(analysis: Analysis, selection: Selection) -> Drawing:
    """Share of all (problem, target, run) solved against budget; targets are gaps from 63 % to 0.01 %."""
    return plots.plot_ecdf(ecdf(analysis.runtimes), axis=analysis.axis, colours=colours(analysis), **selection.style)


def _rank_time(analysis: Analysis, selection: Selection) -> Drawing:
    """Mean rank over problems against budget."""
    part, _ = comparable(analysis.matrices)
    problems = list(next(iter(part.values()))) if part else []
    if not problems:
        raise ValueError("nothing to draw: there is no problem on which all searchers have an ended run")
    curves = analysis.curves[analysis.curves["problem"].isin(problems) & analysis.curves["searcher"].isin(list(part))]
    grid = budgets(curves, analysis.axis)
    nothing = np.zeros((1, len(grid)))
    lines = {}
    for problem, rows in curves.groupby("problem", sort=False):
        found = resample(rows, analysis.axis, grid)
        lines[str(problem)] = {searcher: found.get(searcher, nothing) for searcher in part}
    return plots.plot_ranks_over_time(lines, grid, axis=analysis.axis, colours=colours(analysis), **selection.style)


def _critical_difference(analysis: Analysis, selection: Selection) -> Drawing:
    """Mean ranks; a bar joins searchers that Friedman and Wilcoxon-Holm do not tell apart."""
    ranks = rank_table(analysis.matrices)
    test = friedman(ranks)
    means = {str(name): float(value) for name, value in ranks.mean().sort_values(kind="stable").items()}
    pairs = analysis.pairs[analysis.pairs["significant"]]
    groups = cliques(list(means), {frozenset(pair) for pair in zip(pairs["better"], pairs["worse"], strict=True)})
    p = "not applicable" if np.isnan(test.statistic) else f"p = {test.p_value:.2g}"
    note = f"N = {test.problems}, k = {test.searchers}; Friedman's {p}; bars: not told apart (Wilcoxon-Holm, 5 %)"
    return plots.plot_critical_difference(means, groups, note=note, colours=colours(analysis), **selection.style)


def _intervals(analysis: Analysis, selection: Selection) -> Drawing:
    """Interquartile mean over all problems, with its 95 % interval."""
    label = f"interquartile mean, {_SHARE}"
    found = interquartile_means(analysis.matrices)
    return plots.plot_intervals(found, measure="iqm", label=label, colours=colours(analysis), **selection.style)


def _medians(analysis: Analysis, selection: Selection) -> Drawing:
    """Median of each searcher on each problem, with its 95 % interval."""
    label = f"median {_SHARE}"
    style = {"width": "double"} | selection.style
    found = medians(analysis.matrices)
    return plots.plot_intervals(found, measure="median", label=label, colours=colours(analysis), **style)


def _profile(analysis: Analysis, selection: Selection) -> Drawing:
    """Part of the runs above each score: performance profiles."""
    lowest = float(analysis.scores["hypervolume"].min())
    if np.isnan(lowest):
        raise ValueError("nothing to draw: no run has ended")
    thresholds = np.linspace(min(lowest, 0.999), 1.0, 201)
    return plots.plot_profiles(profiles(analysis.matrices, thresholds), colours=colours(analysis), **selection.style)


def _ranks(analysis: Analysis, selection: Selection) -> Drawing:
    """Rank of each searcher on each problem, as a heatmap."""
    return plots.plot_rank_heatmap(rank_table(analysis.matrices), **selection.style)


def _radar(analysis: Analysis, selection: Selection) -> Drawing:
    """Median share of each searcher on three or more problems (devices, datasets), with its table."""
    part, _ = comparable(analysis.matrices)
    table = pd.DataFrame({searcher: matrix.median() for searcher, matrix in part.items()})
    return plots.plot_radar(table, colours=colours(analysis), **selection.style)


OVERALL = {
    "states": _states,
    "ecdf": _ecdf,
    "rank-time": _rank_time,
    "ranks": _ranks,
    "critical-difference": _critical_difference,
    "intervals": _intervals,
    "medians": _medians,
    "profile": _profile,
    "radar": _radar,
}
"""Kind to what draws it; the docstring says what it shows."""
