"""NSGANetV2: NSGA-II on predicted errors and true costs proposes, a few well-spread ones are asked (Lu et al. 2020)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run, nondominated
from mobench.searchers._models.asked import Asked
from mobench.searchers._models.encoding import bits
from mobench.searchers._models.predictors import Predict, choose, fitted
from mobench.searchers._models.values import CUT, Units, comparable, units_of
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.generations import generations

SUBSETS = 2000
"""Sets of candidates among which the best spread one is asked for."""


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 20,
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] = 8,
    population: Annotated[int, Interval(ge=2, le=10_000)] = 40,
    rounds: Annotated[int, Interval(ge=1, le=10_000)] = 20,
    predictor: Literal["adaptive", "rbf", "gp", "mlp", "trees"] = "adaptive",
    start: ArchitectureFile | None = None,
) -> None:
    """Ask for `initial` architectures, then for `batch` of the predicted front at a time, until nothing new is left.

    Objectives that are formulas (`Run.known_costs`) are taken as they are; each other one is predicted.

    Parameters
    ----------
    run : Run
        The problem.
    initial : int
        Architectures before the first predictor, those with all genes at their first and at their last value among them
        (smallest and largest in the paper's spaces). 20: the paper's 100 is a NAS budget.
    batch : int
        Architectures asked for between two predictors; 8 in the paper.
    population, rounds : int
        Members and generations of NSGA-II on what is predicted, with two-point crossover; 40 and 20 in the paper. Genes
        change to any other value, not by polynomial steps, which take numbers of operations for sizes.
    predictor : {"adaptive", "rbf", "gp", "mlp", "trees"}
        What predicts. Adaptive switching chooses anew each time among the first three by cross-validation; the paper
        has trees (scikit-learn's, here) among them, too.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; others make up the rest, and all are paid
        for (docs/warm-start.md).

    Raises
    ------
    ValueError
        Trees are wanted, and scikit-learn is not installed.
    """
    rng, space, encoding = run.rng, run.space, bits(run.space)
    asked = Asked(run, _starts.first(run, initial, start) if start else _first(run, initial))
    while True:
        units, front = units_of(asked.F, run.objectives, 0.0)
        G = np.minimum(units(comparable(asked.F, run.objectives)), CUT)
        known = ~np.isnan(run.known_costs(asked.X[:1]))[0]
        models: dict[int, Predict] = {}
        told: list[float] = []
        for j in np.flatnonzero(~known).tolist():
            kind = predictor
            if kind == "adaptive":
                kind, rank = choose(rng, encoding, asked.X, G[:, j])
                told.append(rank)
            models[j] = fitted(kind, rng, encoding, asked.X, G[:, j])
        if told:
            run.record(predictor_tau=told)
        X, F = _evolved(run, asked.X[front], _judge(run, units, models), population, rounds)
        new = _genetics.fresh(space.key(X), asked.keys)
        X, F = X[new], F[new]
        best = nondominated(F) if len(F) else np.zeros(0, dtype=bool)
        chosen = X[best][spread(rng, F[best], G[front], batch)]
        if len(chosen) < batch:
            rest = np.concatenate([X[~best], _genetics.sample_new(rng, space, batch, asked.keys)])
            chosen = asked.unknown(np.concatenate([chosen, rest]))[:batch]
        if not len(chosen):
            return
        asked.ask(chosen)


def _first(run: Run, n: int) -> Array:
    """Up to `n` different architectures: those at the ends of all genes, and uniform ones."""
    ends = run.space.canonical(np.array([[0] * len(run.space.cardinalities), [c - 1 for c in run.space.cardinalities]]))
    ends = ends[_genetics.fresh(run.space.key(ends), np.empty(0, np.int64))][:n]
    return np.concatenate([ends, _genetics.sample_new(run.rng, run.space, n - len(ends), run.space.key(ends))])


def _judge(run: Run, units: Units, models: dict[int, Predict]) -> Callable[[Array], Array]:
    """What is known and predicted of architectures, in units of the front."""

    def judge(X: Array) -> Array:
        found = units(comparable(run.known_costs(X), run.objectives))
        for j, model in models.items():
            found[:, j] = model(X)
        return found

    return judge


def _evolved(
    run: Run, good: Array, judge: Callable[[Array], Array], population: int, rounds: int
) -> tuple[Array, Array]:
    """The last population of NSGA-II that begins with good architectures and random ones, and its predictions."""

    def begin() -> Array:
        some = run.rng.permutation(good)[:population]
        return np.concatenate(
            [some, _genetics.sample_new(run.rng, run.space, population - len(some), run.space.key(some))]
        )

    bred = generations(
        run.rng, run.space, judge, population=population, begin=begin, objectives=(), crossover="two-point"
    )
    *_, last = itertools.islice(bred, rounds)
    return last


def spread(rng: np.random.Generator, F: Array, front: Array, n: int) -> Array:
    """`n` rows of (k, m) `F`, all if they are fewer, that fill gaps of a front best in all objectives but the first.

    The least standard deviation of the gaps between neighbours, front included, over random sets of rows (the paper has
    a genetic algorithm look for it); with several such objectives the mean. With one objective any rows.
    """
    if len(F) <= n:
        return np.arange(len(F))
    sets = rng.random((SUBSETS, len(F))).argsort(axis=1)[:, :n]
    badness = np.zeros(SUBSETS)
    for column, there in zip(F.T[1:], front.T[1:], strict=True):
        filled = np.concatenate([column[sets], np.broadcast_to(there, (SUBSETS, len(there)))], axis=1)
        badness += np.diff(np.sort(filled, axis=1), axis=1).std(axis=1)
    found: Array = sets[badness.argmin()]
    return found
