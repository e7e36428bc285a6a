"""Genes of modules, what a pass computes of them, and quantities that depend on them: widths, costs, gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mobench.core.space import Array

__all__ = ["Gene", "Quantity", "Shares", "Width", "passing", "this_pass"]


class Shares(NamedTuple):
    """What a pass computes of a gene: the options with a share, and all shares; p is None where the one share is 1."""

    support: tuple[int, ...]
    p: Tensor | None


class Pass(NamedTuple):
    """One pass through a space: the shares of its genes, and what layers keep for each other (sizes, masks)."""

    shares: Mapping[Gene, Shares]
    path: bool
    kept: dict[Any, Any]


_PASS: ContextVar[Pass | None] = ContextVar("pass", default=None)


@contextmanager
def passing(shares: Mapping[Gene, Shares]) -> Iterator[None]:
    """What layers compute inside is for these shares."""
    token = _PASS.set(Pass(shares, all(p is None for _, p in shares.values()), {}))
    try:
        yield
    finally:
        _PASS.reset(token)


def this_pass() -> Pass:
    """The pass that is under way.

    Raises
    ------
    RuntimeError
        There is none: a module with choices was called as if it were one network.
    """
    found = _PASS.get()
    if found is None:
        raise RuntimeError("a module with choices is many networks; extract one, ModuleSpace(module, x).extract(genes)")
    return found


class Gene:
    """A named choice between options: numbers (widths, kernels, depths), or names of alternatives.

    Layers that share the object share the choice.

    Raises
    ------
    ValueError
        No options, one of them twice, a number that is not finite, or a name that cannot be written as ``name=option``.
    TypeError
        No name, or an option that is neither a number nor a name.
    """

    def __init__(self, name: str, *options: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"gene: expected a name and then its options, found {(name, *options)}")
        if unfit := [option for option in options if not isinstance(option, Real | str)]:
            raise TypeError(f"{name}: expected numbers or names for options, one by one, found {unfit[0]!r}")
        if not name or not name.isprintable() or "=" in name or " " in name:
            raise ValueError(f"gene: expected a name without spaces and =, found {name!r}")
        if endless := [option for option in options if not isinstance(option, str) and not np.isfinite(option)]:
            raise ValueError(f"{name}: expected finite numbers, found {endless[0]}")
        if not options or len(set(options)) < len(options):
            raise ValueError(f"{name}: expected different options, at least one, found {options}")
        self.name, self.options = name, options

    def __repr__(self) -> str:
        return f"Gene({', '.join(map(repr, (self.name, *self.options)))})"

    def __mul__(self, other: Width) -> Quantity:
        return self.value * other

    def __add__(self, other: Width) -> Quantity:
        return self.value + other

    __rmul__, __radd__ = __mul__, __add__

    def __deepcopy__(self, _: Any) -> Gene:
        return self

    @cached_property
    def value(self) -> Quantity:
        """The option, where options are numbers; TypeError where they are not."""
        if not all(isinstance(option, Real) for option in self.options):
            raise TypeError(f"{self.name}: expected numbers for a size, found {self.options}")
        return Quantity((self,), np.array(self.options, dtype=float))

    @property
    def shares(self) -> Shares:
        """The shares of the pass that is under way; RuntimeError where no layer of the module holds the gene."""
        try:
            return this_pass().shares[self]
        except KeyError:
            raise RuntimeError(f"{self.name}: no layer of the module holds this gene; give it to one") from None


class Quantity:
    """A number for every combination of options of some genes: a width, a cost, whether a layer exists.

    Attributes
    ----------
    genes : tuple of Gene
    table : Array
        One axis a gene, in their order.
    """

    def __init__(self, genes: tuple[Gene, ...], table: Array) -> None:
        self.genes, self.table = genes, table
        self._steps: dict[Any, Tensor] = {}

    def __deepcopy__(self, _: Any) -> Quantity:
        return self

    @staticmethod
    def of(x: Width) -> Quantity:
        """A constant, a gene of numbers, or a quantity as it is."""
        return x.value if isinstance(x, Gene) else x if isinstance(x, Quantity) else Quantity((), np.array(float(x)))

    def _with(self, other: Width, f: Callable[[Array, Array], Array]) -> Quantity:
        other = Quantity.of(other)
        genes = self.genes + tuple(g for g in other.genes if g not in self.genes)
        return Quantity(genes, f(self._over(genes), other._over(genes)))

    def _over(self, genes: tuple[Gene, ...]) -> Array:
        """The table with axes for all of these genes."""
        order = sorted(range(len(self.genes)), key=lambda i: genes.index(self.genes[i]))
        shape = [len(g.options) if g in self.genes else 1 for g in genes]
        return np.broadcast_to(self.table.transpose(order).reshape(shape), [len(g.options) for g in genes])

    def __mul__(self, other: Width) -> Quantity:
        return self._with(other, np.multiply)

    def __add__(self, other: Width) -> Quantity:
        return self._with(other, np.add)

    __rmul__, __radd__ = __mul__, __add__

    @cached_property
    def rounded(self) -> Quantity:
        """Whole numbers, halves up: what a layer takes for its sizes. One object, so that layers share its masks.

        Raises
        ------
        ValueError
            A size below 1.
        """
        found = Quantity(self.genes, np.floor(self.table + 0.5))
        if found.table.min() < 1:
            raise ValueError(f"sizes: expected at least 1, found {found.table.min():g} of {_named(self.genes)}")
        return found

    @property
    def largest(self) -> int:
        """The largest value of all combinations."""
        return int(self.table.max())

    def top(self) -> float:
        """The largest value among the options that this pass computes."""
        now = this_pass()
        found: float | None = now.kept.get(self)
        if found is None:
            supports = [g.shares.support for g in self.genes]
            if all(len(support) == 1 for support in supports):  # on a path, in a fraction of the time
                found = self.table.item(*[k for (k,) in supports])
            else:
                found = float(self.table[np.ix_(*supports)].max())
            now.kept[self] = found
        return found

    def __int__(self) -> int:
        return int(self.top())

    def at(self, X: Array, genes: Sequence[Gene]) -> Array:
        """The values of (n, d) rows of options of `genes`, which hold this quantity's; (n,)."""
        found: Array = self.table[tuple(X[:, genes.index(g)] for g in self.genes)]
        return found if self.genes else np.broadcast_to(found, len(X))

    def expected(self, p: Mapping[Gene, Tensor]) -> Tensor:
        """Exact expectation under independent genes; a gene that occurs in several factors is one gene."""
        like = next(iter(p.values()))
        found = torch.tensor(self.table, dtype=like.dtype, device=like.device)
        for gene in reversed(self.genes):
            found = found @ p[gene]
        return found

    def mask(self, like: Tensor, steps: Callable[[Array, int], Array] | None = None) -> Tensor | None:
        """Probability that each of the first `top` units exists, given this pass's shares; None where all are 1.

        ``steps(values, top)`` gives a 0/1 mask a value, behind the axes of values; units below the value by default.
        """
        if this_pass().path:
            return None
        shares = [g.shares for g in self.genes]
        if all(s.p is None for s in shares):
            return None
        kept, key = this_pass().kept, (tuple(s.support for s in shares), like.dtype, like.device)
        if (self, key) not in kept:
            if key not in self._steps:
                values, top = self.table[np.ix_(*key[0])], int(self.top())
                made = np.arange(top) < values[..., None] if steps is None else steps(values, top)
                self._steps[key] = torch.tensor(np.array(made, dtype=float), dtype=like.dtype, device=like.device)
            mask = self._steps[key]
            for s in shares:  # axis by axis: sum_k p_k mask_k
                mask = mask[0] if s.p is None else torch.tensordot(s.p[list(s.support)].to(mask), mask, 1)
            kept[self, key] = mask
        found: Tensor = kept[self, key]
        return found


Width = int | float | Gene | Quantity
"""What a layer takes for a size: a number, a gene of numbers, or a product or sum of these."""


def _named(genes: tuple[Gene, ...]) -> str:
    return ", ".join(map(repr, genes)) or "a constant"
