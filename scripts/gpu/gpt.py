"""HW-GPT-Bench's networks as torch modules: what its latencies were measured on, in weights that nobody trained.

A GPT-NeoX block (attention and MLP side by side), heads of 64 units whatever the width, rotary positions on a quarter
of them, a gated MLP, layer norms, input and output embeddings of their own. The parameters are those that upstream
counted.

Source: Sukthanker et al., HW-GPT-Bench, arXiv 2405.10299 (2024), and the authors' configurations.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench.problems._hw_gpt.scales import HEAD, RATIOS, VOCABULARY, Scale

ROTATED = HEAD // 4
"""Units of a head that are rotated."""


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, width: int, heads: int, *, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.attend = nn.Linear(width, 3 * HEAD * heads, bias=bias)
        self.project = nn.Linear(HEAD * heads, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, width) to the same shape."""
        q, k, v = self.attend(x).unflatten(2, (3, self.heads, HEAD)).permute(2, 0, 3, 1, 4)
        cosine, sine = rotations(x.shape[1], x.device)
        q, k = (torch.cat([rotated(y[..., :ROTATED], cosine, sine), y[..., ROTATED:]], dim=-1) for y in (q, k))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        found: Tensor = self.project(y.transpose(1, 2).flatten(2))
        return found


class Block(nn.Module):
    """Attention and a gated MLP side by side on a residual stream."""

    def __init__(self, width: int, heads: int, ratio: int, *, bias: bool) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attention = Attention(width, heads, bias=bias)
        self.gate, self.value = (nn.Linear(width, ratio * width, bias=bias) for _ in range(2))
        self.narrow = nn.Linear(ratio * width, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, t, width) to the same shape."""
        first, second = (norm(x) for norm in self.norms)
        y: Tensor = x + self.attention(first) + self.narrow(functional.silu(self.gate(second)) * self.value(second))
        return y


class GPT(nn.Module):
    """One network of a scale: (n, t) tokens to (n, t, VOCABULARY) logits, in bfloat16 autocast as upstream measured.

    Parameters
    ----------
    genes : sequence of int
        Width, depth, bias, then heads and MLP ratio of each layer; those of absent layers decide nothing.
    """

    def __init__(self, genes: Sequence[int], scale: Scale) -> None:
        super().__init__()
        width, depth, bias = scale.widths[genes[0]], scale.depths[genes[1]], bool(genes[2])
        layers = zip(genes[3::2][:depth], genes[4::2][:depth], strict=True)
        self.embed = nn.Embedding(VOCABULARY, width)
        self.blocks = nn.Sequential(*(Block(width, scale.heads[h], RATIOS[r], bias=bias) for h, r in layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Compute the logits."""
        with torch.autocast(tokens.device.type, dtype=torch.bfloat16):
            logits: Tensor = self.head(self.norm(self.blocks(self.embed(tokens))))
        return logits


def rotations(tokens: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the angles of each position, (tokens, ROTATED); computed in each layer, as upstream does."""
    speeds = 10_000.0 ** (-torch.arange(0, ROTATED, 2, device=device) / ROTATED)
    angles = torch.outer(torch.arange(tokens, device=device), speeds).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate pairs of units, half of `ROTATED` apart: (..., t, ROTATED) to the same shape."""
    first, second = x.chunk(2, dim=-1)
    return (x * cosine + torch.cat([-second, first], dim=-1) * sine).to(x.dtype)
