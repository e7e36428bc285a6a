"""Who leaves a population: the last fronts, and who contributes least hypervolume (Beume et al. 2007)."""

from __future__ import annotations

import moocore

from mobench import Array
from mobench.searchers._population import ranking as _ranking

REFERENCE = 11.0
"""Reference point in units of the population (ideal 0, nadir 1), as in pymoo: so far that extremes stay."""


def leaving(N: Array, n: int, beyond: Array | None = None) -> list[int]:
    """Rows that leave so that `n` of (k, m) `N` stay: the last fronts, and who contributes least to the one before.

    Algorithm 2 of the paper, repeated where more than one has to leave. Of equal contributions the first goes.

    Parameters
    ----------
    N : Array
        Values in units of the members' ideal point (0) and nadir (1), members first.
    beyond : Array, optional
        (k,) how far rows are beyond limits.
    """
    rank = _ranking.ranks(N, beyond)
    leave: list[int] = []
    while (surplus := len(N) - n - len(leave)) > 0:
        front = (rank == rank.max()).nonzero()[0]
        if len(front) > surplus:
            front = front[[moocore.hv_contributions(N.take(front, axis=0), ref=REFERENCE).argmin()]]
        rank[front] = -1
        leave += front.tolist()
    return leave
