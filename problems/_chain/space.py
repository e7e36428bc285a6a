"""The space of chains: four residual blocks in two stages, each skipped or of a kernel and an expansion; costs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from mobench import Array

T = TypeVar("T")

KINDS = ((0, 0), (1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3), (5, 1), (5, 2))
"""Depthwise kernel and expansion of a block, by its gene; (0, 0): it is skipped."""
OPERATIONS = ("skip", *(f"k{kernel}e{expansion}" for kernel, expansion in KINDS[1:]))
STAGES = (2, 2)
"""Blocks of each stage."""
BLOCKS = sum(STAGES)
STAGE_OF = tuple(stage for stage, blocks in enumerate(STAGES) for _ in range(blocks))
BLOCK_NAMES = tuple(f"stage{s + 1}.block{i + 1}" for s, blocks in enumerate(STAGES) for i in range(blocks))
SIZE, CHANNELS, HEAD, CLASSES = 8, (8, 16), 32, 40
"""Pixels a side of the image, channels of the two stages (the second has half the side), of the head; classes."""


def stages_of(row: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """The genes of one chain, stage by stage."""
    return row[: STAGES[0]], row[STAGES[0] :]


def canonical(X: Array) -> Array:
    """Move each stage's skips behind its blocks: equal rows are equal networks. (n, 4) to (n, 4)."""
    stages = np.split(np.asarray(X, dtype=np.int64), [STAGES[0]], axis=1)
    orders = [np.argsort(stage == 0, axis=1, kind="stable") for stage in stages]
    moved: Array = np.hstack(
        [np.take_along_axis(stage, order, axis=1) for stage, order in zip(stages, orders, strict=True)]
    )
    return moved


def index(X: Array) -> Array:
    """Number of each genotype, the first gene slowest: (n, 4) to (n,)."""
    numbers: Array = np.asarray(X, dtype=np.int64) @ len(OPERATIONS) ** np.arange(BLOCKS - 1, -1, -1)
    return numbers


def all_chains() -> Array:
    """All 6,561 genotypes in the order of `index`."""
    return np.array(list(itertools.product(range(len(OPERATIONS)), repeat=BLOCKS)))


def all_networks() -> Array:
    """The 5,329 distinct networks, each by its canonical genotype, in the order of `index`: (5329, 4)."""
    X = all_chains()
    distinct: Array = X[(canonical(X) == X).all(axis=1)]
    return distinct


class BlockCosts(NamedTuple):
    """A cost as a sum over blocks.

    Attributes
    ----------
    fixed : float
        Of the network without blocks.
    blocks : Array
        (4, 9), of each operation in each block.
    """

    fixed: float
    blocks: Array

    def of(self, X: Array) -> Array:
        """Costs of (n, 4) chains: (n,)."""
        total: Array = self.fixed + self.blocks[np.arange(BLOCKS), np.asarray(X)].sum(axis=1)
        return total

    def over(self, unit: float) -> BlockCosts:
        """The same in another unit."""
        return BlockCosts(self.fixed / unit, self.blocks / unit)


def nearest_sum(X: Array, cost: Array) -> BlockCosts:
    """The sum over blocks that misses measured costs, (n,), of (n, 4) chains by the least relative squares."""
    stages = np.split(np.asarray(X), [STAGES[0]], axis=1)
    counts = [(stage[:, :, None] == np.arange(1, len(OPERATIONS))).sum(axis=1) for stage in stages]
    features = np.column_stack([np.ones(len(X)), *counts])
    (fixed, *parts), *_ = np.linalg.lstsq(features / cost[:, None], np.ones(len(X)), rcond=None)
    of_stages = [np.concatenate([[0.0], part]) for part in np.split(np.array(parts), len(STAGES))]
    return BlockCosts(float(fixed), np.array(of_stages)[list(STAGE_OF)])


def block_costs(name: Literal["flops", "params"]) -> BlockCosts:
    """Multiply-adds of an image (products of convolutions and the classifier), or trained parameters."""
    c1, c2, small = *CHANNELS, (SIZE // 2) ** 2
    if name == "flops":
        fixed = 9 * c1 * SIZE**2 + (c1 * c2 + c2 * HEAD) * small + HEAD * CLASSES
    else:
        fixed = 9 * c1 + c1 * c2 + c2 * HEAD + 2 * (c1 + c2 + HEAD) + (HEAD + 1) * CLASSES
    blocks = np.zeros((BLOCKS, len(OPERATIONS)))
    for block in range(BLOCKS):
        stage = STAGE_OF[block]
        channels, pixels = CHANNELS[stage], (SIZE >> stage) ** 2
        for gene, (kernel, expansion) in enumerate(KINDS[1:], start=1):
            width = channels * expansion
            weights = width * (2 * channels + kernel**2)
            blocks[block, gene] = pixels * weights if name == "flops" else weights + 2 * (2 * width + channels)
    return BlockCosts(float(fixed), blocks)


def flops(X: Array) -> Array:
    """Multiply-adds of one image: (n, 4) to (n,)."""
    return block_costs("flops").of(X)


def params(X: Array) -> Array:
    """Trained parameters: (n, 4) to (n,)."""
    return block_costs("params").of(X)


def to_strings(X: Array) -> list[str]:
    """Readable names, as ``k3e2 skip | k5e1 k1e1``: the operations of the two stages."""
    names = [[OPERATIONS[int(gene)] for gene in row] for row in np.asarray(X)]
    return [" | ".join(" ".join(stage) for stage in stages_of(row)) for row in names]
