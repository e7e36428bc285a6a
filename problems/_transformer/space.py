"""The space of transformers: a width, in each of three layers a number of heads and an MLP ratio, a pool; costs."""

from __future__ import annotations

import itertools
from typing import Literal, NamedTuple

import numpy as np

from mobench import Array

WIDTHS = (12, 16, 20, 24)
HEADS, RATIOS = (0, 1, 2), (0, 1, 2)
"""Heads of a layer's attention, and the ratio of its perceptron's hidden width to the width; 0: it is absent."""
LAYERS = 3
PARTS = 2 * LAYERS
"""Attentions and perceptrons, in turn."""
POOLS = ("mean", "max")
"""What of all tokens is classified."""
NAMES = ("width", *(f"layer{i + 1}.{part}" for i in range(LAYERS) for part in ("heads", "ratio")), "pool")
VALUES: tuple[tuple[str | int, ...], ...] = (WIDTHS, *(HEADS, RATIOS) * LAYERS, POOLS)
HEAD_SIZE = 8
SIZE, KERNEL, TOKENS, CLASSES = 8, 5, 16, 40
"""Pixels a side of the image and of a patch, patches (their centres are two pixels apart), classes."""


def canonical(X: Array) -> Array:
    """Move each part to the first place of its kind behind the part before it: equal rows are equal networks.

    (n, 8) to (n, 8). The parts that a network has run one after the other, whichever layers they were written in.
    """
    X = np.asarray(X, dtype=np.int64)
    moved, free = np.zeros_like(X), np.ones(len(X), dtype=np.int64)
    moved[:, [0, -1]] = X[:, [0, -1]]
    for column in range(1, PARTS + 1):
        there = np.flatnonzero(X[:, column])
        places = free[there] + (free[there] - column) % 2
        moved[there, places] = X[there, column]
        free[there] = places + 1
    return moved


def index(X: Array) -> Array:
    """Number of each genotype, the pool slowest, then the width, then the layers in order: (n, 8) to (n,)."""
    sizes = [len(values) for values in VALUES]
    numbers: Array = np.roll(np.asarray(X, dtype=np.int64), 1, axis=1) @ np.cumprod([1, *sizes[-2::-1]])[::-1]
    return numbers


def key(X: Array) -> Array:
    """Number of the network that each genotype is: (n, 8) to (n,)."""
    return index(canonical(X))


def all_transformers() -> Array:
    """All 5,832 genotypes in the order of `index`."""
    return np.roll(list(itertools.product(*(range(len(values)) for values in (VALUES[-1], *VALUES[:-1])))), -1, axis=1)


def all_networks() -> Array:
    """The 4,136 distinct networks, each by its canonical genotype, in the order of `index`: (4136, 8)."""
    X = all_transformers()
    distinct: Array = X[(canonical(X) == X).all(axis=1)]
    return distinct


def parts_of(genes: Array) -> list[tuple[int, int]]:
    """Heads and hidden width of each part that a network has, in order; an attention has no hidden width."""
    width, *parts = (int(values[gene]) for values, gene in zip(VALUES[:-1], genes[:-1], strict=True))
    return [(part, 0) if i % 2 == 0 else (0, part * width) for i, part in enumerate(parts) if part]


class PartCosts(NamedTuple):
    """A cost as a sum over parts, at each width.

    Attributes
    ----------
    fixed : Array
        (4,), of the network without parts at each width.
    parts : Array
        (4, 2, 3), at each width: of an attention with each number of heads, of a perceptron of each ratio.
    """

    fixed: Array
    parts: Array

    def of(self, X: Array) -> Array:
        """Costs of (n, 8) transformers: (n,); the pool costs nothing."""
        X = np.asarray(X)
        total: Array = self.fixed[X[:, 0]] + self.parts[X[:, :1], np.arange(PARTS) % 2, X[:, 1:-1]].sum(axis=1)
        return total

    def over(self, unit: float) -> PartCosts:
        """The same in another unit."""
        return PartCosts(self.fixed / unit, self.parts / unit)


def nearest_sum(X: Array, cost: Array) -> PartCosts:
    """The sum over parts that misses measured costs, (n,), of (n, 8) transformers by the least relative squares."""
    X = np.asarray(X)
    counts = [(X[:, first:-1:2, None] == np.arange(1, len(HEADS))).sum(axis=1) for first in (1, 2)]
    each, wide = np.column_stack([np.ones(len(X)), *counts]), X[:, 0, None] == np.arange(len(WIDTHS))
    features = (wide[:, :, None] * each[:, None]).reshape(len(X), -1)
    found, *_ = np.linalg.lstsq(features / cost[:, None], np.ones(len(X)), rcond=None)
    fixed, *parts = found.reshape(len(WIDTHS), -1).T
    nothing = np.zeros(len(WIDTHS))
    sizes = np.stack([nothing, *parts[: len(parts) // 2], nothing, *parts[len(parts) // 2 :]], axis=1)
    return PartCosts(fixed, sizes.reshape(len(WIDTHS), 2, len(HEADS)))


def part_costs(name: Literal["flops", "params"]) -> PartCosts:
    """Multiply-adds of an image (products of matrices), or trained parameters."""
    width = np.array(WIDTHS, dtype=float)
    inner = HEAD_SIZE * np.array(HEADS, dtype=float)
    hidden = width[:, None] * np.array(RATIOS)
    wide = width[:, None]
    if name == "flops":
        fixed = width * (TOKENS * KERNEL**2 + CLASSES)
        attention, perceptron = TOKENS * (4 * wide + 2 * TOKENS) * inner, TOKENS * 2 * wide * hidden
    else:
        fixed = width * (KERNEL**2 + 1 + TOKENS + 2 + CLASSES) + CLASSES
        attention = ((4 * wide + 3) * inner + 3 * wide) * (inner > 0)
        perceptron = ((2 * wide + 1) * hidden + 3 * wide) * (hidden > 0)
    return PartCosts(fixed, np.stack([attention, perceptron], axis=1))


def flops(X: Array) -> Array:
    """Multiply-adds of one image: (n, 8) to (n,)."""
    return part_costs("flops").of(X)


def params(X: Array) -> Array:
    """Trained parameters: (n, 8) to (n,)."""
    return part_costs("params").of(X)


def to_strings(X: Array) -> list[str]:
    """Readable names, as ``w24: h2 r1 | h1 r0 | h0 r2 | max``: the width, heads and ratio of each layer, the pool."""
    found = []
    for row in np.asarray(X):
        width, *parts, pool = (values[gene] for values, gene in zip(VALUES, row, strict=True))
        named = [f"h{part}" if i % 2 == 0 else f"r{part}" for i, part in enumerate(parts)]
        layers = [" ".join(named[i : i + 2]) for i in range(0, PARTS, 2)]
        found.append(f"w{width}: {' | '.join([*layers, pool])}")
    return found
