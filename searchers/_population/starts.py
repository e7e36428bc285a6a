"""Where a search begins: with architectures of a file, if one is given, then with uniform ones; all are paid for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mobench import Array, Run, read_architectures
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import untrained as _untrained


def beginning(run: Run, start: Path | None) -> Callable[[int], Array] | None:
    """What gives the first n architectures where a file is given; None where it is not."""
    return None if start is None else lambda n: first(run, n, start)


def given(run: Run, start: Path, n: int | None = None) -> Array:
    """Up to `n` architectures of the file, (k, d), all different; all of them where it is left out.

    Of a CSV they are the first ones; of a log those that NSGA-II would keep by the values that it tells (rank, then
    crowding distance; Deb et al. 2002). How many were taken is recorded.
    """
    X, F = read_architectures(start, run.space, run.objectives)
    n = len(X) if n is None else n
    order = _ranking.best(run.rng, F, n, _ranking.beyond_limits(F, run.objectives)) if F.shape[1] else slice(n)
    run.record(start=f"{len(X[order])} of {len(X)} architectures of {start.name}")
    chosen: Array = X[order]
    return chosen


def first(run: Run, n: int, start: Path | None, *, proxy: str | None = None, pool: int = 1) -> Array:
    """Up to `n` different architectures to ask for first, (k, d).

    Parameters
    ----------
    run : Run
        The problem; its stream draws what is uniform, and decides between equals of a log.
    n : int
        How many.
    start : Path, optional
        Its architectures come first, see `given`; uniform ones make up the rest.
    proxy, pool
        Where a proxy is named, what it prefers of a pool makes up the rest: see `untrained.begin`.
    """

    def more(n: int, known: Array) -> Array:
        if proxy is None or not n:
            return _genetics.sample_new(run.rng, run.space, n, known)
        return _untrained.begin(run, n, proxy, pool, known)

    if start is None:
        return more(n, np.empty(0, np.int64))
    X = given(run, start, n)
    return np.concatenate([X, more(n - len(X), run.space.key(X))])
