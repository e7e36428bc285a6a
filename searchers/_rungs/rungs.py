"""Rungs and brackets of successive halving, and who climbs: several objectives, one of which the epochs decide."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mobench import Array, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking

__all__ = ["brackets", "climb", "promoted", "rounds", "rungs"]

IDLE = 20
"""Rounds over a whole space that were charged nothing, behind which no other is expected to be."""


def rungs(fidelities: Sequence[int], eta: float) -> list[int]:
    """Fidelities to climb, ascending: of R, R/eta, R/eta^2, ... the nearest on offer by ratio, each once.

    Parameters
    ----------
    fidelities : sequence of int
        Epochs on offer, ascending; the last is R.
    eta : float
        Reduction factor.

    Returns
    -------
    list of int
        At least one, the last is R.

    Examples
    --------
    >>> rungs(range(1, 28), 3), rungs(range(1, 13), 3), rungs([12, 200], 3)
    ([1, 3, 9, 27], [1, 4, 12], [12, 200])
    """
    top, least = fidelities[-1], fidelities[0]
    if all(eta <= math.sqrt(more / less) for less, more in itertools.pairwise(fidelities)):
        return list(fidelities)  # steps of half a gap meet each, and there may be millions of them
    count = int(math.log(top / least) / math.log(eta) + 1e-9)
    wanted = [top / eta**k for k in range(count + 1)]
    return sorted({min(fidelities, key=lambda offer, r=r: (abs(math.log(offer / r)), offer)) for r in wanted})  # type: ignore[misc]


def brackets(count: int, eta: float) -> list[tuple[int, int]]:
    """Hyperband's brackets over `count` rungs, most exploring first: architectures, and the rung they begin at.

    With s_max = count - 1, bracket s has ceil((s_max + 1) / (s + 1) eta^s) architectures and begins s rungs below the
    top (Li et al. 2018, algorithm 1).

    Examples
    --------
    >>> brackets(4, 3)
    [(27, 0), (12, 1), (6, 2), (4, 3)]
    """
    return [(math.ceil(count / (s + 1) * eta**s - 1e-9), count - 1 - s) for s in reversed(range(count))]


def promoted(rng: np.random.Generator, F: Array, n: int, *, quota: float, beyond: Array | None = None) -> Array:
    """Rows of (k, m) `F` that go on, (n,), best first.

    All but the quota go by nondomination rank, then by place in the epsilon-net of their front (Schmucker et al. 2021).
    Costs are the same after every epoch, so cheap architectures are nondominated from the first rung to the last
    whatever their error: the quota of the places goes to the lowest first objective among the rest.

    Parameters
    ----------
    quota : float
        Share of the places, rounded down, that is given by the first objective alone.
    beyond : Array, optional
        (k,) how far rows are beyond limits: less is better before all else.
    """
    by_error = int(quota * n)
    rank = _ranking.ranks(F, beyond)
    chosen: list[int] = []
    for r in range(int(rank.max()) + 1 if len(F) else 0):
        front = np.flatnonzero(rank == r)
        chosen += [int(front[i]) for i in _ranking.epsilon_net(F[front])]
        if len(chosen) >= n - by_error:
            break
    chosen = chosen[: n - by_error]
    rest = np.setdiff1d(np.arange(len(F)), chosen)
    rest = rest[rng.permutation(len(rest))]  # before a stable sort: chance decides between equals
    far = np.zeros(len(rest)) if beyond is None else beyond[rest]
    return np.array([*chosen, *rest[np.lexsort((F[rest, 0], far))[:by_error]]], dtype=np.int64)


def climb(
    run: Run,
    steps: Sequence[int],
    n: int,
    *,
    eta: float,
    quota: float,
    begin: Callable[[int], Array] | None = None,
) -> Iterator[tuple[int, Array, Array]]:
    """One bracket of successive halving: `n` new architectures up the rungs, floor(n / eta^k) of them k rungs on.

    Where that is none, one goes on: a bracket ends at the top, however few begin it and whatever fraction eta has.

    Parameters
    ----------
    begin : callable, optional
        Gives up to so many different architectures to begin with, (k, d); uniform ones when left out.

    Yields
    ------
    fidelity, X, F : int, Array, Array
        Each rung, the (k, d) architectures that were answered there and their (k, m) values; nothing where the space
        holds no new one.
    """
    X = begin(n) if begin else _genetics.sample_new(run.rng, run.space, n, np.empty(0, np.int64))
    begun = len(X)
    for k, fidelity in enumerate(steps, start=1):
        if not len(X):
            return
        F = run.evaluate(X, fidelity=fidelity)
        yield fidelity, X, F
        beyond = _ranking.beyond_limits(F, run.objectives)
        on = max(int(begun / eta**k + 1e-9), int(k < len(steps)))
        X = X[promoted(run.rng, F, on, quota=quota, beyond=beyond)]


def rounds(run: Run, steps: Sequence[int], n: int) -> Iterator[None]:
    """Begin one round of brackets after the other while there is something to learn.

    They end behind a round that was charged nothing where every architecture is known on every rung; and where all of
    its brackets begin with the whole space, behind `IDLE` such rounds, as chance decides between equals.

    Parameters
    ----------
    n : int
        With how many architectures the least bracket of a round begins.
    """
    size, idle = run.space.size, 0
    while True:
        before = run.spent.evaluations
        yield
        idle = idle + 1 if run.spent.evaluations == before else 0
        if idle >= (1 if before >= size * len(steps) else IDLE if size <= n else math.inf):
            return
