"""Regularised evolution for several objectives: tournament parent, one mutation, the oldest dies (Real et al. 2019)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Proxy, Run, violation
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population import untrained as _untrained


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=1, le=100_000)] = 30,
    sample: Annotated[int, Interval(ge=1, le=1_000_000)] = 10,
    start: ArchitectureFile | None = None,
    proxy: Proxy | None = None,
    pool: Annotated[int, Interval(ge=1, le=10_000)] = 10,
    proposals: Annotated[int, Interval(ge=1, le=10_000)] = 4,
) -> None:
    """Age a population, one child at a time, until the budget is spent.

    Workers of a simulated clock have a child each, and the next one as soon as they are free (Real et al., section 3).

    The parent is the best of a sample by rank in the population, then by place in the epsilon-net of its front, the
    priority of the multi-objective version in Syne Tune (Schmucker et al. 2021) without its defect: Syne Tune sorts
    the items and takes places in the sorted list for priorities of the items, which makes bad parents of good ones.
    Members beyond limits on objectives rank behind those within them, by how far they are (Deb et al. 2002).

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Members: 30, as NASLib has it for NAS-Bench-201 and naszilla everywhere. They should be at most a fifth of the
        budget, since the first ones are random: the 100 of Real et al. and of Syne Tune turn a NAS budget into random
        search.
    sample : int
        Members, drawn with replacement, among which the parent is chosen: 10, as in NASLib, naszilla and Syne Tune.
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

    def one_change(_X: Array, parents: Array, _: Array) -> Array:
        return _genetics.mutate_one(run.rng, parents, run.space)

    vary = one_change if proxy is None else _untrained.best_of(run, proxy, proposals, one_change)
    X = _starts.first(run, population, start, proxy=proxy, pool=pool)
    F = run.evaluate(X)
    beyond = _ranking.beyond_limits(F, run.objectives)
    while True:
        run.record(population=X)
        for oldest in range(len(X)):  # a ring: the row that was written first is overwritten first
            while run.running < run.workers:
                candidates = run.rng.integers(0, len(X), size=sample)
                parent = X[[_parent(F, beyond, candidates)]]
                run.submit(vary(X, parent, parent))
            X[oldest], F[oldest], _ = run.wait()
            if beyond is not None:
                beyond[oldest] = violation(F[[oldest]], run.objectives)[0]


def _parent(F: Array, beyond: Array | None, candidates: Array) -> int:
    """The best of the rows `candidates`, (k,), of the population's values, (n, m), and how far these are beyond limits.

    The lowest rank comes first, then spread.
    """
    rank = _ranking.ranks(F, beyond)
    front = np.flatnonzero(rank == rank[candidates].min())
    drawn = np.zeros(len(F), dtype=bool)
    drawn[candidates] = True
    return int(next(front[i] for i in _ranking.epsilon_net(F[front]) if drawn[front[i]]))
