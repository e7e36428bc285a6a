"""SMS-EMOA: selection by contribution to the hypervolume (Beume, Naujoks and Emmerich 2007), from pymoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from mobench import Run


def search(
    run: Run,
    *,
    population: Annotated[int, Ge(2)] = 20,
    offspring: Annotated[int, Ge(1)] = 1,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    start: Path | None = None,
) -> None:
    """Evolve until the budget is spent; the time for contributions grows fast beyond five objectives.

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors. 20 as in `nsga2`.
    offspring : int
        Children between two selections: 1 in the paper. pymoo's own default, a whole population, is ten times faster
        and a little worse (1778 instead of 1783 on CatSum).
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 0.9 in the paper.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    from pymoo.algorithms.moo.sms import SMSEMOA

    from mobench.searchers._population import pymoo as _pymoo
    from mobench.searchers._population import starts as _starts

    operators = _pymoo.operators(
        run.space,
        crossover=crossover,
        crossover_probability=crossover_probability,
        begin=_starts.beginning(run, start),
    )
    _pymoo.drive(run, SMSEMOA(pop_size=population, n_offsprings=offspring, **operators))
