"""NSGA-II on categorical genes: nondominated sorting and crowding distance, as array code (Deb et al. 2002)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Interval

from mobench import Run
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.generations import generations


def search(
    run: Run,
    *,
    population: Annotated[int, Ge(2)] = 20,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    mutation_rate: Annotated[float, Interval(gt=0, le=1)] | None = None,
    start: Path | None = None,
) -> None:
    """Evolve a population until the budget is spent, or until mating finds nothing that is not in the population.

    Limits on objectives are kept by constraint domination (the paper's section VI-A).

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors, and children a generation. 20 as in Syne Tune: the paper's 100 is a whole NAS budget.
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in Syswerda 1989.
    crossover_probability : float
        How often two parents mix; 0.9 in the paper.
    mutation_rate : float, optional
        Probability of a gene to change, always to a different value; one over the number of genes, as in the paper, if
        left out. Simulated binary crossover and polynomial mutation make no sense for numbers of operations.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    for X, _ in generations(
        run.rng,
        run.space,
        run.evaluate,
        population=population,
        begin=lambda: _starts.first(run, population, start),
        objectives=run.objectives,
        crossover=crossover,
        crossover_probability=crossover_probability,
        mutation_rate=mutation_rate,
    ):
        run.record(population=X)
