"""AGE-MOEA-II: selection by a model of the front's geometry (Panichella 2022), from pymoo."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    start: ArchitectureFile | None = None,
) -> None:
    """Evolve until the budget is spent.

    The first run on a machine takes some ten seconds more, in which numba compiles pymoo's code.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors, and children a generation. 20 as in `nsga2`.
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 0.9 in pymoo.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).

    Raises
    ------
    ModuleNotFoundError
        numba is not installed.
    """
    if importlib.util.find_spec("numba") is None:
        raise ModuleNotFoundError("agemoea2 needs numba, which is not installed: pip install 'mobench[agemoea2]'")
    from pymoo.algorithms.moo.age2 import AGEMOEA2

    from mobench.searchers._population import pymoo as _pymoo
    from mobench.searchers._population import starts as _starts

    operators = _pymoo.operators(
        run.space,
        crossover=crossover,
        crossover_probability=crossover_probability,
        begin=_starts.beginning(run, start),
    )
    algorithm = AGEMOEA2(pop_size=population, **operators)
    algorithm.mating.n_max_iterations = 10  # pymoo's 100 take a minute where a space is nearly used up
    algorithm.survival = _survival()
    with np.errstate(divide="ignore", invalid="ignore"):  # later fronts in units of a first one without range
        _pymoo.drive(run, algorithm)


Score = Callable[[Array, Array], tuple[Array, float, Array]]


def _survival() -> Any:
    """The selection of pymoo, its compiled functions kept on disk: they would else be compiled by every process anew.

    Those in pymoo's modules are not touched: the selection has copies, and a copy of the code that calls them.
    """
    from pymoo.algorithms.moo import age, age2

    survival = age2.AGEMOEA2Survival()
    survival.pairwise_distances = _kept(survival.pairwise_distances)
    survival.minkowski_distances = _kept(survival.minkowski_distances)
    score = age.AGEMOEASurvival.survival_score
    names = {**score.__globals__, "find_corner_solutions": _kept(age.find_corner_solutions)}
    survival.survival_score = _bear_one_point(types.FunctionType(score.__code__, names).__get__(survival))
    return survival


@functools.cache
def _kept(function: Any) -> Any:
    """A copy of a compiled function that is kept on disk, or the function itself where no folder can be written to."""
    import numba

    with contextlib.suppress(RuntimeError):  # numba found no such folder
        return numba.jit(**function.targetoptions, cache=True)(function.py_func)
    return function


def _bear_one_point(score: Score) -> Score:
    """Score a front as pymoo does, but give nothing to points that are all equal, where it divides by zero."""

    def bearing(front: Array, ideal: Array) -> tuple[Array, float, Array]:
        if (front == front[0]).all():
            return np.zeros(len(front)), 1.0, np.ones(front.shape[1])
        return score(front, ideal)

    return bearing
