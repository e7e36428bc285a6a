"""The generations of NSGA-II and its relatives over any function that answers architectures (Deb et al. 2002)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mobench import Array, Objective, Space
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking

TRIES = 100
"""Rounds of mating after which a generation makes do with the children it has (pymoo's number)."""

Select = Callable[[np.random.Generator, Array, int, Array | None], Array]
"""Stream, (k, m) values, how many survive and how far each is beyond limits, (k,), to the rows of the survivors."""

Vary = Callable[[Array, Array, Array], Array]
"""(k, d) members and the (n, d) parents of n pairs to (l, d) children."""


def generations(
    rng: np.random.Generator,
    space: Space,
    answer: Callable[[Array], Array],
    *,
    population: int,
    select: Select | None = None,
    begin: Callable[[], Array] | None = None,
    vary: Vary | None = None,
    propose: Callable[[Vary], Vary] | None = None,
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
    select : callable, optional
        Who survives; the rows of parents come before those of children. Parents are then any members, of two the one
        less beyond limits. If left out, rank and crowding distance decide, for parents, too, by binary tournaments.
    objectives : sequence of Objective
        The m columns: what is within their limits is better than what is not, and less beyond is better than more.
    begin : callable, optional
        Gives the first (k, d) architectures; `population` uniform ones when left out.
    vary : callable, optional
        Makes children; if left out, crossover and then mutation do.
    propose : callable, optional
        Makes of that another variation, which chooses among children.
    population, crossover, crossover_probability, mutation_rate
        See the searcher `nsga2`.

    Yields
    ------
    X, F : Array
        The (k, d) survivors of each generation, best first where `select` is left out, and their (k, m) values.
    """

    def usual(X: Array, A: Array, B: Array) -> Array:
        children = _genetics.cross(rng, A, B, kind=crossover, probability=crossover_probability)
        return _genetics.mutate(rng, children, space, rate=mutation_rate)

    made = propose(vary or usual) if propose else vary or usual
    X = begin() if begin else _genetics.sample_new(rng, space, population, np.empty(0, np.int64))
    F = answer(X)
    while True:
        beyond = _ranking.beyond_limits(F, objectives)
        survivors = (select or _ranking.best)(rng, F, population, beyond)
        X, F = X.take(survivors, axis=0), F.take(survivors, axis=0)
        yield X, F
        choose = _by_rank if select is None else _by_limits(None if beyond is None else beyond[survivors])
        children = _offspring(rng, space, X, population, choose, made)
        if not len(children):
            return
        X, F = np.concatenate([X, children]), np.concatenate([F, answer(children)])


Choose = Callable[[np.random.Generator, int, int], Array]
"""Stream, k members, n pairs: the rows of parents, (2, n)."""


def _by_rank(rng: np.random.Generator, k: int, n: int) -> Array:
    """Binary tournaments among k members that come best first."""
    parents: Array = (rng.random((2, 2, n)).min(axis=0) * k).astype(np.int64)
    return parents


def _by_limits(beyond: Array | None) -> Choose:
    """Any members; where some are beyond limits, of two the one that is less."""

    def choose(rng: np.random.Generator, k: int, n: int) -> Array:
        if beyond is None or not beyond.any():
            parents: Array = (rng.random((2, n)) * k).astype(np.int64)
            return parents
        one, other = (rng.random((2, 2, n)) * k).astype(np.int64)
        fitter: Array = np.where(beyond[other] < beyond[one], other, one)
        return fitter

    return choose


def _offspring(rng: np.random.Generator, space: Space, X: Array, n: int, choose: Choose, vary: Vary) -> Array:
    """Make up to `n` children, (k, d), that differ from each other and from the members `X`.

    Each round makes twice as many as are wanted, so that one round is mostly enough.
    """
    known = space.key(X)
    children: list[Array] = []
    missing = n
    for _ in range(TRIES):
        offspring = vary(X, *X.take(choose(rng, len(X), n), axis=0))
        keys = space.key(offspring)
        new = _genetics.fresh(keys, known).nonzero()[0][:missing]
        children.append(offspring.take(new, axis=0))
        missing -= len(new)
        if not missing:
            break
        known = np.concatenate([known, keys[new]])
    return np.concatenate(children)
