"""Kinds of figures of one problem: from a campaign's scored runs to what each plotting function needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import resample
from mobench.core.capabilities import Decodable, Drawable, Enumerable
from mobench.core.indicators import nondominated
from mobench.core.messages import nearest
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.figures import plots
from mobench.figures.style import folded, palette
from mobench.scoring.outcome import Outcome
from mobench.scoring.result import load

__all__ = ["PER_PROBLEM", "Drawing", "Selection", "budgets", "colours"]

Drawing = tuple[Figure, pd.DataFrame]


@dataclass(frozen=True)
class Selection:
    """What of a campaign to draw.

    Attributes
    ----------
    problem : str
        Label of a problem; empty for a figure over all of them.
    objectives : tuple of str
        Names of the objectives of a front or an attainment surface; all where empty.
    row : tuple of int
        The genes of an architecture.
    width : str
        ``single`` or ``double`` column; what suits the kind where empty.
    """

    problem: str = ""
    objectives: tuple[str, ...] = ()
    row: tuple[int, ...] = ()
    width: str = ""

    @property
    def style(self) -> dict[str, Any]:
        """Title and width, as every plotting function takes them."""
        return {"title": folded(self.problem, 42)} | ({"width": self.width} if self.width else {})


def colours(analysis: Analysis) -> dict[str, Any]:
    """One colour a searcher, the same however few are drawn."""
    return palette(analysis.everyone)


def budgets(curves: pd.DataFrame, axis: str) -> Array:
    """A grid of amounts, (200,), over two decades or what the curves cover of them, up to their end."""
    positive = curves.loc[curves[axis] > 0, axis]
    if positive.empty:
        raise ValueError("nothing to draw: no run has delivered anything yet")
    grid: Array = np.geomspace(max(positive.min(), positive.max() / 100), positive.max(), 200)
    return grid


def _anytime(analysis: Analysis, selection: Selection) -> Drawing:
    """Log10 hypervolume regret against budget, mean and 95 % band over seeds."""
    curves = analysis.curves[analysis.curves["problem"] == selection.problem]
    grid = budgets(curves, analysis.axis)
    lines = resample(curves, analysis.axis, grid)
    return plots.plot_anytime(lines, grid, axis=analysis.axis, colours=colours(analysis), **selection.style)


def _front(analysis: Analysis, selection: Selection) -> Drawing:
    """Delivered front of each searcher's run of median hypervolume, over the true front."""
    problem, columns = _columns(analysis, selection)
    style = {"truth": _truth(problem, columns), "colours": colours(analysis), **selection.style}
    return plots.plot_fronts(_medians(analysis, selection, columns), [problem.objectives[j] for j in columns], **style)


def _parallel(analysis: Analysis, selection: Selection) -> Drawing:
    """The same fronts as parallel coordinates, for three objectives and more."""
    problem, columns = _columns(analysis, selection)
    style = {"truth": _truth(problem, columns), "colours": colours(analysis), **selection.style}
    return plots.plot_parallel(
        _medians(analysis, selection, columns), [problem.objectives[j] for j in columns], **style
    )


def _attainment(analysis: Analysis, selection: Selection) -> Drawing:
    """What 10, 50 and 90 % of each searcher's runs attain, over the true front; two objectives."""
    problem, columns = _columns(analysis, selection)
    style = {"truth": _truth(problem, columns), "colours": colours(analysis), **selection.style}
    fronts = _all_fronts(analysis, selection, columns)
    return plots.plot_attainment(fronts, [problem.objectives[j] for j in columns], **style)


def _difference(analysis: Analysis, selection: Selection) -> Drawing:
    """Where two searchers' attained regions differ; two objectives, two --searcher."""
    problem, columns = _columns(analysis, selection)
    style = {"truth": _truth(problem, columns), "colours": colours(analysis), **selection.style}
    fronts = _all_fronts(analysis, selection, columns)
    return plots.plot_attainment_difference(fronts, [problem.objectives[j] for j in columns], **style)


def _cost(analysis: Analysis, selection: Selection) -> Drawing:
    """What each run spent against its final regret."""
    runs = analysis.scores[analysis.scores["problem"] == selection.problem]
    return plots.plot_cost(runs, axis=analysis.axis, colours=colours(analysis), **selection.style)


def _spending(analysis: Analysis, selection: Selection) -> Drawing:
    """Budget audit: what every run spent, against the limit."""
    runs = analysis.scores[analysis.scores["problem"] == selection.problem]
    limit = analysis.runs.budget.get(analysis.axis)
    return plots.plot_spending(runs, axis=analysis.axis, limit=limit, colours=colours(analysis), **selection.style)


