"""The generations of NSGA-II over any function that answers architectures (Deb et al. 2002)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mobench import Array, Objective, Space
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking

TRIES = 100
"""Rounds of mating after which a generation makes do with the children it has (pymoo's number)."""


def generations(
    rng: np.random.Generator,
    space: Space,
    answer: Callable[[Array], Array],
    *,
    population: int,
    begin: Callable[[], Array] | None = None,
    objectives: Sequence[Objective] = (),
    crossover: _genetics.Crossover = "uniform",
    crossover_probability: float = 0.9,
    mutation_rate: float | None = None,
) -> Iterator[tuple[Array, Array]]:
    """Evolve a population; ends when mating finds nothing that is not in it.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only randomness.
    space : Space
        The architectures.
    answer : callable
        (n, d) architectures to (n, m) values, all minimised.
    objectives : sequence of Objective
        The m columns: what is within their limits is better than what is not, and less beyond is better than more.
    begin : callable, optional
        Gives the first (k, d) architectures; `population` uniform ones when left out.
    population, crossover, crossover_probability, mutation_rate
        See the searcher `nsga2`.

    Yields
    ------
    X, F : Array
        The (k, d) survivors of each generation, best first, and their (k, m) values.
    """

    def vary(A: Array, B: Array) -> Array:
        children = _genetics.cross(rng, A, B, kind=crossover, probability=crossover_probability)
        return _genetics.mutate(rng, children, space, rate=mutation_rate)

    X = begin() if begin else _genetics.sample_new(rng, space, population, np.empty(0, np.int64))
    F = answer(X)
    while True:
        survivors = _ranking.best(rng, F, population, _ranking.beyond_limits(F, objectives))
        X, F = X[survivors], F[survivors]
        yield X, F
        children = _offspring(rng, space, X, population, vary)
        if not len(children):
            return
        X, F = np.concatenate([X, children]), np.concatenate([F, answer(children)])


def _offspring(
    rng: np.random.Generator, space: Space, X: Array, n: int, vary: Callable[[Array, Array], Array]
) -> Array:
    """Make up to `n` children, (k, d), that differ from each other and from the parents `X`, which come best first.

    Each round makes twice as many as are wanted, so that one round is mostly enough.
    """
    known = space.key(X)
    children: list[Array] = []
    missing = n
    for _ in range(TRIES):
        parents = (rng.random((2, 2, n)) * len(X)).astype(np.int64).min(axis=0)  # binary tournaments
        offspring = vary(X[parents[0]], X[parents[1]])
        keys = space.key(offspring)
        new = np.flatnonzero(_genetics.fresh(keys, known))[:missing]
        children.append(offspring[new])
        missing -= len(new)
        if not missing:
            break
        known = np.concatenate([known, keys[new]])
    return np.concatenate(children)
