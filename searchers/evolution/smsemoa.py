"""SMS-EMOA: selection by contribution to the hypervolume, as array code (Beume, Naujoks and Emmerich 2007)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run, Space, violation
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.contributions import leaving
from mobench.searchers._population.directions import twice
from mobench.searchers._population.generations import TRIES

STALE = 10 * TRIES
"""Children in a row that are known already, after which no more are made for one selection."""


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    offspring: Annotated[int, Interval(ge=1, le=1_000_000)] = 1,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    start: ArchitectureFile | None = None,
) -> None:
    """Evolve until the budget is spent; the time for contributions grows fast beyond five objectives.

    Parents are any members. Limits on objectives are kept by constraint domination (Deb et al. 2002). The search ends
    where mating finds nothing that is not in the population.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors. 20 as in `nsga2`.
    offspring : int
        Children between two selections: 1 in the paper. A whole population, pymoo's own default, is several times
        faster and as good on CatSum (1780 and 1778).
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 0.9 in pymoo.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    rng, space = run.rng, run.space
    recipes = _genetics.recipes(rng, space, kind=crossover, probability=crossover_probability)
    first = _starts.first(run, population, start)
    answers = run.evaluate(first)
    limits = _ranking.beyond_limits(answers, run.objectives) is not None
    n = len(first)
    room = (0, population - n + offspring)
    X, F = np.pad(first, (room, (0, 0))), np.pad(twice(answers), (room, (0, 0)))  # the n members, and room for children
    beyond = np.pad(violation(answers, run.objectives), room)
    keys = space.key(first).tolist()
    made = recorded = 0
    run.record(population=first)
    while len(children := _children(rng, space, X[:n], keys, offspring, recipes)):
        ideal = F[:n].min(axis=0)
        span = F[:n].max(axis=0) - ideal
        answers = run.evaluate(children)
        k = n + len(children)
        X[n:k], F[n:k] = children, twice(answers)
        if limits:
            beyond[n:k] = violation(answers, run.objectives)
        span[span <= 0] = 1.0
        leave = leaving((F[:k] - ideal) / span, population, beyond[:k] if limits else None)
        for row in sorted(leave, reverse=True):  # who comes last takes the place
            k -= 1
            X[row], F[row], beyond[row], keys[row] = X[k], F[k], beyond[k], keys[k]
            del keys[k]
        n, made = k, made + len(children)
        if made >= recorded + population:  # as many children as members
            recorded = made
            run.record(population=X[:n])


def _children(
    rng: np.random.Generator, space: Space, X: Array, keys: list[int], n: int, recipes: Iterator[_genetics.Recipe]
) -> Array:
    """Up to `n` children of the members `X`, (k, d), none of them among the `keys`, to which theirs are added.

    Fewer where mating finds nothing new any more.
    """
    found: list[Array] = []
    known, failed = set(keys), 0
    for recipe in itertools.islice(recipes, n * TRIES):
        child = _genetics.existing(rng, recipe.child(X)[None], space)
        failed += 1
        if (key := int(space.key(child)[0])) not in known:
            known.add(key)
            keys.append(key)
            found.append(child)
            failed = 0
        if len(found) == n or failed == STALE:
            break
    return np.concatenate(found) if found else X[:0]
