"""The two halves of a transformer's block in elastic sizes: attention of some heads, and a perceptron a token."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mobench.live.genes import Quantity, Width
from mobench.live.layers import ElasticLinear

__all__ = ["ElasticHeads", "ElasticMLP"]


class ElasticMLP(nn.Sequential):
    """Linear, activation, linear, (..., width) to (..., width), of an elastic hidden width."""

    def __init__(self, width: Width, hidden: Width, *, activation: Callable[[], nn.Module] = nn.GELU) -> None:
        super().__init__(ElasticLinear(width, hidden), activation(), ElasticLinear(hidden, width))


class ElasticHeads(nn.Module):
    """Self-attention of an elastic number of heads, each of a fixed size, on tokens (n, t, width).

    In a mixture each head's output counts as often as the head exists.
    """

    def __init__(self, width: Width, heads: Width, *, size: int = 8) -> None:
        super().__init__()
        self.size, self.inner = size, Quantity.of(heads).rounded * size
        self.q, self.k, self.v = (ElasticLinear(width, self.inner) for _ in range(3))
        self.out = ElasticLinear(self.inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, width) to the same shape; softmax written out, as fused attention has no second derivative."""
        q, k, v = (f(x).unflatten(-1, (-1, self.size)).transpose(1, 2) for f in (self.q, self.k, self.v))
        shares = torch.softmax(q @ k.transpose(-1, -2) / self.size**0.5, dim=-1)
        y: Tensor = self.out((shares @ v).transpose(1, 2).flatten(2))
        return y

    def own_flops(self, outputs: torch.Size) -> Quantity:
        """Two products of (t, t) and (t, size) matrices a head, beside the layers' own."""
        return self.inner * (2 * outputs[0] * outputs[1] ** 2)
