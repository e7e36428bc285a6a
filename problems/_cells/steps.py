"""Steps of a cell, whatever form it is computed in: a batch norm by the batch, a weighted sum."""

from __future__ import annotations

import torch
from torch import Tensor


def norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Batch norm of (n, c, ...) by the statistics of the batch."""
    return torch.batch_norm(x, scale, shift, None, None, True, 0.0, 1e-5, True)


def add(rest: Tensor | None, term: Tensor, share: Tensor | None) -> Tensor:
    """``rest + share * term``."""
    if share is None:
        return term if rest is None else rest + term
    return share * term if rest is None else torch.addcmul(rest, share, term)
