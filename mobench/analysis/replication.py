"""The replication noise floor: the difference of two searchers that the noise of a table's trainings alone can make.

A table's scores rest on trainings that were made once. Where a problem knows how far other trainings would move them,
runs are scored again in worlds in which the scores of each architecture are moved by as much, the same in all runs,
and on all problems that share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from mobench.analysis.measures import HYPERVOLUME, Measure
from mobench.analysis.shared import columns_of
from mobench.core.capabilities import Replicated, Slow
from mobench.core.problem import Problem
from mobench.core.space import Array
from mobench.scoring.contract import Contract
from mobench.scoring.outcome import Outcome

__all__ = ["WORLDS", "Replications", "noise_floor", "replicate"]

WORLDS = 100
"""Worlds of other trainings: the deviation over so many is known to a fourteenth."""

Replications = Mapping[str, Mapping[str, Array]]
"""Problem to searcher to its mean measure in each world, (`WORLDS`,); problems that know no noise are left out."""


def replicate(
    problem: Problem, contract: Contract, outcomes: Mapping[tuple[str, int], Outcome], measure: Measure = HYPERVOLUME
) -> dict[str, Array] | None:
    """Score what runs of one problem delivered in worlds of other trainings.

    Bounds and reference stay those of the contract.

    Parameters
    ----------
    problem : Problem
        What was searched.
    contract : Contract
        Of the problem.
    outcomes : mapping of (str, int) to Outcome
        (searcher, seed) to what the run delivered.
    measure : Measure
        One that a set has by itself (not the area, which a whole run has).

    Returns
    -------
    dict of str to (WORLDS,) array
        Searcher to the mean measure of its runs; None where the problem does not know its noise.
    """
    members = {run: outcome.X for run, outcome in outcomes.items() if len(outcome.X)}
    if not isinstance(problem, Replicated) or isinstance(problem, Slow) or not members or measure.name == "area":
        return None
    X = np.concatenate(list(members.values()))
    _, first, which = np.unique(problem.space.key(X), return_index=True, return_inverse=True)
    F, errors = problem.score(X[first]), problem.standard_errors(X[first])
    if not np.isfinite(errors).all() or not errors.any():
        return None
    draws = np.stack([_draws(column, problem.space.key(X[first])) for column in columns_of(problem)], axis=2)
    worlds = F + errors * draws
    for column, objective in enumerate(problem.objectives):
        if objective.scale == "log":  # a logarithm moves by the relative error
            worlds[:, :, column] = F[:, column] * np.exp(errors[:, column] / F[:, column] * draws[:, :, column])
    found: dict[str, list[Array]] = {searcher: [] for searcher, _ in outcomes}
    start = 0
    for (searcher, _), outcome in outcomes.items():
        rows = which[start : (start := start + len(outcome.X))]
        found[searcher].append(_measured(contract, worlds[:, rows], measure))
    return {searcher: np.mean(runs, axis=0) for searcher, runs in found.items()}


def _draws(column: int, keys: Array) -> Array:
    """Standard normal draws of each architecture in each world, (WORLDS, n): the same for the same data."""
    streams = (np.random.default_rng([column, int(key) % 2**63]) for key in keys)
    return np.column_stack([stream.standard_normal(WORLDS) for stream in streams])


def _measured(contract: Contract, sets: Array, measure: Measure) -> Array:
    """A measure of the same set in each world, (w, k, m) values: (w,)."""
    if measure.name == HYPERVOLUME.name:
        return np.array([contract.share(F) for F in sets])
    return np.array([contract.measures(F)[measure.name] for F in sets])


def noise_floor(worlds: Replications, a: str, b: str, problems: Sequence[str]) -> float:
    """What a difference of means between two searchers reaches by the noise of the tables alone, in 95 % of tables.

    Over several problems those that know no noise count as exact, so that it is the least; NaN where none knows any,
    and where a run delivered nothing, at an infinite distance in every world.
    """
    known = [np.stack([worlds[problem][a], worlds[problem][b]]) for problem in problems if problem in worlds]
    if not known or not np.isfinite(known).all():
        return float("nan")
    moved = np.sum([mine - theirs for mine, theirs in known], axis=0) / len(problems)
    return NormalDist().inv_cdf(0.975) * float(moved.std(ddof=1))
