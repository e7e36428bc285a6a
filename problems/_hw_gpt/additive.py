"""Whole numbers that add up over the layers of a network: totals, what they reach, and their exact front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobench import Array, nondominated


@dataclass(frozen=True, eq=False)
class Additive:
    """m sums, which are minimised; being whole numbers they are exact, in whatever order they are added.

    Attributes
    ----------
    base : Array
        (widths, 2, depths, m) what a network has by its width, bias and depth; int64.
    terms : Array
        (widths, 2, layers, 9, m) what a layer adds by width, bias, layer and block: 3 x gene of the heads + of the MLP.
    """

    base: Array
    terms: Array

    @property
    def fewest(self) -> int:
        """Layers of the shallowest network."""
        return int(self.terms.shape[2] - self.base.shape[2] + 1)

    @cached_property
    def _flat(self) -> Array:
        """(m, widths x 2 x layers x 10) the terms, with a block that adds nothing: that of an absent layer."""
        padded = np.concatenate([self.terms, np.zeros_like(self.terms[:, :, :, :1])], axis=3)
        return np.ascontiguousarray(padded.reshape(-1, self.terms.shape[-1]).T)

    def totals(self, X: Array) -> Array:
        """Sums of (n, d) architectures; (n, m), int64."""
        layers = np.arange(self.terms.shape[2])
        width, depth, bias = X[:, 0], X[:, 1], X[:, 2]
        blocks = np.where(layers < depth[:, None] + self.fewest, 3 * X[:, 3::2] + X[:, 4::2], 9)
        places = ((2 * width + bias)[:, None] * len(layers) + layers) * 10 + blocks
        sums = [column.take(places).sum(axis=1) for column in self._flat]
        totals: Array = self.base[width, bias, depth] + np.column_stack(sums)
        return totals

    def reach(self, extreme: Callable[..., Array]) -> Array:
        """The least (`np.min`) or greatest (`np.max`) total of each sum over all networks; (m,)."""
        stacks = extreme(self.terms, axis=3).cumsum(axis=2)[:, :, self.fewest - 1 :]
        return extreme(self.base + stacks, axis=(0, 1, 2))

    def front(self) -> tuple[Array, Array]:
        """All nondominated networks (k, d) and their totals (k, m), by dynamic programming.

        Layers add, so a stack of layers that another one dominates stays dominated whatever comes on top: after each
        layer only the nondominated stacks of one width and bias go on.
        """
        rows, totals = [], []
        for width, bias in np.ndindex(self.terms.shape[:2]):
            blocks, sums = np.zeros((1, 0), dtype=np.int8), np.zeros((1, self.terms.shape[-1]), dtype=np.int64)
            for layer, options in enumerate(self.terms[width, bias]):
                blocks, sums = _extended(blocks, sums, options)
                if (depth := layer + 1 - self.fewest) >= 0:
                    rows.append(self._rows((width, depth, bias), blocks))
                    totals.append(sums + self.base[width, bias, depth])
        found, values = np.concatenate(rows), np.concatenate(totals)
        best = nondominated(values)
        return found[best].astype(np.int64), values[best]

    def _rows(self, head: tuple[int, int, int], blocks: Array) -> Array:
        rows = np.zeros((len(blocks), 3 + 2 * self.terms.shape[2]), dtype=np.int8)
        rows[:, :3] = head
        rows[:, 3 : 3 + 2 * blocks.shape[1] : 2], rows[:, 4 : 4 + 2 * blocks.shape[1] : 2] = np.divmod(blocks, 3)
        return rows


def _extended(blocks: Array, sums: Array, options: Array) -> tuple[Array, Array]:
    """The nondominated stacks (k, layers + 1) and sums (k, m) of all stacks with each of the (9, m) options on top."""
    useful = np.flatnonzero(nondominated(options)).astype(np.int8)
    grown = (sums[:, None] + options[useful]).reshape(-1, options.shape[1])
    best = np.flatnonzero(nondominated(grown))
    below, top = np.divmod(best, len(useful))
    return np.column_stack([blocks[below], useful[top]]), grown[best]
