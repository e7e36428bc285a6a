"""Units of the objectives of a search: their ranges over the same fifty random architectures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mobench import CategoricalNetwork, Network, Space
from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers._relaxed.search import Search

ARCHITECTURES = 50
"""Random architectures behind a range."""


def cost_scales(network: Network, space: Space, m: int, like: Tensor) -> Tensor:
    """Range of each cost, (m - 1,); ones where alpha is a plain vector."""
    scales = torch.ones(m - 1, dtype=like.dtype, device=like.device)
    if m == 1 or not isinstance(network, CategoricalNetwork):
        return scales
    with torch.no_grad():
        costs = torch.stack([torch.as_tensor(network.costs(p)) for p in _paths(space, like)])
    return _range(costs, scales)


def error_unit(search: Search, space: Space) -> Tensor:
    """Range of the validation loss on the next batch with the weights as they are, a scalar; one for a plain vector.

    Charged are the forward passes.
    """
    one = torch.ones((), dtype=search.alpha.dtype, device=search.alpha.device)
    if search.operations is None:
        return one
    batch = search.network.valid_batch()
    with torch.no_grad():
        paths = _paths(space, search.alpha)
        losses = torch.stack([torch.as_tensor(search.network.valid_loss(search.weights, p, batch)) for p in paths])
    return _range(losses, one)


def _paths(space: Space, like: Tensor) -> Tensor:
    """The fifty architectures, (50, d, k)."""
    return one_hot(space.sample(np.random.default_rng(0), ARCHITECTURES), like)


def _range(values: Tensor, otherwise: Tensor) -> Tensor:
    """Largest less smallest along the first axis, and `otherwise` where these are equal."""
    spread = values.amax(dim=0) - values.amin(dim=0)
    return torch.where(spread > 0, spread, otherwise)
