"""What figures take from an analysis: the runs and objectives that a selection names, and how searchers look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.core.indicators import nondominated
from mobench.core.limits import true_front
from mobench.core.messages import check_known
from mobench.core.problem import Objective, Problem
from mobench.core.space import Array
from mobench.figures.limits import feasible
from mobench.figures.registry import Selection
from mobench.figures.style import palette
from mobench.scoring.outcome import Outcome

__all__ = ["all_fronts", "amounts", "check_nonempty", "colours", "front_look", "look", "median_fronts", "outcomes"]


def colours(analysis: Analysis) -> dict[str, Any]:
    """One colour a searcher, the same however few are drawn."""
    return palette(analysis.everyone)


def look(analysis: Analysis, selection: Selection) -> dict[str, Any]:
    """Colours, title and width, as plotting functions take them."""
    return {"colours": colours(analysis), **selection.style}


def amounts(curves: pd.DataFrame, axis: str) -> Array:
    """A grid of amounts, (200,), over two decades or what the curves cover of them, up to their end."""
    positive = curves.loc[curves[axis] > 0, axis]
    if positive.empty:
        why = "no run has delivered anything yet" if curves.empty else f"what was delivered has no price in {axis}"
        raise ValueError(f"nothing to draw: {why}")
    grid: Array = np.geomspace(max(positive.min(), positive.max() / 100), positive.max(), 200)
    return grid


def check_nonempty(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The table; ValueError where it is empty, so that there is nothing to draw."""
    if table.empty:
        raise ValueError(f"{kind}: nothing to draw; no runs have ended that can be compared")
    return table


def outcomes(analysis: Analysis, problem: str) -> list[tuple[str, int, Outcome]]:
    """Searcher, seed and outcome of every ended run of the problem, in the study's order of searchers."""
    found = [(s, seed, outcome) for (p, s, seed), outcome in analysis.outcomes.items() if p == problem]
    return sorted(found, key=lambda item: analysis.study.searchers.index(item[0]))


def front_look(analysis: Analysis, selection: Selection) -> tuple[list[Objective], dict[str, Any]]:
    """The chosen objectives; and the true front, colours, title and width, as plots of fronts take them."""
    problem, columns = _columns(analysis, selection)
    objectives = [problem.objectives[j] for j in columns]
    return objectives, {"truth": _truth(problem, columns), **look(analysis, selection)}


def median_fronts(analysis: Analysis, selection: Selection) -> dict[str, Array]:
    """Searcher to what its run of median share delivered, (k, m) scored; some of it may turn out dominated.

    What is beyond a limit is there where the objective is shown, and left out where it is not.
    """
    problem, columns = _columns(analysis, selection)
    shown = [replace(o, limit=None) if j in columns else o for j, o in enumerate(problem.objectives)]
    pairs = ((searcher, analysis.medians.get((selection.problem, searcher))) for searcher in analysis.study.searchers)
    return _some({s: feasible(outcome.F, shown)[:, columns] for s, outcome in pairs if outcome is not None})


def all_fronts(analysis: Analysis, selection: Selection) -> dict[str, list[Array]]:
    """Searcher to what each of its ended runs delivered, (k, m) scored, as far as it is within all limits."""
    problem, columns = _columns(analysis, selection)
    fronts: dict[str, list[Array]] = {}
    for searcher, _, outcome in outcomes(analysis, selection.problem):
        fronts.setdefault(searcher, []).append(feasible(outcome.F, problem.objectives)[:, columns])
    return _some(fronts)


def _columns(analysis: Analysis, selection: Selection) -> tuple[Problem, list[int]]:
    """The problem, and the positions of the chosen objectives."""
    problem = analysis.problem(selection.problem)
    names = [objective.name for objective in problem.objectives]
    check_known("objectives", selection.objectives, names)
    return problem, [names.index(name) for name in selection.objectives or names]


def _truth(problem: Problem, columns: list[int]) -> Array | None:
    """The true front of the chosen objectives, all of which the whole front within all limits holds."""
    if (front := true_front(problem)) is None:
        return None
    objectives = [problem.objectives[j] for j in columns]
    F = np.unique(front[1][:, columns], axis=0)
    best: Array = F[nondominated(F, objectives)]
    return best


def _some(fronts: dict[str, Any]) -> dict[str, Any]:
    if not fronts:
        raise ValueError("nothing to draw: no run of these has ended")
    return fronts
