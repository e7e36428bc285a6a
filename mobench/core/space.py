"""Spaces of architectures: rows of integers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mobench.core.mixing import GOLDEN, splitmix64
from mobench.core.pool import Pool, read_only

__all__ = ["Array", "Keys", "Space"]


Array = npt.NDArray[Any]


Keys = npt.NDArray[np.int64]

NUMBERED = 2**62
"""Spaces of fewer rows number them; in larger ones a row is known by 64 bits of its genes."""


@dataclass(frozen=True)
class Space:
    """Architectures as integer rows: gene j of a row takes the values 0 .. cardinalities[j] - 1.

    Parameters
    ----------
    cardinalities : tuple of int
        How many values each gene takes, each at least 1; d genes in all.
    names : tuple of str, optional
        One name a gene; ``x0 .. x{d-1}`` when left out.
    classes : callable, optional
        ``(n, d) -> (n,)`` int64 keys that equal networks share (isomorphic cells, say). Without it every row is
        its own class, numbered in lexicographic order.
    inactive : callable, optional
        ``(n, d) -> (n, d)`` bool, the genes that decide nothing in a row because of its other genes (those of a layer
        that the row does not have, say). Rows that differ in them alone are one architecture. A gene must not decide
        whether it is inactive itself.
    pool : array_like of int, optional
        (N, d) the only rows that exist. Any other row of genes stands for the nearest of them: the one that agrees in
        the most genes, of several one that its genes draw.
    values : sequence of sequence, optional
        What each value of each gene is called where people read it (kernel sizes, names of operations); the numbers
        themselves when left out.

    Raises
    ------
    ValueError
        A cardinality below 1, a wrong number of names or of values, a pool that is empty, out of range or repeats a
        row; or classes
        beside a pool or inactive genes.
    """

    cardinalities: tuple[int, ...]
    names: tuple[str, ...] = ()
    classes: Callable[[Array], Keys] | None = field(default=None, compare=False)
    inactive: Callable[[Array], Array] | None = field(default=None, compare=False)
    pool: Array | None = field(default=None, compare=False, repr=False)
    values: Sequence[Sequence[Any]] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cardinalities", tuple(self.cardinalities))  # a list could be written
        object.__setattr__(self, "names", tuple(self.names))
        if not self.cardinalities or min(self.cardinalities) < 1:
            raise ValueError(f"cardinalities: each gene needs at least 1 value, found {self.cardinalities}")
        if not self.names:
            object.__setattr__(self, "names", tuple(f"x{j}" for j in range(len(self.cardinalities))))
        if len(self.names) != len(self.cardinalities):
            raise ValueError(f"names: expected {len(self.cardinalities)}, one a gene, found {len(self.names)}")
        if self.values is not None and tuple(map(len, self.values)) != self.cardinalities:
            raise ValueError(
                f"values: expected {self.cardinalities} of the genes, found {tuple(map(len, self.values))}"
            )
        if self.classes is not None and (self.inactive is not None or self.pool is not None):
            raise ValueError("classes: a pool and inactive genes say themselves which rows are one architecture")
        if self.pool is not None:
            rows = self._active(self.check(self.pool))
            if not len(rows) or len(np.unique(rows, axis=0)) < len(rows):
                raise ValueError(f"pool: expected one row or more, all different, found {len(rows)}")
            object.__setattr__(self, "pool", read_only(rows))

    def __repr__(self) -> str:
        d, kind = len(self.cardinalities), "rows" if self.pool is None else "rows of a pool"
        size = f"{self.size:,}" if self.size < 10**9 else f"{float(self.size):.3g}"
        return f"<Space: {size} {kind}, {d} genes ({_shown(self.names)})>"

    @cached_property
    def size(self) -> int:
        """Number of rows of the space: those of the pool where there is one."""
        return self._combinations if self.pool is None else len(self.pool)

    @cached_property
    def _combinations(self) -> int:
        return math.prod(self.cardinalities)

    @cached_property
    def _unsigned(self) -> npt.NDArray[np.uint64]:
        return read_only(np.array(self.cardinalities, dtype=np.uint64))

    @cached_property
    def _bounds(self) -> Array:
        return read_only(np.array(self.cardinalities, dtype=np.int64))

    @cached_property
    def _strides(self) -> Array:
        return read_only(np.concatenate([np.cumprod(self._bounds[:0:-1])[::-1], [1]]).astype(np.int64))

    @cached_property
    def _bits(self) -> tuple[Array, Array]:
        """64 bits for each value of each gene, and where those of each gene begin; (sum of cardinalities,), (d,)."""
        total = sum(self.cardinalities)
        bits = splitmix64(np.arange(1, total + 1, dtype=np.uint64) * GOLDEN).view(np.int64)
        return read_only(bits), read_only(np.concatenate([[0], np.cumsum(self._bounds)[:-1]]))

    @cached_property
    def _pool(self) -> Pool:
        assert self.pool is not None
        return Pool(self.pool, read_only(self._number(self.pool)), self._bounds)

    def sample(self, rng: np.random.Generator, n: int) -> Array:
        """Draw `n` uniform rows with replacement, of the pool where there is one; shape (n, d), int64."""
        if self.pool is not None:
            return self.pool[(rng.random(n) * len(self.pool)).astype(np.int64)]
        # floor(u c) < c for every double u < 1, and three times as fast as integers() with many bounds
        rows: Array = (rng.random((n, len(self.cardinalities))) * self._bounds).astype(np.int64)
        return rows

    def neighbours(self, x: Array) -> Array:
        """List all rows that differ from `x`, shape (d,), in exactly one gene that is active in it; shape (k, d).

        Of a pool, where there may be none, as many rows as these would be: the nearest others, the nearest first.
        """
        x = np.asarray(x, dtype=np.int64)
        genes = np.repeat(np.arange(len(self.cardinalities)), self._bounds - 1)
        if self.pool is not None:
            return self.nearest(x[None], min(len(genes) + 1, len(self.pool)))[0, 1:]
        shifts = np.concatenate([np.arange(1, c) for c in self.cardinalities])
        rows = np.tile(x, (len(genes), 1))
        rows[np.arange(len(genes)), genes] = (rows[np.arange(len(genes)), genes] + shifts) % self._bounds[genes]
        return rows if self.inactive is None else rows[~self.inactive(x[None])[0, genes]]

    def nearest(self, X: Array, k: int) -> Array:
        """The `k` existing rows that agree with each of (n, d) `X` in the most genes, the nearest first; (n, k, d).

        Raises
        ------
        ValueError
            The space has no pool: every row exists.
        """
        if self.pool is None:
            raise ValueError("nearest: every row of this space exists; `neighbours` lists those around one")
        X = self._active(X)
        return self.pool[self._pool.nearest(X, self._number(X), k)]

    def written(self, X: Array) -> list[list[Any]]:
        """Each of the d genes of (n, d) rows as people read it, n values a gene; inactive ones as an empty text.

        Of a pool the genes are those of the rows that exist, which the given ones stand for.
        """
        X = np.asarray(X, dtype=np.int64)
        if self.pool is not None and len(X):
            X = self.canonical(X)
        columns = [column.tolist() for column in X.T]
        if self.values is not None:
            columns = [[own[i] for i in column] for own, column in zip(self.values, columns, strict=True)]
        if self.inactive is not None and len(X):
            off = self.inactive(X).T
            columns = [
                ["" if away else value for value, away in zip(column, gone, strict=True)]
                for column, gone in zip(columns, off.tolist(), strict=True)
            ]
        return columns

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
        if (X.view(np.uint64) >= self._unsigned).any():  # negative genes are huge then
            row, gene = (int(i) for i in np.argwhere((X < 0) | (self._bounds <= X))[0])
            raise ValueError(
                f"X: row {row}, gene {self.names[gene]!r} is {X[row, gene]}, "
                f"expected 0 to {self.cardinalities[gene] - 1}"
            )
        return X

    def index(self, X: Array) -> Keys:
        """Lexicographic numbers of (n, d) rows of genes (the first gene is the most significant); shape (n,).

        Raises
        ------
        ValueError
            The genes have 2**62 combinations or more.
        """
        self._numbered()
        numbers: Keys = X @ self._strides
        return numbers

    def at(self, numbers: Array) -> Array:
        """Rows of genes of lexicographic numbers: the inverse of `index`, which raises the same; shape (n, d)."""
        self._numbered()
        rows: Array = np.asarray(numbers, dtype=np.int64)[:, None] // self._strides % self._bounds
        return rows

    def key(self, X: Array) -> Keys:
        """Identity of each of (n, d) architectures, equal for equal ones; shape (n,).

        Its class where the space has classes, its row in the pool where there is one, else its number: of 2**62 rows
        and more 64 bits of its active genes, which of ten million architectures are all different but for one chance
        in 350,000.
        """
        if self.classes is not None:
            return self.classes(X)
        X = self._active(X)
        numbers = self._number(X)
        return numbers if self.pool is None else self._pool.find(X, numbers)

    def all(self) -> Array:
        """Every row, in lexicographic order or in that of the pool; shape (size, d).

        Raises
        ------
        ValueError
            The space has more than ten million rows.
        """
        if self.pool is not None:
            return self.pool
        if self.size > 10_000_000:
            raise ValueError(f"space: {self.size:.3g} architectures are too many to list; the limit is 10,000,000")
        return self.at(np.arange(self.size))

    def canonical(self, X: Array) -> Array:
        """The rows that (n, d) architectures are known by: those of a pool that they stand for, inactive genes at 0."""
        X = self._active(X)
        return X if self.pool is None else self.pool[self._pool.find(X, self._number(X))]

    def _active(self, X: Array) -> Array:
        """The same architectures, with inactive genes at 0."""
        return X if self.inactive is None else np.where(self.inactive(X), 0, X)

    def _number(self, X: Array) -> Keys:
        """What tells (n, d) rows of genes apart; shape (n,)."""
        if self._combinations < NUMBERED:
            return self.index(X)
        bits, offsets = self._bits
        numbers: Keys = bits[X + offsets].sum(axis=1)  # modulo 2**64
        return numbers

    def _numbered(self) -> None:
        if self._combinations >= NUMBERED:
            raise ValueError(
                f"space: its genes have {float(self._combinations):.3g} combinations, too many to number; `key` tells "
                "them apart"
            )


def _shown(names: Sequence[str]) -> str:
    """The first names and the last one."""
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:3])}, ..., {names[-1]}"
