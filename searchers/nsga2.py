"""NSGA-II on categorical genes: nondominated sorting and crowding distance, as array code (Deb et al. 2002)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Interval

from mobench import Array, Run
from mobench.searchers import _genetics, _ranking

TRIES = 100
"""Rounds of mating after which a generation makes do with the children it has (pymoo's number)."""


def search(
    run: Run,
    *,
    population: Annotated[int, Ge(2)] = 20,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    mutation_rate: Annotated[float, Interval(gt=0, le=1)] | None = None,
) -> None:
    """Evolve a population until the budget is spent, or until mating finds nothing that is not in the population.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors, and children a generation. 20 as in Syne Tune: the paper's 100 is a whole NAS budget.
    crossover : {"uniform", "two-point"}
        How two parents mix.
    crossover_probability : float
        How often they do; 0.9 in the paper.
    mutation_rate : float, optional
        Probability of a gene to change to a different value; one over the number of genes, as in the paper, if left
        out.
    """
    rng, cardinalities = run.rng, _genetics.bounds(run.space)

    def vary(A: Array, B: Array) -> Array:
        children = _genetics.cross(rng, A, B, kind=crossover, probability=crossover_probability)
        return _genetics.mutate(rng, children, cardinalities, rate=mutation_rate)

    X = _genetics.sample_new(rng, run.space, population, np.empty(0, np.int64))
    F = run.evaluate(X)
    while True:
        survivors = _ranking.best(rng, F, population)
        X, F = X[survivors], F[survivors]
        run.record(population=X)
        children = _offspring(run, X, population, vary)
        if not len(children):
            return
        X, F = np.concatenate([X, children]), np.concatenate([F, run.evaluate(children)])


def _offspring(run: Run, X: Array, n: int, vary: Callable[[Array, Array], Array]) -> Array:
    """Make up to `n` children, (k, d), that differ from each other and from the parents `X`, which come best first.

    Each round makes twice as many as are wanted, so that one round is mostly enough.
    """
    known = run.space.key(X)
    children: list[Array] = []
    missing = n
    for _ in range(TRIES):
        parents = (run.rng.random((2, 2, n)) * len(X)).astype(np.int64).min(axis=0)  # binary tournaments
        offspring = vary(X[parents[0]], X[parents[1]])
        keys = run.space.key(offspring)
        new = np.flatnonzero(_genetics.fresh(keys, known))[:missing]
        children.append(offspring[new])
        missing -= len(new)
        if not missing:
            break
        known = np.concatenate([known, keys[new]])
    return np.concatenate(children)
