"""MobileNet's blocks in elastic sizes."""

from __future__ import annotations

from torch import Tensor, nn

from mobench.live import ElasticBatchNorm, ElasticConv2d
from mobench.live.genes import Width


def unit(
    inputs: Width, outputs: Width | None = None, *, kernel: Width = 1, stride: int = 1, last: bool = False
) -> nn.Sequential:
    """Convolution (depthwise where `outputs` is left out), batch norm, and a ReLU6 unless it is the last of a block."""
    norm = ElasticBatchNorm(inputs if outputs is None else outputs)
    convolution = ElasticConv2d(inputs, outputs, kernel=kernel, stride=stride)
    return nn.Sequential(convolution, norm) if last else nn.Sequential(convolution, norm, nn.ReLU6())


class Residual(nn.Module):
    """``x + f(x)`` where f keeps the shape, else f."""

    def __init__(self, body: nn.Module, *, keeps: bool) -> None:
        super().__init__()
        self.body, self.keeps = body, keeps

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, h, w) to (n, c', h', w')."""
        y: Tensor = self.body(x)
        return x + y if self.keeps else y


def inverted(inputs: Width, outputs: Width, *, expand: Width, kernel: Width, stride: int = 1) -> Residual:
    """MobileNetV2's block: widen to `expand`, filter channel by channel, narrow (Sandler et al. 2018)."""
    body = nn.Sequential(
        unit(inputs, expand), unit(expand, kernel=kernel, stride=stride), unit(expand, outputs, last=True)
    )
    return Residual(body, keeps=inputs is outputs and stride == 1)
