"""Architectures and their scored values as a table, for people."""

from __future__ import annotations

from collections.abc import Container, Sequence

import pandas as pd

from mobench.core.capabilities import Decodable
from mobench.core.indicators import nondominated
from mobench.core.limits import within
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array

__all__ = ["best_first", "free_name", "judged", "objective_columns", "tabulate"]

OURS = frozenset({"architecture", "feasible", "nondominated", "searcher", "set", "level", "runs"})
"""Columns that tables of architectures have beside those of objectives and genes."""


def free_name(name: str, what: str, taken: Container[str]) -> str:
    """Name of the column of an objective or a gene: `what` stands in front where the table has such a column already.

    Examples
    --------
    >>> free_name("flops", "objective", {"seed", "flops"}), free_name("error", "objective", {"seed", "flops"})
    ('objective flops', 'error')
    """
    return f"{what} {name}" if name in taken else name


def objective_columns(objectives: Sequence[Objective]) -> list[str]:
    """Names of the columns of objectives in tables of architectures."""
    return [free_name(objective.name, "objective", OURS) for objective in objectives]


def tabulate(problem: Problem, X: Array, F: Array, *, genes: bool = False) -> pd.DataFrame:
    """Architectures in their written form where the problem has one, with a column an objective.

    Parameters
    ----------
    problem : Problem
        Whose architectures they are.
    X, F : Array
        (k, d) architectures, and their (k, m) values in natural units.
    genes : bool
        Whether each gene has a column, too, of its values as the space calls them.
    """
    texts = problem.decode(X) if isinstance(problem, Decodable) else [str(x) for x in X.tolist()]
    frame = pd.DataFrame({"architecture": pd.Series(texts, dtype=str)})
    names = objective_columns(problem.objectives)
    for gene, column in zip(problem.space.names, problem.space.written(X), strict=True) if genes else ():
        frame[free_name(gene, "gene", {*OURS, *names})] = column
    for name, column in zip(names, F.T, strict=True):
        frame[name] = column
    return frame


def judged(frame: pd.DataFrame, F: Array, objectives: Sequence[Objective]) -> pd.DataFrame:
    """The table of (k, m) scored values, with what has turned out of them: ``nondominated``, ``feasible`` if limited.

    Only what is feasible dominates.
    """
    feasible = within(minimised(F, objectives), objectives)
    best = feasible.copy()
    best[feasible] = nondominated(F[feasible], objectives)
    frame["nondominated"] = best
    if any(objective.limit is not None for objective in objectives):
        frame["feasible"] = feasible
    return frame


def best_first(frame: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The rows from the best to the worst value of the first objective."""
    ascending, (first, *_) = not problem.objectives[0].maximise, objective_columns(problem.objectives)
    return frame.sort_values(first, ascending=ascending, kind="stable", ignore_index=True)
