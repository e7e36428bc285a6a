"""The nondominated set of answers as they come, one at a time, within limits; repeated answers are averaged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mobench.core.indicators import nondominated
from mobench.core.space import Array

__all__ = ["Means", "archives"]

BLOCK = 64
"""Answers looked at together: those that the archive already dominates are dropped at once."""


def archives(
    F: Array, which: Array, begun: Array, later: Array, *, most: Array | None = None
) -> Iterator[tuple[int, Array]]:
    """Yield the archive wherever it changes.

    Parameters
    ----------
    F, which : Array
        (R, m) minimised values of all answers, and (R,) the architecture of each.
    begun, later : Array
        Rows that are there from the beginning, and rows that come one after the other.
    most : Array, optional
        (m,) the most that values, or their means, may be; what is beyond is not in the archive.

    Yields
    ------
    number, members : int, Array
        How many of `later` had come (0: the beginning, which comes first even where it holds nothing), and the (k,)
        architectures of the archive from then on.
    """
    rows = np.concatenate([begun, later])
    most = np.full(F.shape[1], np.inf) if most is None else most
    repeated = len(np.unique(which[rows])) < len(rows)
    yield from (_averaged if repeated else _each_once)(F, which, begun, later, most)


def _each_once(F: Array, which: Array, begun: Array, later: Array, most: Array) -> Iterator[tuple[int, Array]]:
    inside: Array = np.all(F <= most, axis=1)  # the nondominated ones within are those of all that is within
    begun = begun[inside[begun]]
    archive = begun[nondominated(F[begun])] if len(begun) else begun
    yield 0, which[archive]
    for start in range(0, len(later), BLOCK):
        numbers = start + np.flatnonzero(inside[later[start : start + BLOCK]])
        numbers = numbers[~dominated(F[later[numbers]], F[archive])]
        numbers = numbers[~np.triu(_dominates(F[later[numbers]], F[later[numbers]])).any(axis=0)]  # by earlier ones
        if not len(numbers):
            continue
        pool = np.concatenate([archive, later[numbers]])
        drives_out = _dominates(F[later[numbers]], F[pool])
        gone = np.where(drives_out.any(axis=0), drives_out.argmax(axis=0), len(numbers))
        came = np.concatenate([np.full(len(archive), -1), np.arange(len(numbers))])
        for i, number in enumerate(numbers.tolist()):
            archive = pool[(came <= i) & (i < gone)]
            yield number + 1, which[archive]


def _averaged(F: Array, which: Array, begun: Array, later: Array, most: Array) -> Iterator[tuple[int, Array]]:
    known, group = np.unique(which[np.concatenate([begun, later])], return_inverse=True)
    averages = Means(len(known), most)
    averages.add(group[: len(begun)], F[begun])
    means = averages.means
    archive = np.flatnonzero(averages.counts)
    archive = archive[nondominated(means[archive])] if len(archive) else archive
    held = averages.within(archive).tolist()
    yield 0, known[held]
    for number, (k, row) in enumerate(zip(group[len(begun) :].tolist(), later.tolist(), strict=True), start=1):
        before, member = means[k].copy(), bool((archive == k).any())
        averages.add_one(k, F[row])
        if member and (means[k] > before).any():  # it holds back less than it did: others may come back
            every = np.flatnonzero(averages.counts)
            found = every[nondominated(means[every])]
        else:
            rest = archive[archive != k]
            point = means[k][None]
            if len(rest) and dominated(point, means[rest])[0]:
                found = rest
            else:
                found = np.append(rest[~dominated(means[rest], point)] if len(rest) else rest, k)
        archive, now = found, averages.within(found).tolist()  # a mean may cross a limit and stay nondominated
        if set(now) != set(held):
            yield number, known[now]
        held = now


class Means:
    """Means of repeated answers to n architectures, and which of them are within limits.

    Attributes
    ----------
    counts, means : Array
        (n,) answers so far, and their (n, m) means; infinite where there are none.
    """

    def __init__(self, n: int, most: Array) -> None:
        self.counts, self.means = np.zeros(n), np.full((n, len(most)), np.inf)
        self._sums = np.zeros_like(self.means)
        self._most, self._limited = most, bool(np.isfinite(most).any())
        self._low, self._high = np.full_like(self.means, np.inf), np.full_like(self.means, -np.inf)

    def add(self, which: Array, F: Array) -> None:
        """Add (k, m) answers to the (k,) architectures `which`."""
        np.add.at(self._sums, which, F)
        np.add.at(self.counts, which, 1.0)
        rows = np.unique(which)
        self.means[rows] = self._sums[rows] / self.counts[rows, None]
        if self._limited:
            np.minimum.at(self._low, which, F)
            np.maximum.at(self._high, which, F)

    def add_one(self, which: int, point: Array) -> None:
        """Add one answer, (m,), to an architecture."""
        self._sums[which] += point
        self.counts[which] += 1.0
        self.means[which] = self._sums[which] / self.counts[which]
        if self._limited:
            self._low[which] = np.minimum(self._low[which], point)
            self._high[which] = np.maximum(self._high[which], point)

    def within(self, rows: Array) -> Array:
        """Those of `rows` whose means are within all limits."""
        if not self._limited:
            return rows
        exact = np.clip(
            self.means[rows], self._low[rows], self._high[rows]
        )  # rounding takes no mean beyond its answers
        inside: Array = np.all(exact <= self._most, axis=1)
        return rows[inside]


def dominated(F: Array, by: Array) -> Array:
    """Which rows of (n, m) `F` some row of (k, m) `by` dominates."""
    mask: Array = np.any(_dominates(by, F), axis=0)
    return mask


def _dominates(by: Array, F: Array) -> Array:
    """Which of (k, m) `by` dominate which of (n, m) `F`; (k, n), bool. Equal ones do not dominate each other."""
    no_worse, better = np.ones((len(by), len(F)), dtype=bool), np.zeros((len(by), len(F)), dtype=bool)
    for mine, values in zip(by.T[:, :, None], F.T, strict=True):  # a column at a time is ten times as fast
        no_worse &= mine <= values
        better |= mine < values
    found: Array = no_worse & better
    return found
