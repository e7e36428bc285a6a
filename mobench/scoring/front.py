"""Architectures and their scored values as a table, for people."""

from __future__ import annotations

import pandas as pd

from mobench.core.capabilities import Decodable
from mobench.core.problem import Problem
from mobench.core.space import Array

__all__ = ["best_first", "tabulate"]


def tabulate(problem: Problem, X: Array, F: Array, *, genes: bool = False) -> pd.DataFrame:
    """Architectures in their written form where the problem has one, with a column an objective.

    Parameters
    ----------
    problem : Problem
        Whose architectures they are.
    X, F : Array
        (k, d) architectures, and their (k, m) values in natural units.
    genes : bool
        Whether each gene has a column, too.
    """
    texts = problem.decode(X) if isinstance(problem, Decodable) else [str(x) for x in X.tolist()]
    frame = pd.DataFrame({"architecture": pd.Series(texts, dtype=str)})
    for name, column in zip(problem.space.names, X.T, strict=True) if genes else ():
        frame[name] = column
    for objective, column in zip(problem.objectives, F.T, strict=True):
        frame[objective.name] = column
    return frame


def best_first(frame: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """The rows from the best to the worst value of the first objective."""
    first = problem.objectives[0]
    return frame.sort_values(first.name, ascending=not first.maximise, kind="stable", ignore_index=True)
