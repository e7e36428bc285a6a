"""One-shot errors: what architectures get wrong with the weights that they share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mobench.core.space import Array
from mobench.live.batch import Batch
from mobench.live.meter import FORWARD, Charge

__all__ = ["one_shot_errors"]

Path = tuple[float, Callable[[Tensor], Tensor]]
"""Multiply-adds of an image, and what gives the logits of images."""


def one_shot_errors(
    X: Array,
    path: Callable[[Array], Path],
    inputs: Callable[[Batch], tuple[Tensor, Tensor]],
    *,
    batches: int,
    charge: Charge,
) -> Array:
    """Validation error in per cent of (n, d) architectures on the first batches of the validation order; (n,).

    Parameters
    ----------
    X : Array
        (n, d) architectures.
    path : callable
        The price and the logits of one architecture, (d,).
    inputs : callable
        Images and labels of a batch.
    batches : int
        How many batches, the same at every call.
    charge : callable
        Takes the price of each forward pass before it is made.

    Raises
    ------
    BudgetExhausted
        By `charge`, before the pass that the budget cannot pay.
    ValueError
        Fewer than one batch.
    """
    if batches < 1:
        raise ValueError(f"batches: expected at least 1, found {batches}")
    parts = [inputs(Batch("valid", number)) for number in range(batches)]
    errors = np.empty(len(X))
    with torch.no_grad():
        for row, x in enumerate(np.asarray(X, dtype=np.int64)):
            price, logits = path(x)
            wrong = torch.zeros((), dtype=torch.int64, device=parts[0][0].device)
            for images, labels in parts:
                charge(FORWARD * len(images) * price)
                wrong += (logits(images).argmax(dim=1) != labels).sum()
            errors[row] = 100.0 * int(wrong) / sum(len(labels) for _, labels in parts)
    return errors
