"""ENAS's controller: an LSTM that draws an architecture gene by gene, and how it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mobench import Array

LAYERS, WIDTH = 2, 32
"""Of the LSTM; these and the two below as in NAS-Bench-201's code."""
TEMPERATURE, LARGEST = 5.0, 2.5
"""Logits are ``2.5 tanh(z / 5)``."""
START = 0.1
"""Parameters begin uniform within it."""


class Controller(nn.Module):
    """Policy over architectures of d genes with up to k operations, on the CPU.

    Parameters
    ----------
    mask : Tensor
        (d, k) bool: which operations exist.
    generator : torch.Generator
        Of the first parameters.
    """

    def __init__(self, mask: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        build: Any = nn.utils.skip_init
        k = mask.shape[1]
        self.mask = mask
        self.first = nn.Parameter(torch.empty(1, WIDTH))
        self.cells = nn.ModuleList([build(nn.LSTMCell, WIDTH, WIDTH) for _ in range(LAYERS)])
        self.last = build(nn.Linear, WIDTH, k)
        self.embedding = build(nn.Embedding, k, WIDTH)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -START, START, generator=generator)

    def forward(self, n: int, rng: np.random.Generator) -> tuple[Array, Tensor, Tensor]:
        """Draw n architectures.

        Returns
        -------
        X, logs, entropies
            (n, d) int64, their log-probabilities, (n,), and sums over the genes of the entropies on the way, (n,).
        """
        value = self.first.expand(n, -1)
        states = [(torch.zeros_like(value), torch.zeros_like(value))] * LAYERS
        genes, logs, entropies = [], [], []
        for exists in self.mask:
            for layer, cell in enumerate(self.cells):
                states[layer] = cell(value, states[layer])
                value = states[layer][0]
            logits = LARGEST * torch.tanh(self.last(value) / TEMPERATURE)
            log_shares = torch.log_softmax(logits.masked_fill(~exists, -torch.inf), dim=1)
            shares = log_shares.exp()
            drawn = torch.from_numpy(_draw(shares.detach().numpy(), rng))
            genes.append(drawn)
            logs.append(log_shares.gather(1, drawn[:, None])[:, 0])
            entropies.append(-(shares * log_shares.masked_fill(~exists, 0.0)).sum(dim=1))
            value = self.embedding(drawn)
        return torch.stack(genes, dim=1).numpy(), torch.stack(logs).sum(dim=0), torch.stack(entropies).sum(dim=0)


def _draw(shares: Array, rng: np.random.Generator) -> Array:
    """One operation a row of (n, k) probabilities, (n,): the first whose cumulated share exceeds a uniform number.

    Raises
    ------
    FloatingPointError
        They are not finite: the controller diverged.
    """
    cumulated = shares.cumsum(axis=1, dtype=np.float64)
    if not np.isfinite(cumulated).all():
        raise FloatingPointError("controller: its probabilities are not finite: it diverged; lower controller_rate")
    drawn: Array = (cumulated <= rng.random((len(shares), 1)) * cumulated[:, -1:]).sum(axis=1)
    return drawn


def policy_loss(logs: Tensor, rewards: Tensor, baseline: float, entropies: Tensor, *, entropy_weight: float) -> Tensor:
    """Loss of REINFORCE (Williams 1992) of draws with log-probabilities, rewards and entropies of shape (n,).

    Its gradient is that of minus the expected reward, without bias whatever the baseline, and of minus the entropy.
    """
    return -((rewards - baseline) * logs).mean() - entropy_weight * entropies.mean()
