"""Any algorithm of pymoo as a searcher: categorical operators, one seed, and the door in place of its evaluator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pymoo.core.crossover import Crossover
from pymoo.core.individual import Individual
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.sampling import Sampling
from pymoo.core.termination import NoTermination

from mobench import Array, Run, Space, violation
from mobench.searchers._population import genetics as _genetics

Begin = Callable[[int], Array]
"""Gives up to so many architectures to begin with, (k, d)."""


class _Sampling(Sampling):  # type: ignore[misc]
    """Uniform architectures, distinct as far as the space allows, or those that are given."""

    def __init__(self, space: Space, begin: Begin | None) -> None:
        super().__init__()
        self._space = space
        self._begin = begin

    def _do(self, problem: Problem, n_samples: int, *, random_state: np.random.Generator, **_: Any) -> Array:
        if self._begin is not None:
            X = self._begin(n_samples)
        else:
            X = _genetics.sample_new(random_state, self._space, n_samples, np.empty(0, np.int64))
        return np.resize(X, (n_samples, X.shape[1]))  # a space smaller than the population: each row several times


class _Crossover(Crossover):  # type: ignore[misc]
    """Exchange of genes between two parents."""

    def __init__(self, kind: _genetics.Crossover, probability: float) -> None:
        super().__init__(n_parents=2, n_offsprings=2, prob=1.0)
        self._how: dict[str, Any] = {"kind": kind, "probability": probability}

    def _do(self, problem: Problem, X: Array, *, random_state: np.random.Generator, **_: Any) -> Array:
        return _genetics.cross(random_state, X[0], X[1], **self._how).reshape(X.shape)


class _Mutation(Mutation):  # type: ignore[misc]
    """Change of a gene to any other value, with probability one over the number of genes."""

    def __init__(self, space: Space) -> None:
        super().__init__(prob=1.0)
        self._space = space

    def _do(self, problem: Problem, X: Array, *, random_state: np.random.Generator, **_: Any) -> Array:
        return _genetics.mutate(random_state, X, self._space)


def operators(
    space: Space,
    *,
    crossover: _genetics.Crossover = "uniform",
    crossover_probability: float = 1.0,
    begin: Begin | None = None,
) -> dict[str, Any]:
    """Sampling, crossover and mutation of architectures, as keywords of any genetic algorithm of pymoo."""
    return {
        "sampling": _Sampling(space, begin),
        "crossover": _Crossover(crossover, crossover_probability),
        "mutation": _Mutation(space),
    }


def drive(run: Run, algorithm: Any) -> None:
    """Ask and tell `algorithm` until the budget is spent or it has nothing more to ask.

    A single objective is shown twice, as most algorithms for several cannot do with one. Where objectives have limits
    there is one constraint, `mobench.violation`: what is feasible survives before what is not, and that by how much.

    Parameters
    ----------
    run : Run
        The problem.
    algorithm : pymoo.core.algorithm.Algorithm
        With `operators`; its seed is drawn from the run's stream. It takes a constraint where there are limits.
    """
    bounds, m = _genetics.bounds(run.space), len(run.objectives)
    shown = [0, 0] if m == 1 else list(range(m))
    limited = any(objective.limit is not None for objective in run.objectives)
    problem = Problem(len(bounds), n_obj=len(shown), n_ieq_constr=int(limited), xl=0 * bounds, xu=bounds - 1, vtype=int)
    algorithm.setup(problem, termination=NoTermination(), seed=int(run.rng.integers(2**31)))
    told = recorded = 0
    while (asked := algorithm.ask()) is not None and np.size(asked):
        one = isinstance(asked, Individual)  # MOEA/D asks one at a time, and wants it back as it was
        offspring = Population.create(asked) if one else asked
        F = run.evaluate(offspring.get("X").astype(np.int64))
        if limited:
            offspring.set("G", violation(F, run.objectives)[:, None])
        offspring.set("F", F[:, shown])
        algorithm.tell(infills=asked)
        told += len(offspring)
        if told >= recorded + algorithm.pop_size or not recorded:  # a generation is over
            recorded = told
            run.record(population=algorithm.pop.get("X").astype(np.int64))
