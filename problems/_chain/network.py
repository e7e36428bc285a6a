"""A chain as a plain torch module: stem, two stages of residual inverted bottlenecks, head, classifier."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mobench.problems._chain.space import CHANNELS, CLASSES, HEAD, KINDS, stages_of


def convolution(
    inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    """Convolution (padded by half its kernel), batch norm, and a ReLU unless told."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


class Bottleneck(nn.Module):
    """A residual block: widen, filter each channel, narrow."""

    def __init__(self, channels: int, kernel: int, expansion: int) -> None:
        super().__init__()
        width = channels * expansion
        self.widen = convolution(channels, width)
        self.filter = convolution(width, width, kernel=kernel, groups=width)
        self.narrow = convolution(width, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, h) to the same shape."""
        y: Tensor = x + self.narrow(self.filter(self.widen(x)))
        return y


class Chain(nn.Sequential):
    """The network of one genotype: (n, 1, 8, 8) images to (n, 40) logits."""

    def __init__(self, genes: Sequence[int]) -> None:
        stages = [
            nn.Sequential(*(Bottleneck(channels, *KINDS[int(gene)]) for gene in genes_of if gene))
            for channels, genes_of in zip(CHANNELS, stages_of(genes), strict=True)
        ]
        super().__init__(
            convolution(1, CHANNELS[0], kernel=3),
            stages[0],
            convolution(CHANNELS[0], CHANNELS[1], stride=2),
            stages[1],
            convolution(CHANNELS[1], HEAD),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(HEAD, CLASSES),
        )
