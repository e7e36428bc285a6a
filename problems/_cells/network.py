"""The NAS-Bench-201 network in torch: one definition of its operations, cell and skeleton, for all live training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mobench.live.layouts import average
from mobench.problems._cells.space import EDGES, OPERATIONS, Skeleton


class ReluConvNorm(nn.Sequential):
    """ReLU, convolution without bias, batch norm with scale and shift: (n, inputs, h, w) -> (n, outputs, h', w')."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class Zero(nn.Module):
    """The operation `none`: zeros of the input's shape, through which no gradient flows."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to zeros of that shape."""
        return torch.zeros_like(x)


class Average(nn.Module):
    """The operation `avg_pool_3x3`."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, h) to means over 3x3 pixels, of that shape."""
        return average(x)


def operation(name: str, channels: int) -> nn.Module:
    """Build one of `OPERATIONS` at a width.

    Raises
    ------
    ValueError
        If there is no operation of that name.
    """
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "nor_conv_1x1":
        return ReluConvNorm(channels, channels, kernel=1)
    if name == "nor_conv_3x3":
        return ReluConvNorm(channels, channels, kernel=3)
    if name == "avg_pool_3x3":
        return Average()
    raise ValueError(f"name: expected one of {', '.join(OPERATIONS)}, found {name!r}")


class Cell(nn.Module):
    """A discrete cell: each node is the sum of its incoming edges; input and output are (n, channels, h, w)."""

    def __init__(self, genes: Sequence[int], channels: int) -> None:
        super().__init__()
        self.genes = tuple(int(gene) for gene in genes)
        self.operations = nn.ModuleList(operation(OPERATIONS[gene], channels) for gene in self.genes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute node 3 from node 0; edges that are `none` are not visited."""
        nodes: list[Tensor | None] = [x, None, None, None]
        for (target, source), gene, op in zip(EDGES, self.genes, self.operations, strict=True):
            value = nodes[source]
            if OPERATIONS[gene] == "none" or value is None:
                continue
            term, rest = op(value), nodes[target]
            nodes[target] = term if rest is None else rest + term
        return torch.zeros_like(x) if nodes[3] is None else nodes[3]


class Reduction(nn.Module):
    """The stride-2 residual block between stages: (n, inputs, h, w) -> (n, outputs, h/2, w/2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = ReluConvNorm(inputs, outputs, kernel=3, stride=2)
        self.conv_b = ReluConvNorm(outputs, outputs, kernel=3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, stride=2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Add the two convolutions and the pooled shortcut."""
        y: Tensor = self.conv_b(self.conv_a(x)) + self.shortcut(x)
        return y


class Network(nn.Module):
    """The network of a cell: images (n, inputs, size, size) -> logits (n, classes).

    Parameters
    ----------
    genes : six ints
        The cell, positions in `OPERATIONS`; dead edges are built, as NAS-Bench-201 builds them.
    skeleton : Skeleton

    Source: Dong and Yang, NAS-Bench-201, ICLR 2020, section 2.1 and the authors' `TinyNetwork`.
    """

    def __init__(self, genes: Sequence[int], skeleton: Skeleton) -> None:
        super().__init__()
        c = skeleton.channels
        self.stem = nn.Sequential(nn.Conv2d(skeleton.inputs, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        blocks: list[nn.Module] = []
        for stage in range(skeleton.stages):
            if stage > 0:
                c *= 2
                blocks.append(Reduction(c // 2, c))
            blocks += [Cell(genes, c) for _ in range(skeleton.cells)]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU())
        self.classifier = nn.Linear(c, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        logits: Tensor = self.classifier(self.last(self.blocks(self.stem(x))).mean(dim=(2, 3)))
        return logits
