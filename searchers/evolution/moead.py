"""MOEA/D: scalar subproblems that share solutions with their neighbours, as array code (Zhang and Li 2007)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.directions import directions, twice

THETA = 5.0
"""Price of the distance from the direction in penalised boundary intersections, as in the paper."""


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    neighbours: Annotated[int, Interval(ge=2, le=1_000_000)] | None = None,
    neighbour_mating: Annotated[float, Interval(ge=0, le=1)] = 1.0,
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] | None = None,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 1.0,
    start: ArchitectureFile | None = None,
) -> None:
    """Evolve one child a subproblem and generation until the budget is spent.

    Subproblems are weighted Tchebycheff functions for two objectives, penalised boundary intersections (theta 5) for
    more, of objectives in units of the running ideal point and the population's nadir, as the paper normalises. A
    child replaces the solutions of all neighbours for which it is better. Where objectives have limits it replaces
    those farther beyond them, and those as far and worse for their weights (Jain and Deb 2014, part II).

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Subproblems, one weight each: the nearest number that a lattice of Das and Dennis has. 20 as in `nsga2`.
    neighbours : int, optional
        Subproblems that mate with each other and replace each other's solutions, the subproblem itself included; a
        fifth of them (the paper's 20 of 100) if left out.
    neighbour_mating : float
        How often both parents are neighbours, and not any members: 1, always, as in the paper. 0.9 in a later form,
        which also limits replacements (Li and Zhang 2009).
    batch : int, optional
        Children asked for at once, before any of them replaces a solution; a whole generation if left out. One by one,
        1, as the paper writes the loop, is no better and takes several times as long.
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 1 in the paper.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    rng, space = run.rng, run.space
    weights = directions(len(run.objectives), population)
    near = neighbourhoods(weights, neighbours or max(2, len(weights) // 5))
    weights = np.maximum(weights, 1e-6)  # a weight of 0 would not tell a dominated solution from what dominates it
    X = _starts.first(run, len(weights), start)
    X = np.resize(X, (len(weights), X.shape[1]))  # a space smaller than the population: each row several times
    F = run.evaluate(X)
    beyond, F = _ranking.beyond_limits(F, run.objectives), twice(F)
    ideal = F.min(axis=0)
    while True:
        run.record(population=X)
        span = F.max(axis=0) - ideal
        span[span <= 0] = 1.0
        order = rng.permutation(len(weights))
        for turn in range(0, len(order), batch or len(order)):
            at = order[turn : turn + (batch or len(order))]
            one, other = X[_parents(rng, near[at], len(weights), neighbour_mating)]
            children = _genetics.cross(rng, one, other, kind=crossover, probability=crossover_probability)[: len(at)]
            children = _genetics.mutate(rng, children, space)
            values = run.evaluate(children)
            theirs, values = _ranking.beyond_limits(values, run.objectives), twice(values)
            ideal = np.minimum(ideal, values.min(axis=0))
            now = scalars((F - ideal) / span, weights)
            then = scalars(((values - ideal) / span)[:, None], weights[near[at]])
            takes, child = replacements(near[at], now, then, beyond, theirs)
            X[takes], F[takes] = children[child], values[child]
            if beyond is not None and theirs is not None:
                beyond[takes] = theirs[child]


def neighbourhoods(weights: Array, size: int) -> Array:
    """The `size` nearest of (k, m) `weights` for each, itself first; shape (k, min(size, k))."""
    apart = ((weights[:, None] - weights) ** 2).sum(axis=2).round(12)  # equal distances are equal: the first counts
    nearest: Array = apart.argsort(axis=1, kind="stable")[:, :size]
    return nearest


def scalars(N: Array, weights: Array) -> Array:
    """Values of subproblems, (...), at points in units of ideal point (0) and nadir (1), (..., m), and their weights.

    Tchebycheff for two objectives, penalised boundary intersection for more (sections II-B and II-C of the paper).
    """
    if weights.shape[-1] == 2:
        found: Array = (weights * N).max(axis=-1)
        return found
    length = np.sqrt((weights * weights).sum(axis=-1))
    along = (N * weights).sum(axis=-1) / length
    aside = np.sqrt(np.maximum((N * N).sum(axis=-1) - along**2, 0.0))
    penalised: Array = along + THETA * aside
    return penalised


def replacements(
    near: Array, now: Array, then: Array, beyond: Array | None = None, theirs: Array | None = None
) -> tuple[Array, Array]:
    """What b children replace, one after the other: each takes every neighbour for which it is better.

    As nothing limits how many, who is there in the end is the best of all for its weight, of equals the first.

    Parameters
    ----------
    near : Array
        (b, t) subproblems that each child is offered to.
    now, then : Array
        (k,) values of the subproblems, and (b, t) what they would be.
    beyond, theirs : Array, optional
        (k,) and (b,) how far solutions and children are beyond limits, which counts before values.

    Returns
    -------
    takes, child : Array
        (r,) subproblems that get another solution, and the (r,) children these are.
    """
    offers = np.full((len(near) + 1, len(now)), np.inf)  # row 0: who is there
    offers[0] = now
    offers[np.arange(1, len(near) + 1)[:, None], near] = then
    if beyond is None or theirs is None:
        best = offers.argmin(axis=0)
    else:
        far = np.concatenate([beyond[None], np.where(np.isinf(offers[1:]), np.inf, theirs[:, None])])
        best = np.lexsort((offers, far), axis=0)[0]
    takes = best.nonzero()[0]
    return takes, best[takes] - 1


def _parents(rng: np.random.Generator, near: Array, k: int, neighbour_mating: float) -> Array:
    """Rows of two different parents for each of b subproblems with (b, t) neighbours among k; shape (2, b)."""
    b, t = near.shape
    chance = rng.random((3, b))
    local = chance[2] < neighbour_mating
    size = np.where(local, t, k)
    one = (chance[0] * size).astype(np.int64)
    other = (one + 1 + (chance[1] * (size - 1)).astype(np.int64)) % size
    pair = np.stack([one, other])
    return np.where(local, near[np.arange(b), np.minimum(pair, t - 1)], pair)
