"""Small vision transformers trained live: width, depth, and heads and MLP ratio of each block (AutoFormer).

See `docs/problems/live/modules.md`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mobench.problems._modules.shipped import Count, Shipped

if TYPE_CHECKING:
    from torch import nn

    from mobench.live import ModuleProblem

TOKENS = 4
"""Patches along a side: images are cut into 4x4, which overlap where their sizes are even."""


@dataclass(frozen=True, kw_only=True)
class Options(Shipped):
    """Options of the transformers.

    Attributes
    ----------
    blocks : int
        The largest depth; depths from 1 to it are on offer.
    """

    blocks: Count = 3


def problem(options: Options) -> ModuleProblem:
    """Vision transformers of 16 tokens: pre-norm, heads of 8, learned positions, mean pooling (after Chen et al. 2021).

    Raises
    ------
    ValueError
        An unknown objective, a limit of another form, a device that is not there, or data that is missing.
    """
    recipe = {"optimizer": "adamw", "rate": 5e-3, "decay": 0.05, "warm_up": 0.1}
    return options.problem(functools.partial(network, options.blocks), **recipe)


def network(blocks: int, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The module: every width, depth, number of heads and ratio at once."""
    from torch import nn

    from mobench.live import (
        ElasticConstant,
        ElasticConv2d,
        ElasticHeads,
        ElasticLayerNorm,
        ElasticLinear,
        ElasticMLP,
        Gene,
        Repeat,
    )
    from mobench.problems._modules.blocks import Residual
    from mobench.problems._modules.tokens import Mean, Tokens

    width = Gene("width", 16, 24, 32)
    stride = max(1, shape[1] // TOKENS)

    def block(i: int) -> nn.Module:
        heads, hidden = Gene(f"block{i}.heads", 1, 2, 4), Gene(f"block{i}.ratio", 1, 2, 4) * width
        attention = nn.Sequential(ElasticLayerNorm(width), ElasticHeads(width, heads))
        perceptron = nn.Sequential(ElasticLayerNorm(width), ElasticMLP(width, hidden))
        return nn.Sequential(Residual(attention, keeps=True), Residual(perceptron, keeps=True))

    patches = ElasticConv2d(shape[0], width, kernel=stride | 1, stride=stride, bias=True)
    tokens = ((shape[1] - 1) // stride + 1) ** 2
    body = Repeat(Gene("depth", *range(1, blocks + 1)), block)
    return Tokens(
        patches,
        ElasticConstant(tokens, width),
        nn.Sequential(body, ElasticLayerNorm(width)),
        Mean(),
        ElasticLinear(width, classes),
    )
