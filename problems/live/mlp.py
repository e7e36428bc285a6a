"""Perceptrons trained live: width, depth, and the hidden width and activation of each residual layer.

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


@dataclass(frozen=True, kw_only=True)
class Options(Shipped):
    """Options of the perceptrons.

    Attributes
    ----------
    layers : int
        The largest depth; depths from 0 to it are on offer.
    """

    layers: Count = 3


def problem(options: Options) -> ModuleProblem:
    """Perceptrons on images: stem, residual layers of two linear maps each, classifier.

    Raises
    ------
    ValueError
        An unknown objective, a limit of another form, a device that is not there, or data that is missing.
    """
    return options.problem(functools.partial(network, options.layers), rate=0.05)


def network(layers: int, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The module: every size and activation at once."""
    import math

    from torch import nn

    from mobench.live import Choice, ElasticBatchNorm, ElasticLinear, Gene, Repeat
    from mobench.problems._modules.blocks import Residual

    width = Gene("width", 16, 32, 64)

    def layer(i: int) -> nn.Module:
        hidden = Gene(f"layer{i}.hidden", 16, 32, 64, 128)
        activation = Choice(f"layer{i}.activation", relu=nn.ReLU(), gelu=nn.GELU(), tanh=nn.Tanh())
        parts = ElasticLinear(width, hidden), activation, ElasticLinear(hidden, width)
        return Residual(nn.Sequential(ElasticBatchNorm(width, dims=1), *parts), keeps=True)

    stem = nn.Flatten(), ElasticLinear(math.prod(shape), width)
    head = ElasticBatchNorm(width, dims=1), nn.ReLU(), ElasticLinear(width, classes)
    return nn.Sequential(*stem, Repeat(Gene("depth", *range(layers + 1)), layer), *head)
