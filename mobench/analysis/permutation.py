"""Exact tests by permutation: two searchers on one problem, and over several; ties are part of them.

On each problem the labels of the runs are exchanged. Where runs of one seed may be alike on different problems (logs
whose searchers had one stream for all problems) a seed's labels are exchanged on all of them at once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from mobench.core.space import Array

__all__ = ["least_p_value", "rank_sum", "rank_sums", "sign_flips"]

DRAWS = 20_000
"""Permutations drawn where there are too many to be counted."""
CELLS = 2**23
"""Of the largest table by which sums are counted, and numbers drawn at a time: 64 MiB."""
MOST = 1e300
"""Subsets that can be counted: a few more are beyond floating point."""


def rank_sum(x: Array, y: Array) -> float:
    """Two-sided p-value that (n,) `x` and (m,) `y` are exchangeable: Mann-Whitney's test, exact under any ties.

    The distribution of the sum of midranks over all ways to choose n of the n + m runs is counted (Streitberg and
    Roehmel 1986). 1 where either side is empty or all values are equal.

    Examples
    --------
    >>> rank_sum(np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0]))
    0.1
    """
    return rank_sums({"": (x, y)})


def rank_sums(pairs: Mapping[str, tuple[Array, Array]]) -> float:
    """Two-sided p-value that the runs of two searchers are exchangeable on every problem: rank sums, added up.

    Each problem weighs the same: the statistic is the mean over problems of A12 - 1/2. Its distribution is counted
    where all problems have the same numbers of runs, else drawn (Van Elteren 1960, with equal weights); drawn, too,
    where the table of sums, whose size grows with the cube of the runs, would be too large: beyond 177 runs of either
    searcher, or more where values are tied, 500 at most.

    Parameters
    ----------
    pairs : mapping of str to (Array, Array)
        Problem to the runs, (n,) and (m,), of the two searchers.
    """
    found = [_doubled(x, y) for x, y in pairs.values() if len(x) and len(y)]
    shapes = {(n, m) for _, n, m in found}
    if len(shapes) != 1:
        return _drawn(found)
    ((n, _),) = shapes
    unit = math.gcd(*(int(np.gcd.reduce(ranks - ranks.min())) for ranks, *_ in found)) or 1
    stepped = [(ranks - ranks.min()) // unit for ranks, *_ in found]  # the same distribution, with the fewest sums
    largest = max((n + 1) * (int(np.sort(steps)[-n:].sum()) + 1) for steps in stepped)
    if largest > CELLS or math.comb(len(stepped[0]), n) > MOST:
        return _drawn(found)
    counts, observed, centre = np.ones(1), 0.0, 0.0
    for steps in stepped:
        counts = np.convolve(counts, _sums(tuple(sorted(steps.tolist())), n))
        observed += float(steps[:n].sum())
        centre += n * float(steps.mean())
    far = np.abs(np.arange(len(counts)) - centre) >= abs(observed - centre) - 1e-6
    return float(min(1.0, counts[far].sum() / counts.sum()))


def _doubled(x: Array, y: Array) -> tuple[Array, int, int]:
    """Twice the midranks of both sides, whole numbers; those of `x` first."""
    ranks: Array = np.rint(2.0 * rankdata(np.round(np.concatenate([x, y]), 12))).astype(np.int64)
    return ranks, len(x), len(y)


@functools.lru_cache(maxsize=1024)  # without ties all pairs of as many runs have the same ranks
def _sums(ranks: tuple[int, ...], n: int) -> Array:
    """Share of the subsets of size n that have each sum, by dynamic programming; (largest sum + 1,). Ranks ascend."""
    top = sum(ranks[-n:])
    ways = np.zeros((n + 1, top + 1))
    ways[0, 0] = 1.0
    reached = 0
    for i, rank in enumerate(ranks, start=1):
        few, many = max(1, n - len(ranks) + i), min(i, n)  # sizes that can become n, of those that there are by now
        reached = min(reached + rank, top)
        ways[few : many + 1, rank : reached + 1] += ways[few - 1 : many, : reached + 1 - rank]
    shares: Array = ways[n] / ways[n].sum()
    return shares


def _drawn(found: Sequence[tuple[Array, int, int]]) -> float:
    """The same statistic over random exchanges."""
    if not found:
        return 1.0
    rng = np.random.default_rng(0)
    observed, draws = 0.0, np.zeros(DRAWS)
    for ranks, n, m in found:
        centre, scale = n * (n + m + 1.0), 2.0 * n * m
        observed += (float(ranks[:n].sum()) - centre) / scale
        values, counts = np.unique(ranks, return_counts=True)  # how many of each value one side gets is all that counts
        for rows in _batches(len(values)):
            mine = rng.multivariate_hypergeometric(counts, n, size=len(draws[rows]), method="marginals")
            draws[rows] += (mine @ values - centre) / scale
    return float((1 + (np.abs(draws) >= abs(observed) - 1e-12).sum()) / (DRAWS + 1))


def _batches(width: int) -> Iterator[slice]:
    """Rows of all draws, as many at a time as have `CELLS` numbers; the generator gives the same as all at once."""
    rows = max(1, CELLS // width)
    return (slice(begin, begin + rows) for begin in range(0, DRAWS, rows))


def sign_flips(differences: Array) -> float:
    """Two-sided p-value that (n,) differences, one a seed, are symmetric about 0: all 2^n signs, or many of them."""
    d = np.asarray(differences, dtype=np.float64)
    if not np.any(np.abs(d) > 1e-12):
        return 1.0
    n = len(d)
    if n <= 16:
        signs = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float((np.abs(signs @ d) >= abs(d.sum()) - 1e-12).mean())
    rng, draws = np.random.default_rng(0), np.zeros(DRAWS)
    for rows in _batches(n):
        draws[rows] = rng.choice([-1.0, 1.0], (len(draws[rows]), n)) @ d
    return float((1 + (np.abs(draws) >= abs(d.sum()) - 1e-12).sum()) / (DRAWS + 1))


def least_p_value(sizes: Sequence[tuple[int, int]], *, alike: bool) -> float:
    """The smallest p-value that so many runs can reach, before any correction: a test below it cannot say anything.

    Parameters
    ----------
    sizes : sequence of (int, int)
        Runs of either searcher on each problem.
    alike : bool
        Whether the signs of seeds are flipped, on all problems at once.

    Examples
    --------
    >>> least_p_value([(3, 3)], alike=False), least_p_value([(5, 5)] * 8, alike=True)
    (0.1, 0.0625)
    """
    if alike:
        return min(1.0, 2.0 ** (1 - min(map(min, sizes))))
    tails = 2 if all(n == m for n, m in sizes) else 1  # ties can leave unequal numbers with one of them
    return min(1.0, tails / math.prod(math.comb(n + m, n) for n, m in sizes))
