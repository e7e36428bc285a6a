"""Units of the objectives of a search: their ranges over the same fifty random architectures."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mobench import CategoricalNetwork, Network, Space
from mobench.searchers._relaxed.linear import Weights
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
    return _range(costs.to(scales.device), scales)


def error_unit(search: Search, space: Space) -> Tensor:
    """Range of the validation loss on the next batch with the weights as they are, a scalar; one for a plain vector.

    Charged are the forward passes.
    """
    if search.operations is None:
        return torch.ones((), dtype=search.alpha.dtype, device=search.alpha.device)
    return loss_range(search.network, search.weights, space, search.alpha)


def loss_range(network: Network, weights: Weights, space: Space, like: Tensor) -> Tensor:
    """Range of the validation loss of architectures of genes on the next batch, a scalar; forward passes are charged.

    `like` has the shape, dtype and device of alpha.
    """
    batch = network.valid_batch()
    with torch.no_grad():
        losses = torch.stack([torch.as_tensor(network.valid_loss(weights, p, batch)) for p in _paths(space, like)])
    return _range(losses, torch.ones_like(losses[0]))


def _paths(space: Space, like: Tensor) -> Tensor:
    """The fifty architectures, (50, d, k), on the CPU: no pass waits for the device to learn what to compute."""
    return one_hot(space.sample(np.random.default_rng(0), ARCHITECTURES), like.detach().cpu())


def _range(values: Tensor, otherwise: Tensor) -> Tensor:
    """Largest less smallest along the first axis, and `otherwise` where these are equal."""
    spread = values.amax(dim=0) - values.amin(dim=0)
    return torch.where(spread > 0, spread, otherwise)
