"""Who is better among points with several objectives, all minimised, within limits: ranks, crowding and spread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import moocore
import numpy as np

from mobench import Array, Objective, violation


def beyond_limits(F: Array, objectives: Sequence[Objective]) -> Array | None:
    """How far each row of (n, m) `F` is beyond limits (`mobench.violation`), (n,); None where there are none."""
    return violation(F, objectives) if any(objective.limit is not None for objective in objectives) else None


def ranks(F: Array, beyond: Array | None = None) -> Array:
    """Nondomination rank of each row of (n, m) `F`: 0 for the front, 1 for the front of the rest, and so on.

    One rank an item, not a sorted list of items: taking the one for the other puts the worst point first.

    Parameters
    ----------
    F : Array
        (n, m) minimised values.
    beyond : Array, optional
        (n,) how far rows are beyond limits: less of it is a better rank whatever the values, by which only rows that
        are equally far, the feasible ones for example, are compared (Deb et al. 2002, section VI-A).

    Returns
    -------
    Array
        (n,) int.

    Examples
    --------
    >>> ranks(np.array([[2.0, 2.0], [3.0, 3.0], [1.0, 1.0]])).tolist()
    [1, 2, 0]
    >>> ranks(np.array([[2.0, 2.0], [3.0, 3.0], [1.0, 1.0]]), np.array([0.0, 0.0, 0.1])).tolist()
    [0, 1, 2]
    """
    if beyond is None or not beyond.any():
        found: Array = moocore.pareto_rank(F) if len(F) else np.zeros(0, dtype=np.int64)
        return found
    rank, start = np.empty(len(F), dtype=np.int64), 0
    for amount in np.unique(beyond):
        rows = np.flatnonzero(beyond == amount)
        rank[rows] = start + moocore.pareto_rank(F[rows])
        start = int(rank[rows].max()) + 1
    return rank


def crowding(F: Array, rank: Array) -> Array:
    """Crowding distance of each row of (n, m) `F` within the front of its (n,) `rank` (Deb et al. 2002, section III-B).

    The extremes of a front have inf, the others the sum over objectives of (next - previous) / (max - min). An
    objective without range in a front counts nothing there; a row that repeats an earlier one has 0.

    Returns
    -------
    Array
        (n,) float.
    """
    distance = np.zeros(len(F))
    if not len(F):
        return distance
    order = np.lexsort((*F.T[::-1], rank))  # front by front; equal rows are neighbours
    G = F.T.take(order, axis=1)
    original = np.ones(len(F), dtype=bool)
    original[1:] = (G[:, 1:] != G[:, :-1]).any(axis=0)
    order = order.compress(original)
    distance[order] = _crowding(G.compress(original, axis=1), rank.take(order))
    return distance


def _crowding(G: Array, rank: Array) -> Array:
    """Crowding distances, (k,), of the columns of (m, k) `G`: fronts of distinct points, one behind the other.

    Within its front each point has its place by the first objective.
    """
    m, k = G.shape
    counts = np.bincount(rank)
    sizes = np.concatenate([counts[counts > 0]] * m)  # of each front in each objective: groups whose gaps are taken
    group = np.arange(len(sizes)).repeat(sizes)
    values = G.ravel()
    order = np.arange(m * k)
    order[k:] = k + np.lexsort((values[k:], group[k:]))
    V = values.take(order)
    last = sizes.cumsum() - 1
    first = last + 1 - sizes
    span = V.take(last) - V.take(first)
    span[span <= 0] = np.inf  # such an objective counts nothing
    gap = np.empty(m * k)
    np.divide(V[2:] - V[:-2], span.take(group[1:-1]), out=gap[1:-1])
    gap[first] = gap[last] = np.inf
    total: Array = np.bincount(order % k, gap, k)  # each point's gaps, summed over the objectives
    return total


def best(rng: np.random.Generator, F: Array, n: int, beyond: Array | None = None) -> Array:
    """Rows of the `n` best of `F` by rank, then crowding distance, then chance; the best first; shape (k,), k <= n.

    Only the fronts that hold the best have their crowding computed. `beyond` as of `ranks`.
    """
    rank = ranks(F, beyond)
    rows = np.arange(len(F))
    if n < len(F):
        rows = (rank <= np.partition(rank, n - 1)[n - 1]).nonzero()[0]
        rank, F = rank.take(rows), F.take(rows, axis=0)
    chance = rng.permutation(len(rows))  # before a stable sort: it decides between equals
    order = np.lexsort((-crowding(F, rank).take(chance), rank.take(chance)))[:n]
    found: Array = rows.take(chance.take(order))
    return found


def epsilon_net(F: Array) -> Iterator[int]:
    """Rows of (n, m) `F` so that each prefix covers the set well: every next row is the farthest from those before.

    Starts with the lowest first objective (ties: the lowest second one, and so on); distances are Euclidean with each
    objective scaled to [0, 1], equal ones taken in order of the rows.

    Yields
    ------
    int
        Every row once.
    """
    if not len(F):
        return
    low, high = F.min(axis=0), F.max(axis=0)
    N = (F - low) / np.where(high > low, high - low, 1.0)
    nearest = np.full(len(F), np.inf)
    row = int(np.lexsort(F.T[::-1])[0])
    for _ in range(len(F)):
        yield row
        nearest = np.minimum(nearest, ((N - N[row]) ** 2).sum(axis=1))
        nearest[row] = -1.0
        row = int(nearest.argmax())
