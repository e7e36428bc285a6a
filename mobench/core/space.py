"""Spaces of architectures: rows of integers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "Keys", "Space"]


Array = npt.NDArray[Any]


Keys = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Space:
    """Architectures as integer rows: gene j of a row takes the values 0 .. cardinalities[j] - 1.

    Parameters
    ----------
    cardinalities : tuple of int
        How many values each gene takes, each at least 1; d genes in all, fewer than 2**62 architectures.
    names : tuple of str, optional
        One name a gene; ``x0 .. x{d-1}`` when left out.
    classes : callable, optional
        ``(n, d) -> (n,)`` int64 keys that equal networks share (isomorphic cells, say). Without it every row is
        its own class, numbered in lexicographic order.

    Raises
    ------
    ValueError
        A cardinality below 1, a wrong number of names, or too large a space.
    """

    cardinalities: tuple[int, ...]
    names: tuple[str, ...] = ()
    classes: Callable[[Array], Keys] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cardinalities", tuple(self.cardinalities))  # a list could be written
        object.__setattr__(self, "names", tuple(self.names))
        if not self.cardinalities or min(self.cardinalities) < 1:
            raise ValueError(f"cardinalities: each gene needs at least 1 value, found {self.cardinalities}")
        if not self.names:
            object.__setattr__(self, "names", tuple(f"x{j}" for j in range(len(self.cardinalities))))
        if len(self.names) != len(self.cardinalities):
            raise ValueError(f"names: expected {len(self.cardinalities)}, one a gene, found {len(self.names)}")
        if self.size >= 2**62:
            raise ValueError(f"cardinalities: {self.size:.3g} architectures are too many to number; the limit is 2**62")

    @cached_property
    def size(self) -> int:
        """Number of rows of the space."""
        return math.prod(self.cardinalities)

    @cached_property
    def _bounds(self) -> Array:
        return _read_only(np.array(self.cardinalities, dtype=np.int64))

    @cached_property
    def _strides(self) -> Array:
        return _read_only(np.concatenate([np.cumprod(self._bounds[:0:-1])[::-1], [1]]).astype(np.int64))

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw `n` uniform architectures with replacement; shape (n, d), int64."""
        # floor(u c) < c for every double u < 1, and three times as fast as integers() with many bounds
        rows: Array = (rng.random((n, len(self.cardinalities))) * self._bounds).astype(np.int64)
        return rows

    def neighbours(self, x: Array) -> Array:
        """List all rows that differ from `x`, shape (d,), in exactly one gene; shape (sum(c - 1), d)."""
        genes = np.repeat(np.arange(len(self.cardinalities)), self._bounds - 1)
        shifts = np.concatenate([np.arange(1, c) for c in self.cardinalities])
        rows = np.tile(np.asarray(x, dtype=np.int64), (len(genes), 1))
        rows[np.arange(len(genes)), genes] = (rows[np.arange(len(genes)), genes] + shifts) % self._bounds[genes]
        return rows

    def check(self, X: npt.ArrayLike) -> Array:
        """Return `X` as an (n, d) int64 array, or say which row is wrong.

        Raises
        ------
        TypeError
            `X` is not made of integers.
        ValueError
            `X` has the wrong shape, or a gene is out of range; the message names the first bad row and gene.
        """
        X = np.asarray(X)
        d = len(self.cardinalities)
        if X.ndim == 1 and X.size == d:
            X = X[None, :]
        if X.ndim != 2 or X.shape[1] != d:
            raise ValueError(f"X: expected shape (n, {d}), one row an architecture, found {X.shape}")
        if X.dtype.kind not in "iu":
            raise TypeError(f"X: expected integer genes, found dtype {X.dtype}; round and cast before asking")
        X = X.astype(np.int64, copy=False)
        if X.size and not (X.min() >= 0 and (self._bounds > X).all()):
            row, gene = (int(i) for i in np.argwhere((X < 0) | (self._bounds <= X))[0])
            raise ValueError(
                f"X: row {row}, gene {self.names[gene]!r} is {X[row, gene]}, "
                f"expected 0 to {self.cardinalities[gene] - 1}"
            )
        return X

    def index(self, X: Array) -> Keys:
        """Lexicographic row numbers of (n, d) architectures (the first gene is the most significant); shape (n,)."""
        numbers: Keys = X @ self._strides
        return numbers

    def at(self, numbers: Array) -> Array:
        """Architectures of lexicographic row numbers: the inverse of `index`; shape (n, d)."""
        rows: Array = np.asarray(numbers, dtype=np.int64)[:, None] // self._strides % self._bounds
        return rows

    def key(self, X: Array) -> Keys:
        """Identity of each (n, d) architecture: its class where the space has classes, else its number; shape (n,)."""
        return self.index(X) if self.classes is None else self.classes(X)

    def all(self) -> Array:
        """Every architecture in lexicographic order; shape (size, d).

        Raises
        ------
        ValueError
            The space has more than ten million rows.
        """
        if self.size > 10_000_000:
            raise ValueError(f"space: {self.size:.3g} architectures are too many to list; the limit is 10,000,000")
        return self.at(np.arange(self.size))


def _read_only(numbers: Keys) -> Keys:
    """The same numbers in memory that nobody can make writeable: a problem, and so its space, serves many runs."""
    return np.frombuffer(numbers.tobytes(), dtype=numbers.dtype)
