"""Answers and fronts of runs as rows of frames, the same for Python and for files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mobench.core.budget import CURRENCIES
from mobench.core.capabilities import Decodable
from mobench.core.messages import check_known
from mobench.core.problem import Objective, Problem
from mobench.core.space import Array
from mobench.harness.spec import RunSpec
from mobench.scoring.front import free_name, judged
from mobench.scoring.outcome import Outcome
from mobench.scoring.result import Result

__all__ = ["KEYS", "evaluation_columns", "evaluation_rows", "front_rows", "keys_of", "wide"]

KEYS = ("problem", "searcher", "seed")
"""Columns that say which run a row is of."""
WRITTEN = ("genes", "architecture")
OURS = (*KEYS, "evaluation", "fidelity", *CURRENCIES, *WRITTEN)
"""Columns of the table of evaluations, before those of objectives."""
JUDGED = ("nondominated", "feasible")
OURS_OF_FRONTS = (*KEYS, *WRITTEN, *JUDGED)


def keys_of(spec: RunSpec) -> dict[str, Any]:
    """Which run a row is of, by its labels."""
    return dict(zip(KEYS, (spec.problem_label, spec.searcher_label, spec.seed), strict=True))


def evaluation_columns(problems: Iterable[Problem]) -> list[str]:
    """Columns of the answers of these problems: ours, then every objective with its unit."""
    objectives = (_column(objective, OURS) for problem in problems for objective in problem.objectives)
    return [*OURS, *dict.fromkeys(objectives)]


def evaluation_rows(keys: Mapping[str, Any], result: Result) -> pd.DataFrame:
    """A row an answer of a run, in order: what it is of, number (from 1), fidelity, ledger, genes, values as seen."""
    history, problem = result.history, result.problem
    numbers = np.arange(1, len(history.X) + 1)
    frame = pd.DataFrame(
        {**keys, "evaluation": numbers, "fidelity": history.fidelity.astype(np.int64)}
        | dict(history.spent)
        | _written(problem, history.X)
    )
    return _valued(frame, problem, history.F, OURS)


def front_rows(problems: Mapping[str, Problem], outcomes: Mapping[tuple[str, str, int], Outcome]) -> pd.DataFrame:
    """A row a delivered architecture of each run: genes, scored values, and whether it is nondominated once scored.

    Parameters
    ----------
    problems : mapping of str to Problem
        By label.
    outcomes : mapping of (str, str, int) to Outcome
        Of problem, searcher and seed.
    """
    found = []
    for key, outcome in outcomes.items():
        problem = problems[key[0]]
        written = _written(problem, outcome.X)
        keys = {name: [value] * len(outcome.X) for name, value in zip(KEYS, key, strict=True)}
        frame = _valued(pd.DataFrame(keys | written), problem, outcome.F, OURS_OF_FRONTS)
        found.append(judged(frame, outcome.F, problem.objectives))
    values = list(
        dict.fromkeys(_column(o, OURS_OF_FRONTS) for problem in problems.values() for o in problem.objectives)
    )
    limited = [name for name in JUDGED if any(name in frame for frame in found) or name == JUDGED[0]]
    columns = [*KEYS, *WRITTEN, *values, *limited]
    if not found:
        return pd.DataFrame(columns=columns)
    return pd.concat(found, ignore_index=True).reindex(columns=columns)


def wide(scores: pd.DataFrame, measure: str = "hypervolume") -> pd.DataFrame:
    """A measure with a row a problem and seed, and a column a searcher: pairs of one row belong together.

    Raises
    ------
    ValueError
        The measure is none of the columns of `scores` (the nearest is offered).
    """
    check_known("measure", [measure], scores.select_dtypes("number").columns.drop("seed"))
    order = list(dict.fromkeys(scores["searcher"]))
    table = scores.pivot(index=["problem", "seed"], columns="searcher", values=measure)
    problems = list(dict.fromkeys(scores["problem"]))
    places = sorted(table.index, key=lambda place: (problems.index(place[0]), place[1]))
    return table.reindex(index=pd.MultiIndex.from_tuples(places, names=table.index.names), columns=order).rename_axis(
        columns=None
    )


def _written(problem: Problem, X: Array) -> dict[str, list[str]]:
    genes = [" ".join(map(str, x)) for x in X.tolist()]
    return {"genes": genes, "architecture": problem.decode(X) if isinstance(problem, Decodable) else genes}


def _valued(frame: pd.DataFrame, problem: Problem, F: Array, ours: tuple[str, ...]) -> pd.DataFrame:
    """The rows with (n, m) values in natural units."""
    for objective, column in zip(problem.objectives, F.T, strict=True):
        frame[_column(objective, ours)] = column
    return frame


def _column(objective: Objective, ours: tuple[str, ...]) -> str:
    """The objective's column; one that is called as a column of ours gets another name."""
    return free_name(objective.label, "objective", ours)
