"""NSCA: crisscross between architectures and within them, nondominated sorting (after Chen et al. 2025)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run, Space
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.generations import TRIES


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    horizontal: Annotated[float, Interval(ge=0, le=1)] = 1.0,
    vertical: Annotated[float, Interval(ge=0, le=1)] = 0.8,
    mutation_rate: Annotated[float, Interval(gt=0, le=1)] | None = None,
    pruning: Annotated[float, Interval(gt=0, le=1e6)] | None = 3.0,
    start: ArchitectureFile | None = None,
) -> None:
    """Evolve a population until the budget is spent, or until crisscross finds nothing that is not in the population.

    Crisscross optimisation (Meng et al. 2014) is defined on real numbers. Here genes are categories: horizontal
    crossover mixes the genes of two members, vertical crossover copies a gene over another of its kind. Parents and
    children are sorted as in `nsga2`, limits on objectives are kept by constraint domination.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors; up to twice as many children a generation. 20 as in `nsga2`.
    horizontal : float
        How likely two members that meet are mixed: 1, as is usual for crisscross. Each of the two children draws its
        own share of genes from the first, uniform in [0, 1].
    vertical : float
        How likely a member has a child with one of its genes copied over another one: 0.8, as is usual for crisscross.
    mutation_rate : float, optional
        Probability of a gene of a child to change to a different value; one over the number of genes if left out.
    pruning : float, optional
        Elitism prunes what is abnormal: behind the first front, members worse than the median by more than so many
        median absolute deviations in an objective survive only where there are too few others. 3; ours.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    X = _starts.first(run, population, start)
    F = run.evaluate(X)
    kinds = kinds_of_genes(run.space)
    while True:
        survivors = select(run.rng, F, population, _ranking.beyond_limits(F, run.objectives), pruning)
        X, F = X[survivors], F[survivors]
        run.record(population=X)
        known = run.space.key(X)
        for _ in range(TRIES):
            children = np.concatenate(
                [mix(run.rng, X, probability=horizontal), copy(run.rng, X, kinds, probability=vertical)]
            )
            children = _genetics.mutate(run.rng, children, run.space, rate=mutation_rate)
            children = children[_genetics.fresh(run.space.key(children), known)]
            if len(children):
                break
        else:
            return
        X, F = np.concatenate([X, children]), np.concatenate([F, run.evaluate(children)])


def kinds_of_genes(space: Space) -> Array:
    """One number a kind of gene, (d,): those of a kind have as many values, of the same meanings where told."""
    meanings = space.values or [()] * len(space.cardinalities)
    kinds = list(zip(space.cardinalities, map(repr, meanings), strict=True))
    return np.array([kinds.index(kind) for kind in kinds])


def mix(rng: np.random.Generator, X: Array, *, probability: float) -> Array:
    """Horizontal crossover: pair (n, d) members at random; two children a pair that is mixed, (k, d).

    Each gene of a child is that of its first parent with a probability drawn for the child, or else of the second.
    """
    half = len(X) // 2
    A, B = X[rng.permutation(len(X))[: 2 * half]].reshape(2, half, X.shape[1])
    mixed = rng.random(half) < probability
    A, B = A[mixed], B[mixed]
    first = rng.random((2, *A.shape)) < rng.random((2, len(A), 1))
    return np.concatenate([np.where(first[0], A, B), np.where(first[1], B, A)])


def copy(rng: np.random.Generator, X: Array, kinds: Array, *, probability: float) -> Array:
    """Vertical crossover: children of (n, d) members with one gene's value copied over another of its kind, (k, d).

    Parameters
    ----------
    kinds : Array
        (d,) see `kinds_of_genes`; a kind of one gene exchanges nothing, and where all are such there are no children.
    """
    shared = np.flatnonzero(np.bincount(kinds)[kinds] > 1)
    if not len(shared):
        return X[:0]
    children = X[rng.random(len(X)) < probability]
    to = shared[rng.integers(0, len(shared), len(children))]
    others = (kinds[to][:, None] == kinds) & (np.arange(len(kinds)) != to[:, None])
    source = np.where(others, rng.random(others.shape), -1.0).argmax(axis=1)  # any other of the kind, each as likely
    rows = np.arange(len(children))
    children[rows, to] = children[rows, source]
    return children


def select(rng: np.random.Generator, F: Array, n: int, beyond: Array | None, pruning: float | None) -> Array:
    """Rows of the `n` best of (k, m) `F` by rank, then crowding distance, the abnormal left out; (min(k, n),)."""
    if pruning is None or len(F) <= n:
        return _ranking.best(rng, F, n, beyond)
    median = np.median(F, axis=0)
    deviation = np.median(np.abs(F - median), axis=0)
    worse = ((F - median > pruning * deviation) & (deviation > 0)).any(axis=1)
    normal = np.flatnonzero(~worse | (_ranking.ranks(F, beyond) == 0))
    if len(normal) < n:
        return _ranking.best(rng, F, n, beyond)
    chosen: Array = normal[_ranking.best(rng, F[normal], n, None if beyond is None else beyond[normal])]
    return chosen
