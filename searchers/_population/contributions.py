"""Who leaves a population: the last fronts, and who contributes least hypervolume (Beume et al. 2007)."""

from __future__ import annotations

import moocore
import numpy as np

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
    if len(N) <= n:
        return []
    rank = _ranking.ranks(N, beyond)
    last = np.partition(rank, n - 1)[n - 1]
    leave: list[int] = (rank > last).nonzero()[0].tolist()
    if len(leave) == len(N) - n:
        return leave
    front = (rank == last).nonzero()[0]
    reference = np.full(N.shape[1], REFERENCE)
    while len(leave) < len(N) - n:
        least = int(moocore.hv_contributions(N[front], ref=reference).argmin())
        leave.append(int(front[least]))
        front = np.delete(front, least)
    return leave
