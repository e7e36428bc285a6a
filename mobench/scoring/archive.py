"""The nondominated set of answers as they come, one at a time; repeated answers of an architecture are averaged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mobench.core.indicators import nondominated
from mobench.core.space import Array

__all__ = ["archives"]

BLOCK = 64
"""Answers looked at together: those that the archive already dominates are dropped at once."""


def archives(F: Array, which: Array, begun: Array, later: Array) -> Iterator[tuple[int, Array]]:
    """Yield the archive wherever it changes.

    Parameters
    ----------
    F, which : Array
        (R, m) minimised values of all answers, and (R,) the architecture of each.
    begun, later : Array
        Rows that are there from the beginning, and rows that come one after the other.

    Yields
    ------
    number, members : int, Array
        How many of `later` had come (0: the beginning, left out where it holds nothing), and the (k,) architectures of
        the nondominated set from then on.
    """
    rows = np.concatenate([begun, later])
    repeated = len(np.unique(which[rows])) < len(rows)
    yield from (_averaged if repeated else _each_once)(F, which, begun, later)


def _each_once(F: Array, which: Array, begun: Array, later: Array) -> Iterator[tuple[int, Array]]:
    archive = begun[nondominated(F[begun])] if len(begun) else begun
    if len(archive):
        yield 0, which[archive]
    for start in range(0, len(later), BLOCK):
        part = later[start : start + BLOCK]
        hopeful = part if not len(archive) else part[~dominated(F[part], F[archive])]
        for row in hopeful:
            point = F[row][None]
            if len(archive):
                if dominated(point, F[archive])[0]:
                    continue
                archive = archive[~dominated(F[archive], point)]
            archive = np.append(archive, row)
            yield int(np.searchsorted(later, row)) + 1, which[archive]


def _averaged(F: Array, which: Array, begun: Array, later: Array) -> Iterator[tuple[int, Array]]:
    known, group = np.unique(which[np.concatenate([begun, later])], return_inverse=True)
    sums, counts = np.zeros((len(known), F.shape[1])), np.zeros(len(known))
    np.add.at(sums, group[: len(begun)], F[begun])
    np.add.at(counts, group[: len(begun)], 1.0)
    means = np.full_like(sums, np.inf)
    there = counts > 0
    means[there] = sums[there] / counts[there, None]
    archive = np.flatnonzero(there)
    archive = archive[nondominated(means[archive])] if len(archive) else archive
    if len(archive):
        yield 0, known[archive]
    for number, (k, row) in enumerate(zip(group[len(begun) :].tolist(), later.tolist(), strict=True), start=1):
        before, member = means[k].copy(), bool((archive == k).any())
        sums[k] += F[row]
        counts[k] += 1.0
        means[k] = sums[k] / counts[k]
        if member and (means[k] > before).any():  # it holds back less than it did: others may come back
            every = np.flatnonzero(counts > 0)
            found = every[nondominated(means[every])]
        else:
            rest = archive[archive != k]
            point = means[k][None]
            if len(rest) and dominated(point, means[rest])[0]:
                found = rest
            else:
                found = np.append(rest[~dominated(means[rest], point)] if len(rest) else rest, k)
        if set(found.tolist()) != set(archive.tolist()):
            yield number, known[found]
        archive = found


def dominated(F: Array, by: Array) -> Array:
    """Which rows of (n, m) `F` some row of (k, m) `by` dominates."""
    better = np.logical_and((by[None] <= F[:, None]).all(axis=2), (by[None] < F[:, None]).any(axis=2))
    mask: Array = np.any(better, axis=1)
    return mask
