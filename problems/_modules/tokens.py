"""A network on an image's patches: embedded, told their places, mapped, pooled, classified."""

from __future__ import annotations

from torch import Tensor, nn


class Mean(nn.Module):
    """The mean over tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, c) to (n, c)."""
        return x.mean(dim=1)


class Max(nn.Module):
    """The largest over tokens, channel by channel."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, c) to (n, c)."""
        return x.amax(dim=1)


class Tokens(nn.Module):
    """Patches (n, c, h, w) to tokens (n, h w, c), their positions added, to logits."""

    def __init__(
        self, patches: nn.Module, positions: nn.Module, body: nn.Module, pool: nn.Module, head: nn.Module
    ) -> None:
        super().__init__()
        self.patches, self.positions, self.body, self.pool, self.head = patches, positions, body, pool, head

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits, (n, classes)."""
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions()
        logits: Tensor = self.head(self.pool(self.body(x)))
        return logits
