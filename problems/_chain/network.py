"""A chain as a plain torch module, and all chains as one module with choices: stem, two stages of blocks, head."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from mobench.problems._chain.space import BLOCK_NAMES, CHANNELS, CLASSES, HEAD, KINDS, OPERATIONS, stages_of

Norm = Callable[[int], nn.Module]


def convolution(
    inputs: int, outputs: int, norm: Norm, *, kernel: int = 1, stride: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    """Convolution (padded by half its kernel; normal weights of variance 2 / fan-in), norm, and a ReLU unless told."""
    made = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    nn.init.kaiming_normal_(made.weight)
    return nn.Sequential(made, norm(outputs), nn.ReLU()) if relu else nn.Sequential(made, norm(outputs))


class Bottleneck(nn.Module):
    """A residual block: widen, filter each channel, narrow."""

    def __init__(self, channels: int, kernel: int, expansion: int, norm: Norm) -> None:
        super().__init__()
        width = channels * expansion
        self.widen = convolution(channels, width, norm)
        self.filter = convolution(width, width, norm, kernel=kernel, groups=width)
        self.narrow = convolution(width, channels, norm, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, h) to the same shape."""
        y: Tensor = x + self.narrow(self.filter(self.widen(x)))
        return y


def chain(genes: Sequence[int]) -> nn.Sequential:
    """The network of one genotype, with weights as its training begins: (n, 1, 8, 8) images to (n, 40) logits."""
    norm = nn.BatchNorm2d
    stages = [
        [Bottleneck(channels, *KINDS[gene], norm) for gene in map(int, stage) if gene]
        for channels, stage in zip(CHANNELS, stages_of(genes), strict=True)
    ]
    return _assembled(stages, norm)


def chains() -> nn.Sequential:
    """All networks at once: each block a choice of all operations, each of its own weights; norms by the batch."""
    from mobench.live import Choice, ElasticBatchNorm

    def choice(name: str, channels: int) -> Choice:
        blocks = [Bottleneck(channels, *kind, ElasticBatchNorm) for kind in KINDS[1:]]
        return Choice(name, **dict(zip(OPERATIONS, [nn.Identity(), *blocks], strict=True)))

    names = stages_of(BLOCK_NAMES)
    stages = [[choice(name, channels) for name in of] for channels, of in zip(CHANNELS, names, strict=True)]
    return _assembled(stages, ElasticBatchNorm)


def _assembled(stages: Sequence[Sequence[nn.Module]], norm: Norm) -> nn.Sequential:
    """The layers around the blocks of two stages."""
    made = functools.partial(convolution, norm=norm)
    return nn.Sequential(
        made(1, CHANNELS[0], kernel=3),
        nn.Sequential(*stages[0]),
        made(*CHANNELS, stride=2),
        nn.Sequential(*stages[1]),
        made(CHANNELS[1], HEAD),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(HEAD, CLASSES),
    )
