"""The rows of a space that exist, where most do not: found by their genes, or the nearest to any."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mobench.core.mixing import splitmix64

__all__ = ["Pool", "read_only"]

Array = npt.NDArray[Any]


def read_only(numbers: Array) -> Array:
    """The same numbers in memory that nobody can make writeable: a problem, and so its space, serves many runs."""
    return np.frombuffer(numbers.tobytes(), dtype=numbers.dtype).reshape(numbers.shape)


@dataclass(frozen=True, eq=False)
class Pool:
    """N rows of a space, and where they are.

    Attributes
    ----------
    rows : Array
        (N, d) genes, all different.
    numbers : Array
        (N,) what tells the rows apart, int64; a row is known by it.
    cardinalities : Array
        (d,) how many values each gene takes.
    """

    rows: Array
    numbers: Array
    cardinalities: Array

    @cached_property
    def _order(self) -> Array:
        return read_only(np.argsort(self.numbers, kind="stable"))

    @cached_property
    def _ordered(self) -> Array:
        return read_only(self.numbers[self._order])

    @cached_property
    def _offsets(self) -> Array:
        return read_only(np.concatenate([[0], np.cumsum(self.cardinalities)[:-1]]))

    @cached_property
    def _one_hot(self) -> Array:
        return read_only(self._encode(self.rows).T.copy())

    def _encode(self, X: Array) -> Array:
        """One entry a gene and value, (n, sum of cardinalities): products count the genes in which rows agree."""
        encoded = np.zeros((len(X), int(self.cardinalities.sum())), dtype=np.float32)
        np.put_along_axis(encoded, X + self._offsets, np.float32(1.0), axis=1)
        return encoded

    def find(self, X: Array, numbers: Array) -> Array:
        """Which row is the nearest to each of (n, d) `X`, whose numbers are given; shape (n,)."""
        places = np.searchsorted(self._ordered, numbers).clip(max=len(self.rows) - 1)
        found: Array = self._order[places]
        if len(strange := np.flatnonzero(self._ordered[places] != numbers)):
            agree = self._encode(X[strange]) @ self._one_hot
            found[strange] = [self._first(a, 1, number)[0] for a, number in zip(agree, numbers[strange], strict=True)]
        return found

    def nearest(self, X: Array, numbers: Array, k: int) -> Array:
        """The `k` rows nearest to each of (n, d) `X`, the nearest first, which of an existing row is itself; (n, k)."""
        agree = self._encode(X) @ self._one_hot
        return np.array([self._first(a, k, number) for a, number in zip(agree, numbers, strict=True)])

    def _first(self, agree: Array, k: int, number: np.int64) -> Array:
        """The k rows that agree in the most genes; of equals those that come first in an order of this row's own."""
        least = np.partition(agree, -k)[-k]
        rows = np.flatnonzero(agree >= least)
        chance = splitmix64((self.numbers[rows] ^ number).view(np.uint64))
        chosen: Array = rows[np.lexsort((chance, -agree[rows]))[:k]]
        return chosen
