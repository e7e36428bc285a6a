"""Chains of MobileNet blocks trained live: kernel and expansion of each, or a skip (ProxylessNAS, FBNet, OFA).

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
    """Options of the chains.

    Attributes
    ----------
    channels : int
        Width of the stem and the first stage; each later stage halves the image and doubles the width.
    stages : int
        How many stages.
    blocks : int
        Blocks in a stage; all but the first of a later stage may be skipped.
    """

    channels: Count = 8
    stages: Count = 2
    blocks: Count = 2


def problem(options: Options) -> ModuleProblem:
    """Chains of inverted residual blocks.

    Raises
    ------
    ValueError
        An unknown objective, a limit of another form, a device that is not there, or data that is missing.
    """
    return options.problem(functools.partial(network, options.channels, options.stages, options.blocks))


def network(channels: int, stages: int, blocks: int, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The module: every kernel, expansion and skip at once."""
    from torch import nn

    from mobench.live import Choice, ElasticLinear, Gene
    from mobench.problems._modules.blocks import inverted, unit

    widths = [channels * 2**stage for stage in range(stages)]
    parts: list[nn.Module] = [unit(shape[0], channels, kernel=3)]
    for stage, width in enumerate(widths):
        for i in range(blocks):
            name, enters = f"stage{stage}.block{i}", bool(stage) and i == 0
            inputs = widths[stage - 1] if enters else width
            expand, kernel = Gene(f"{name}.expand", 1, 2, 4) * inputs, Gene(f"{name}.kernel", 3, 5, 7)
            block = inverted(inputs, width, expand=expand, kernel=kernel, stride=2 if enters else 1)
            parts.append(block if enters else Choice(name, block=block, skip=nn.Identity()))
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), ElasticLinear(widths[-1], classes)
    return nn.Sequential(*parts, *head)
