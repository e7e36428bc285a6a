"""A network on an image's patches: embedded, told their places, mapped, averaged, classified."""

from __future__ import annotations

from torch import Tensor, nn


class Tokens(nn.Module):
    """Patches (n, c, h, w) to tokens (n, h w, c), their positions added, to logits."""

    def __init__(self, patches: nn.Module, positions: nn.Module, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.patches, self.positions, self.body, self.head = patches, positions, body, head

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits, (n, classes)."""
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions()
        logits: Tensor = self.head(self.body(x).mean(dim=1))
        return logits
