"""Divergence has a name: parameters that are no longer finite, or weights that have grown beyond all reason."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mobench.searchers._relaxed.linear import Weights, norm

GROWTH = 1e6
"""Weights of so many times one more than their first norm say nothing any more."""


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
