"""The network around the genes: shapes of its 20 blocks, and its exact multiply-adds and parameters.

Howard et al. 2019, "Searching for MobileNetV3", as Cai et al. 2020 made it elastic in "Once-for-All".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mobench import Array
from mobench.problems._ofa_mbv3.genes import BLOCKS, DEEPEST, EXPANSIONS, KERNELS, RESOLUTIONS

STEM, WIDTHS, FINAL, FEATURES, CLASSES = 16, (24, 40, 80, 112, 160), 960, 1280, 1000
"""Channels of the stem and its block, of the stages, of the last two layers; classes of ImageNet. At width 1.0."""
STRIDES = (2, 2, 2, 1, 2)
SQUEEZE = (False, True, False, True, True)
SQUEEZED = 4
"""A squeeze-and-excitation has a quarter of its block's expanded channels in the middle."""


@dataclass(frozen=True)
class Block:
    """Shape of one block: channels, side of the feature map before and after, and whether it squeezes."""

    inputs: int
    outputs: int
    before: int
    after: int
    squeeze: bool


def rounded(channels: float) -> int:
    """The nearest multiple of 8, and the next where that takes away more than a tenth."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


def shapes(resolution: int, *, width: float = 1.0) -> Iterator[Block]:
    """The 20 blocks of a network that is `width` times as wide, the first of the first stage first."""
    channels, side = rounded(STEM * width), _halved(resolution)
    for base, stride, squeeze in zip(WIDTHS, STRIDES, SQUEEZE, strict=True):
        for position in range(DEEPEST):
            after = _halved(side) if position == 0 and stride == 2 else side
            yield Block(channels, rounded(base * width), side, after, squeeze)
            channels, side = rounded(base * width), after


def _halved(side: int) -> int:
    return (side + 1) // 2


def multiply_adds() -> Array:
    """Multiply-adds of convolutions and of the classifier by resolution, block and configuration; (5, 20, 9), int64.

    The first block, which every network has, carries what is common to all.
    """
    table = np.array([[_of_choices(_macs, block) for block in shapes(r)] for r in RESOLUTIONS], dtype=np.int64)
    for i, resolution in enumerate(RESOLUTIONS):
        first, last = _halved(resolution) ** 2, list(shapes(resolution))[-1].after ** 2
        stem = (27 * STEM + 9 * STEM + STEM * STEM) * first
        table[i, 0] += stem + WIDTHS[-1] * FINAL * last + FINAL * FEATURES + FEATURES * CLASSES
    return table


def parameters() -> Array:
    """Parameters, those of batch norms and biases too, laid out as `multiply_adds`; (5, 20, 9), int64."""
    blocks = np.array([_of_choices(_params, block) for block in shapes(RESOLUTIONS[-1])], dtype=np.int64)
    stem = (27 * STEM + 2 * STEM) + (9 * STEM + 2 * STEM) + (STEM * STEM + 2 * STEM)
    blocks[0] += stem + (WIDTHS[-1] * FINAL + 2 * FINAL) + FINAL * FEATURES + (FEATURES + 1) * CLASSES
    return np.broadcast_to(blocks, (len(RESOLUTIONS), BLOCKS, blocks.shape[1])).copy()


def _of_choices(count: Callable[[Block, int, int], int], block: Block) -> list[int]:
    return [count(block, kernel, block.inputs * expansion) for kernel in KERNELS for expansion in EXPANSIONS]


def _macs(block: Block, kernel: int, middle: int) -> int:
    squeeze = 2 * middle * rounded(middle / SQUEEZED) if block.squeeze else 0
    before, after = block.before**2, block.after**2
    return middle * (block.inputs * before + (kernel**2 + block.outputs) * after) + squeeze


def _params(block: Block, kernel: int, middle: int) -> int:
    small = rounded(middle / SQUEEZED)
    squeeze = 2 * middle * small + middle + small if block.squeeze else 0
    return middle * (block.inputs + kernel**2 + block.outputs) + 4 * middle + 2 * block.outputs + squeeze
