"""Weights that a hypernetwork makes of an architecture: shared ones, and a change that is linear in a learned code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mobench import Array, Run
from mobench.searchers._one_shot.supernet import Sharing, Training
from mobench.searchers._relaxed.linear import Vector, Weights
from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers._relaxed.settings import NotNegative, Positive


@dataclass(frozen=True, kw_only=True)
class Making(Training):
    """Options of searchers whose hypernetwork makes weights.

    Attributes
    ----------
    learning_rate : float
        Of Adam, with cosine decay along the ledger.
    weight_decay : float
        Of Adam.
    """

    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 0.0


class Made(Sharing):
    """Weights of an architecture with codes C, (c, r): shared ones, and changes ``V C_i`` that begin at zero.

    So a hypernetwork begins as plain weight sharing. While its code rests, a gradient step of rate t on what it makes
    is an ordinary one of the weights, of rate ``t (1 + ||C_i||^2)``.

    Parameters
    ----------
    encoder : nn.Module
        An architecture as p, (d, k), to its codes.
    rows : mapping of str to int
        Which code a weight is made of; 0 where it is not named.
    shape : (2,) tuple of int
        Of the codes.
    """

    def __init__(self, run: Run, encoder: nn.Module, rows: Mapping[str, int], shape: tuple[int, int]) -> None:
        super().__init__(run)
        self.shared = self.learned
        self.like = run.supernet.initial_alpha().detach()
        self.encoder = encoder.to(self.like.device, self.like.dtype)
        self.rows = {row: [name for name in self.shared if rows.get(name, 0) == row] for row in range(shape[0])}
        self.rows = {row: names for row, names in self.rows.items() if names}
        self.changes = {
            str(row): self.like.new_zeros(sum(self.shared[n].numel() for n in names), shape[1]).requires_grad_()
            for row, names in self.rows.items()
        }
        groups: dict[str, Mapping[str, Tensor]] = {
            "shared": self.shared, "changes": self.changes, "encoder": dict(self.encoder.named_parameters())
        }  # fmt: skip
        self.learned = {f"{group}.{name}": value for group, of in groups.items() for name, value in of.items()}

    def weights(self, x: Array) -> Weights:
        """The network's weights as H makes them for x, (d,)."""
        codes = self.encoder(one_hot(x, self.like))
        made: Vector = {}
        for row, names in self.rows.items():
            parts = (self.changes[str(row)] @ codes[row]).split([self.shared[name].numel() for name in names])
            made |= {n: self.shared[n] + part.view_as(self.shared[n]) for n, part in zip(names, parts, strict=True)}
        return made


def layer(inputs: int, outputs: int, generator: torch.Generator, *, bias: bool = True) -> nn.Linear:
    """A linear layer that begins uniform within 1/sqrt(inputs), as torch's, by a generator."""
    build: Any = nn.utils.skip_init
    made: nn.Linear = build(nn.Linear, inputs, outputs, bias=bias)
    for parameter in made.parameters():
        nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=generator)
    return made
