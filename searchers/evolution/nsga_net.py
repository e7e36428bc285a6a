"""NSGA-Net: NSGA-II on architectures, then samples of a Bayesian network of good ones (Lu et al. 2019)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.generations import generations


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    crossover: Literal["uniform", "two-point"] = "two-point",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    mutation: Literal["polynomial", "reset"] = "polynomial",
    exploration: Annotated[float, Interval(ge=0, le=1)] = 2 / 3,
    smoothing: Annotated[float, Interval(ge=1e-6, le=1e6)] = 1.0,
    start: ArchitectureFile | None = None,
) -> None:
    """Evolve a population until the budget is spent, or until mating finds nothing that is not in the population.

    First children come from crossover and mutation; behind a share of the budget more and more of them are samples of a
    Bayesian network of the population, a chain in which each gene depends on the one before, as the phases of a network
    do in the paper. The public code has no such stage, and the paper leaves its details open: they are ours.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors, and children a generation. 20 as in `nsga2`; 40 in the paper, which trains 1,200 networks.
    crossover : {"uniform", "two-point"}
        How two parents mix; two-point as in the public code.
    crossover_probability : float
        How often two parents mix; 0.9 as in `nsga2`.
    mutation : {"polynomial", "reset"}
        How a gene changes, one a child on average: by a rounded polynomial step of index 3, as the public code has it
        for integers, which takes numbers of operations for sizes; or to any other value, as the bits of the paper do.
    exploration : float
        Share of the budget before the first sample; from there to the end the share of samples grows from 0 to 1. Two
        thirds; ours.
    smoothing : float
        Weight of what is known without the gene before, in members: 1, Laplace's; ours.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    rng, space = run.rng, run.space
    cardinalities = _genetics.bounds(space)

    def vary(X: Array, A: Array, B: Array) -> Array:
        children = _genetics.cross(rng, A, B, kind=crossover, probability=crossover_probability)
        if mutation == "polynomial":
            children = _genetics.existing(rng, polynomial(rng, children, cardinalities), space)
        else:
            children = _genetics.mutate(rng, children, space)
        share = (run.spent.share(run.limit) - exploration) / (1.0 - exploration) if exploration < 1 else 0.0
        sampled = rng.random(len(children)) < share
        if sampled.any():
            samples = chain(rng, X, cardinalities, int(sampled.sum()), smoothing)
            children[sampled] = _genetics.existing(rng, samples, space)
        return children

    for X, _ in generations(
        rng,
        space,
        run.evaluate,
        population=population,
        begin=lambda: _starts.first(run, population, start),
        vary=vary,
        objectives=run.objectives,
    ):
        run.record(population=X)


def chain(rng: np.random.Generator, X: Array, cardinalities: Array, n: int, smoothing: float) -> Array:
    """Sample `n` architectures, (n, d), of the chain p(x_1) p(x_2 | x_1) ... p(x_d | x_{d-1}) of (k, d) members.

    Frequencies are smoothed: those of a gene alone by even ones, those behind a value of the gene before by the former.
    """
    samples = np.empty((n, X.shape[1]), dtype=np.int64)
    for j, choices in enumerate(cardinalities.tolist()):
        alone = np.bincount(X[:, j], minlength=choices) + smoothing / choices
        alone = alone / alone.sum()
        if j == 0:
            table = np.broadcast_to(alone, (n, choices))
        else:
            counts = np.zeros((int(cardinalities[j - 1]), choices))
            np.add.at(counts, (X[:, j - 1], X[:, j]), 1.0)
            counts += smoothing * alone
            table = (counts / counts.sum(axis=1, keepdims=True))[samples[:, j - 1]]
        reached = rng.random((n, 1)) < table.cumsum(axis=1)
        reached[:, -1] = True  # sums of rounded shares may end below 1
        samples[:, j] = reached.argmax(axis=1)
    return samples


def polynomial(rng: np.random.Generator, X: Array, cardinalities: Array, *, index: float = 3.0) -> Array:
    """Polynomial mutation (Deb and Goyal 1996) of integers: each gene of (n, d) `X` with probability 1/d, rounded."""
    chance = rng.random(X.shape)
    low, high = (2 * chance) ** (1 / (index + 1)) - 1, 1 - (2 * (1 - chance)) ** (1 / (index + 1))
    step = np.where(chance < 0.5, low, high) * (cardinalities - 1)
    hit = rng.random(X.shape) < 1 / X.shape[1]
    return np.where(hit, np.clip(np.rint(X + step).astype(np.int64), 0, cardinalities - 1), X)
