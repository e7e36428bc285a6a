"""Runs on one problem taken together: what they were answered, an architecture a row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mobench.campaigns.study import read_study, select
from mobench.core.problem import Problem
from mobench.core.space import Array
from mobench.scoring.load import load
from mobench.scoring.result import Result

__all__ = ["answers_of", "one_problem", "runs_by_problem"]


def runs_by_problem(
    folders: Sequence[Path], *, problems: Sequence[str] = (), searchers: Sequence[str] = ()
) -> dict[str, list[Result]]:
    """Label of each problem to its runs in some folders, finished or not, as far as they have begun.

    Raises
    ------
    ValueError
        No run has begun, or a label is unknown: see `mobench.campaigns.study.select`.
    """
    study = select(read_study(folders), problems=problems, searchers=searchers)
    found: dict[str, list[Result]] = {}
    for spec, folder in study.runs:
        if (folder / "log.jsonl").exists():
            found.setdefault(study.key(spec)[0], []).append(load(folder, expected=spec))
    if not found:
        raise ValueError(f"{', '.join(map(str, folders))}: no run has begun")
    return found


def one_problem(results: Result | Sequence[Result]) -> tuple[list[Result], Problem]:
    """The runs as a list, and the problem that all of them are on; ValueError where there is none, or several."""
    runs = [results] if isinstance(results, Result) else list(results)
    if not runs:
        raise ValueError("results: expected at least one run, found none")
    problem = runs[0].problem
    for run in runs[1:]:
        if run.problem.space != problem.space or tuple(run.problem.objectives) != tuple(problem.objectives):
            raise ValueError("results: expected runs on one problem, found different spaces or objectives")
    return runs, problem


def answers_of(results: Sequence[Result]) -> tuple[Array, Array]:
    """Every architecture that was answered at full fidelity, (n, d), and its mean answer in natural units, (n, m)."""
    space = results[0].problem.space
    whole = [run.history.fidelity == 0 for run in results]
    X = np.concatenate([run.history.X[mask] for run, mask in zip(results, whole, strict=True)])
    F = np.concatenate([run.history.F[mask] for run, mask in zip(results, whole, strict=True)])
    _, first, inverse = np.unique(space.key(X), return_index=True, return_inverse=True)
    sums = np.zeros((len(first), F.shape[1]))
    np.add.at(sums, inverse.ravel(), F)
    counts = np.bincount(inverse.ravel(), minlength=len(first))
    order = np.argsort(first)  # as they were asked
    return X[first][order], (sums / counts[:, None])[order]
