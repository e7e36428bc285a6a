"""NSGA-III: nondominated sorting with reference directions for many objectives (Deb and Jain 2014), from pymoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from mobench import Run


def search(
    run: Run,
    *,
    population: Annotated[int, Ge(2)] = 20,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 1.0,
    start: Path | None = None,
) -> None:
    """Evolve until the budget is spent.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors, and children a generation. 20 as in `nsga2`; there are as many directions as the lattice of Das and
        Dennis nearest to it has, and the population grows where they are more.
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 1 in the paper.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    from pymoo.algorithms.moo.nsga3 import NSGA3

    from mobench.searchers._population import pymoo as _pymoo
    from mobench.searchers._population import starts as _starts

    lattice = _pymoo.directions(len(run.objectives), population)
    operators = _pymoo.operators(
        run.space,
        crossover=crossover,
        crossover_probability=crossover_probability,
        begin=_starts.beginning(run, start),
    )
    _pymoo.drive(run, NSGA3(lattice, pop_size=max(population, len(lattice)), **operators))
