"""LEMONADE on answers alone: a nondominated population whose rare costs breed (after Elsken et al. 2019)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run, Space
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.codes import one_hot
from mobench.searchers._population.density import logarithms, rare


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 10,
    children: Annotated[int, Interval(ge=1, le=1_000_000)] = 50,
    accepted: Annotated[int, Interval(ge=1, le=1_000_000)] = 5,
    start: ArchitectureFile | None = None,
) -> None:
    """Keep what nothing dominates, and ask for children of it whose costs are rare, until the budget is spent.

    An emulation: children inherit no weights, and answers are those of whole trainings. What children cost is known
    before they are trained, in the paper. Here objectives that are formulas are (`Run.known_costs`); of each other cost
    a linear model of the genes, fitted to the answers, tells it. Ends when no new architecture is found.

    Parameters
    ----------
    run : Run
        The problem.
    initial : int
        Uniform architectures to begin with; 10, ours. The paper begins with a few small networks.
    children : int
        Candidates a generation, each a parent with one gene changed; 50, ours.
    accepted : int
        How many of them are asked for; 5, ours.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    rng, space = run.rng, run.space
    X = _starts.first(run, initial, start)
    F = run.evaluate(X)
    while True:
        members = _ranking.ranks(F, _ranking.beyond_limits(F, run.objectives)) == 0
        run.record(population=X[members])
        C = logarithms(F[:, 1:], F[:, 1:])
        parents = X[members][rare(rng, C[members], C[members], children, replace=True)]
        made = _genetics.mutate_one(rng, parents, space)
        made = made[_genetics.fresh(space.key(made), space.key(X))]
        if not len(made):
            made = _genetics.sample_new(rng, space, accepted, space.key(X))
        if not len(made):
            return
        costs = logarithms(run.known_costs(made)[:, 1:], F[:, 1:])
        costs = np.where(np.isnan(costs), predicted(space, X, C, made), costs)
        made = made[rare(rng, C[members], costs, min(accepted, len(made)), replace=False)]
        X, F = np.concatenate([X, made]), np.concatenate([F, run.evaluate(made)])


def predicted(space: Space, X: Array, C: Array, at: Array) -> Array:
    """(n, k) costs of (n, d) architectures `at` by linear models of one-hot genes, fitted to those of `X`, (l, k).

    Exact where `C` is a sum over genes whose values were all seen. Of the models that fit the least one is taken.
    """
    if not C.shape[1]:
        return np.zeros((len(at), 0))
    known, mean = one_hot(space, X), C.mean(axis=0)
    center = known.mean(axis=0)
    slope = np.linalg.lstsq(known - center, C - mean, rcond=1e-9)[0]
    values: Array = (one_hot(space, at) - center) @ slope + mean
    return values
