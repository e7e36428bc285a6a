"""Divergence has a name: parameters that are no longer finite, or weights that have grown beyond all reason."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mobench.searchers._relaxed.linear import Weights, norm

GROWTH = 1e6
"""Weights of so many times one more than their first norm say nothing any more."""
HEADROOM = 1e3
"""How far below the largest number of their kind learning rates stay: Adam divides its first by a tenth or less."""


def check_rate(name: str, rate: float, like: Tensor) -> None:
    """Refuse a learning rate beyond what the numbers that it moves can hold, before torch does in words of its own.

    Raises
    ------
    ValueError
    """
    most = torch.finfo(like.dtype).max / HEADROOM
    if rate > most:
        kind = str(like.dtype).removeprefix("torch.")
        raise ValueError(f"{name}: expected at most {most:.1e}, as {kind} holds no step of it, found {rate:.1e}")


def check_alpha(alpha: Tensor, mask: Tensor | None, *, steps: int) -> None:
    """Refuse logits of which one that exists is not finite.

    Raises
    ------
    FloatingPointError
    """
    if not bool(torch.isfinite(alpha if mask is None else alpha[mask]).all()):
        raise FloatingPointError(
            f"alpha is not finite after {steps} steps: the search diverged; lower alpha_rate or learning_rate"
        )


def check_weights(weights: Weights, first: float, *, steps: int) -> None:
    """Refuse weights that are not finite, or `GROWTH` times one more than their `first` norm.

    Raises
    ------
    FloatingPointError
    """
    length = norm(weights)
    if not math.isfinite(length) or length > GROWTH * (1.0 + first):
        raise FloatingPointError(
            f"weights: their norm is {length:.1e} after {steps} steps and was {first:.1e}: the training diverged; "
            "lower learning_rate"
        )
