"""Stages of equal cells trained live: operation, kernel, width and number of cells of each stage (MnasNet).

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
    """Options of the stages.

    Attributes
    ----------
    channels : int
        Width of the stem; stage s has 1, 1.5 or 2 times 2^s of it, and all but the first halve the image.
    stages : int
        How many stages.
    cells : int
        The most cells of a stage.
    """

    channels: Count = 8
    stages: Count = 2
    cells: Count = 3


def problem(options: Options) -> ModuleProblem:
    """Stages of cells: all cells of a stage are alike, and stages differ (Tan et al. 2019).

    Raises
    ------
    ValueError
        An unknown objective, a limit of another form, a device that is not there, or data that is missing.
    """
    return options.problem(functools.partial(network, options.channels, options.stages, options.cells))


def network(channels: int, stages: int, cells: int, shape: tuple[int, ...], classes: int) -> nn.Module:
    """The module: every stage with all its operations, kernels, widths and depths at once."""
    from torch import nn

    from mobench.live import Choice, ElasticLinear, Gene, Repeat
    from mobench.live.genes import Width
    from mobench.problems._modules.blocks import Residual, inverted, unit

    def stage(s: int, inputs: Width, width: Width) -> nn.Sequential:
        """A cell that enters the stage, and up to `cells` - 1 more of the same genes."""
        kernel, expand = Gene(f"stage{s}.kernel", 3, 5), Gene(f"stage{s}.expand", 1, 2, 4)
        operation = Gene(f"stage{s}.operation", "conv", "separable", "inverted")

        def cell(inputs: Width, stride: int) -> nn.Module:
            keeps = inputs is width and stride == 1
            separable = unit(inputs, kernel=kernel, stride=stride), unit(inputs, width, last=True)
            return Choice(
                operation,
                conv=Residual(unit(inputs, width, kernel=kernel, stride=stride, last=True), keeps=keeps),
                separable=Residual(nn.Sequential(*separable), keeps=keeps),
                inverted=inverted(inputs, width, expand=expand * inputs, kernel=kernel, stride=stride),
            )

        more = Gene(f"stage{s}.more", *range(cells))
        return nn.Sequential(cell(inputs, 2 if s else 1), Repeat(more, lambda i: cell(width, 1)))

    widths = [Gene(f"stage{s}.width", 1, 1.5, 2) * (channels * 2**s) for s in range(stages)]
    parts = [stage(s, widths[s - 1] if s else channels, width) for s, width in enumerate(widths)]
    head = nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), ElasticLinear(widths[-1], classes)
    return nn.Sequential(unit(shape[0], channels, kernel=3), *parts, *head)
