"""Answers: the randomness that each may use, and the memory of those already given."""

from __future__ import annotations

import functools
import itertools
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from mobench.core.mixing import GOLDEN, splitmix64
from mobench.core.space import Array

__all__ = ["Memory", "addresses", "problem_seed"]


def problem_seed(seed: int, label: str) -> int:
    """The number from which noise and supernets of a run derive: another one on each problem, so that luck is its own.

    Parameters
    ----------
    seed : int
        The run's.
    label : str
        Of the problem; without one, as for a problem that is only in memory, the seed itself is it.
    """
    if not label:
        return seed
    return int(np.random.SeedSequence([seed, zlib.crc32(label.encode())]).generate_state(1, np.uint64)[0]) >> 1


def addresses(seed: int, start: int, n: int) -> npt.NDArray[np.uint64]:
    """Randomness of answers `start` .. `start + n - 1`: one 64-bit seed each, a function of (seed, i) alone.

    The i-th output of SplitMix64 (Steele, Lea and Flood 2014) started at a state drawn from ``[seed, 1]``, so the
    noise of an answer depends neither on batching nor on workers nor on a resume.

    Returns
    -------
    Array
        (n,) uint64.
    """
    block, first = divmod(start, BLOCK)
    if first + n <= BLOCK:
        return _block(seed, block)[first : first + n]
    return _drawn(seed, start, n)


BLOCK = 1024
"""Addresses that are drawn together: most questions are about few architectures."""


@functools.lru_cache(maxsize=8)
def _block(seed: int, number: int) -> npt.NDArray[np.uint64]:
    found = _drawn(seed, number * BLOCK, BLOCK)
    found.flags.writeable = False
    return found


def _drawn(seed: int, start: int, n: int) -> npt.NDArray[np.uint64]:
    return splitmix64(_origin(seed) + np.arange(start + 1, start + n + 1, dtype=np.uint64) * GOLDEN)


@functools.cache
def _origin(seed: int) -> npt.NDArray[np.uint64]:
    origin: npt.NDArray[np.uint64] = np.random.SeedSequence([seed, 1]).generate_state(1, np.uint64).astype(np.uint64)
    return origin


_FIRST = np.zeros(1, dtype=np.int64)
_TABLE = 2**17
"""Most keys that there can be where each has a place in an array; of more, a dictionary alone knows those answered."""


class Memory:
    """The answers given at one fidelity: (n, m) values in order, and the row of each architecture's key.

    Parameters
    ----------
    m : int
        Objectives.
    below : int
        What all keys, from 0 on, are less than; 0 where that is not known.

    Attributes
    ----------
    ends : list of float
        On a simulated clock, when the training of each ends.
    """

    def __init__(self, m: int, below: int = 0) -> None:
        self.F = np.empty((256, m))
        self.n = 0
        self.ends: list[float] = []
        self._known = 0  # keys that have a row, of answers still to come, too
        self._rows: dict[int, int] = {}
        self._table = np.full(below if below <= _TABLE else 0, -1, dtype=np.int64)  # instead, where keys are few

    def row(self, key: int) -> int:
        """The row of the answer to a key; -1 where it has none."""
        return int(self._table[key]) if len(self._table) else self._rows.get(key, -1)

    def __contains__(self, key: Any) -> bool:
        return self.row(key) >= 0

    def recognise(self, keys: Array) -> tuple[Array, Array]:
        """Rows of the answers to `keys`, (k,), and which of the keys are new: their answers must be added next."""
        before = self._known
        if len(keys) == 1:  # as many searchers ask
            known: dict[int, int] | Array = self._table if len(self._table) else self._rows
            if (row := self.row(key := int(keys[0]))) >= 0:
                return np.array([row]), _FIRST[:0]
            known[key] = before
            self._known += 1
            return np.array([before]), _FIRST
        if len(self._table):
            return self._looked_up(keys)
        known = self._rows
        rows = np.array([known.setdefault(key, len(known)) for key in keys.tolist()], dtype=np.int64)
        self._known = len(known)
        new = (rows >= before).nonzero()[0]
        if self._known - before < len(new):  # rows count upwards: each is new where it comes first
            highest = np.maximum.accumulate(rows[new])
            new = new[np.diff(highest, prepend=before - 1) > 0]
        return rows, new

    def _looked_up(self, keys: Array) -> tuple[Array, Array]:
        """What `recognise` returns, in a third of its time."""
        table = self._table
        new = (table.take(keys) < 0).nonzero()[0]
        if len(new):
            unknown = keys.take(new)
            numbers = np.arange(self._known, self._known + len(new))
            table[unknown[::-1]] = numbers[::-1]  # of equal keys the first is written last, and stays
            first = table.take(unknown) == numbers
            if not first.all():
                new = new.compress(first)
                numbers = numbers[: len(new)]
                table[unknown.compress(first)] = numbers
            self._known += len(new)
        return table.take(keys), new

    def add(self, F: Array) -> None:
        """Append (k, m) answers to new keys."""
        while self.n + len(F) > len(self.F):
            self.F = np.concatenate([self.F, np.empty_like(self.F)])
        self.F[self.n : self.n + len(F)] = F
        self.n += len(F)

    def settle(self) -> None:
        """Forget the keys whose answers never came (the budget ended, or the problem refused)."""
        if self._known > self.n:
            self._known = self.n
            self._rows = dict(itertools.islice(self._rows.items(), self.n))
            self._table[self._table >= self.n] = -1