def _agreement(analysis: Analysis, selection: Selection) -> Drawing:
    """What searchers saw of the first objective against its score, with Kendall's rank correlation."""
    objective = analysis.problem(selection.problem).objectives[0]
    folders = {
        (spec.problem_label, spec.searcher_label, spec.seed): folder
        for spec, folder in zip(analysis.runs.specs, analysis.runs.folders, strict=True)
    }
    tables = []
    for searcher, seed, _ in _outcomes(analysis, selection):
        run = load(folders[selection.problem, searcher, seed])  # everything seen: too much to be kept of every run
        X, first = np.unique(run.history.X[run.history.fidelity == 0], axis=0, return_index=True)
        if len(X):
            seen = run.history.F[run.history.fidelity == 0][first, 0]
            scored = run.problem.score(X)[:, 0]
            tables.append(pd.DataFrame({"searcher": searcher, "seen": seen, "scored": scored}))
    answers = pd.concat(tables).drop_duplicates(ignore_index=True) if tables else pd.DataFrame()
    return plots.plot_agreement(answers, label=objective.label, colours=colours(analysis), **selection.style)


def _diagnostics(analysis: Analysis, selection: Selection) -> Drawing:
    """What searchers recorded about themselves (gradient norms, entropy, ...), over the ledger."""
    tables = [
        pd.DataFrame({analysis.axis: series[:, 0], "value": series[:, 1]}).assign(searcher=s, seed=seed, quantity=name)
        for s, seed, outcome in _outcomes(analysis, selection)
        for name, series in outcome.diagnostics.items()
    ]
    columns = ["searcher", "seed", analysis.axis, "quantity", "value"]
    records = pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    return plots.plot_diagnostics(records, axis=analysis.axis, colours=colours(analysis), **selection.style)


def _architecture(analysis: Analysis, selection: Selection) -> Drawing:
    """An architecture as a graph, with its scored values; --row gives its genes."""
    problem = analysis.problem(selection.problem)
    if not isinstance(problem, Drawable):
        raise ValueError(f"architecture: {selection.problem} does not say how to draw one")
    if not selection.row:
        raise ValueError(f"row: give {len(problem.space.names)} genes, for example --row {_example(problem)}")
    X = problem.space.check(np.array(selection.row))
    values = {
        objective.name: f"{value:.4g} {objective.unit}".strip()
        for objective, value in zip(problem.objectives, problem.score(X)[0].tolist(), strict=True)
    }
    text = problem.decode(X)[0] if isinstance(problem, Decodable) else ""
    return plots.plot_architecture(problem.graph(X[0]), values=values, text=text, **selection.style)


def _example(problem: Problem) -> str:
    """Genes of an architecture, written as for the command line: one of the true front where it is known."""
    X = problem.front()[0] if isinstance(problem, Enumerable) else problem.space.at(np.zeros(1))
    return ",".join(map(str, X[len(X) // 2].tolist()))


def _columns(analysis: Analysis, selection: Selection) -> tuple[Problem, list[int]]:
    """The problem, and the positions of the chosen objectives."""
    problem = analysis.problem(selection.problem)
    names = [objective.name for objective in problem.objectives]
    for name in selection.objectives:
        if name not in names:
            raise ValueError(f"objectives: {selection.problem} has no {name!r}{nearest(name, names)}")
    return problem, [names.index(name) for name in selection.objectives or names]


def _truth(problem: Problem, columns: list[int]) -> Array | None:
    """The true front of the chosen objectives, all of which the whole front holds."""
    if not isinstance(problem, Enumerable):
        return None
    objectives = [problem.objectives[j] for j in columns]
    F = np.unique(problem.front()[1][:, columns], axis=0)
    best: Array = F[nondominated(minimised(F, objectives))]
    return best


def _medians(analysis: Analysis, selection: Selection, columns: list[int]) -> dict[str, Array]:
    """Searcher to what its run of median share delivered, (k, m) scored; some of it may turn out dominated."""
    pairs = ((searcher, analysis.medians.get((selection.problem, searcher))) for searcher in analysis.runs.searchers)
    return _some({searcher: outcome.F[:, columns] for searcher, outcome in pairs if outcome is not None})


def _all_fronts(analysis: Analysis, selection: Selection, columns: list[int]) -> dict[str, list[Array]]:
    fronts: dict[str, list[Array]] = {}
    for searcher, _, outcome in _outcomes(analysis, selection):
        fronts.setdefault(searcher, []).append(outcome.F[:, columns])
    return _some(fronts)


def _outcomes(analysis: Analysis, selection: Selection) -> list[tuple[str, int, Outcome]]:
    """Searcher, seed and outcome of every ended run of the problem, in the campaign's order of searchers."""
    found = [(s, seed, outcome) for (p, s, seed), outcome in analysis.outcomes.items() if p == selection.problem]
    return sorted(found, key=lambda item: analysis.runs.searchers.index(item[0]))


def _some(fronts: dict[str, Any]) -> dict[str, Any]:
    if not fronts:
        raise ValueError("nothing to draw: no run of these has ended")
    return fronts


PER_PROBLEM = {
    "anytime": _anytime,
    "front": _front,
    "attainment": _attainment,
    "difference": _difference,
    "parallel": _parallel,
    "cost": _cost,
    "spending": _spending,
    "agreement": _agreement,
    "diagnostics": _diagnostics,
    "architecture": _architecture,
}
"""Kind to what draws it; the docstring says what it shows."""
