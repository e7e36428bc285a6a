"""SH-EMOA: an evolving population whose trainings grow longer along the budget (Izquierdo et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Gt, Interval

from mobench import Array, MultiFidelity, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population.contributions import leaving
from mobench.searchers._population.directions import twice
from mobench.searchers._population.generations import TRIES

needs = (MultiFidelity,)

TOURNAMENT = 3
"""Members of which the best is a parent, as in the public code."""


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 10,
    eta: Annotated[float, Gt(1)] = 2.0,
    mutation: Annotated[float, Interval(ge=0, le=1)] = 0.5,
) -> None:
    """Add a child at a time, which drives a member out, and train everybody longer when a share of the budget is spent.

    With K lengths of trainings each gets a K-th of the budget, so that eta times as long ones are eta times as few. Who
    leaves is of the last front and contributes least to its hypervolume; parents are better by front, then by crowding
    distance. (The public code orders them by a product of accuracy and logarithm of size.)

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Members; 10 in the public code.
    eta : float
        How many times longer trainings become; 2 in the public code.
    mutation : float
        How often a child is a mutant of one parent, with a gene changed on average (five of 13 there); else it takes
        each gene from one of two. 1/2 in the public code.
    """
    rng, space = run.rng, run.space
    steps = lengths(run.fidelities, eta)
    X = _genetics.sample_new(rng, space, population, np.empty(0, np.int64))
    for k, fidelity in enumerate(steps):
        F = run.evaluate(X, fidelity=fidelity)
        run.record(fidelity=fidelity, population=X)
        while k + 1 == len(steps) or run.spent.share(run.limit) < (k + 1) / len(steps):
            child = _child(run, X, F, mutation)
            if not len(child):
                break
            X, F = np.concatenate([X, child]), np.concatenate([F, run.evaluate(child, fidelity=fidelity)])
            stay = np.delete(np.arange(len(X)), _leaving(run, F, population))
            X, F = X[stay], F[stay]


def lengths(fidelities: Sequence[int], eta: float) -> list[int]:
    """Trainings from short to long: of b, ceil(b / eta), ... above the least on offer the nearest ones; b the longest.

    Examples
    --------
    >>> lengths(range(5, 26), 2)
    [7, 13, 25]
    >>> lengths([12, 200], 2)
    [12, 200]
    """
    least, b = fidelities[0], fidelities[-1]
    wanted = [b]
    while (b := min(math.ceil(b / eta), b - 1)) > least:
        wanted.append(b)
    return sorted({min(fidelities, key=lambda offer, b=b: (abs(math.log(offer / b)), offer)) for b in wanted})  # type: ignore[misc]


def _child(run: Run, X: Array, F: Array, mutation: float) -> Array:
    """A child of the members, (1, d), that is none of them; (0, d) where none is found."""
    rng, space = run.rng, run.space
    order = np.empty(len(X), dtype=np.int64)
    order[_ranking.best(rng, F, len(X), _ranking.beyond_limits(F, run.objectives))] = np.arange(len(X))
    for _ in range(TRIES):
        one, other = (_parent(rng, order) for _ in range(2))
        if rng.random() < mutation:
            child = _genetics.mutate(rng, X[[one]], space)
        else:
            child = _genetics.cross(rng, X[[one]], X[[other]], kind="uniform", probability=1.0)[:1]
            child = _genetics.existing(rng, child, space)
        if _genetics.fresh(space.key(child), space.key(X))[0]:
            return child
    return X[:0]


def _parent(rng: np.random.Generator, order: Array) -> int:
    """The best of some members, by (k,) places."""
    some = rng.permutation(len(order))[:TOURNAMENT]
    return int(some[order[some].argmin()])


def _leaving(run: Run, F: Array, n: int) -> list[int]:
    span = np.ptp(F, axis=0)
    span[span <= 0] = 1.0
    return leaving(twice((F - F.min(axis=0)) / span), n, _ranking.beyond_limits(F, run.objectives))
