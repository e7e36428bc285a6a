"""NSGA-II on categorical genes: nondominated sorting and crowding distance, as array code (Deb et al. 2002)."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Interval

from mobench import ArchitectureFile, Proxy, Run
from mobench.searchers._population import starts as _starts
from mobench.searchers._population import untrained as _untrained
from mobench.searchers._population.generations import generations


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    mutation_rate: Annotated[float, Interval(gt=0, le=1)] | None = None,
    start: ArchitectureFile | None = None,
    proxy: Proxy | None = None,
    pool: Annotated[int, Interval(ge=1, le=10_000)] = 10,
    proposals: Annotated[int, Interval(ge=1, le=10_000)] = 4,
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
    proxy : str, optional
        A zero-cost proxy of the problem's, naswot say, that chooses the first population and among children; these are
        trained as ever, and it is paid for (docs/proxies.md).
    pool : int
        With a proxy: so many times as many architectures are scored as the first population holds, and the best of
        equal parts by multiply-adds taken; 1 takes uniform ones. 10; ours.
    proposals : int
        With a proxy: so many children are made of each that is wanted, and the one of the best score taken. 4; ours.
    """
    for X, _ in generations(
        run.rng,
        run.space,
        run.evaluate,
        population=population,
        begin=lambda: _starts.first(run, population, start, proxy=proxy, pool=pool),
        propose=None if proxy is None else lambda vary: _untrained.best_of(run, proxy, proposals, vary),
        objectives=run.objectives,
        crossover=crossover,
        crossover_probability=crossover_probability,
        mutation_rate=mutation_rate,
    ):
        run.record(population=X)
