"""The supernet of chains: a module with choices, on the images of `motif_chain`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from mobench.live import Dataset, ModuleSpace
from mobench.live.data import Part
from mobench.live.module_network import ModuleNetwork
from mobench.problems._chain.network import chains
from mobench.problems._chain.space import SIZE, BlockCosts
from mobench.problems._images.motif_chain import generate


def open_supernet(
    costs: Sequence[BlockCosts], *, charge: Callable[[float], None], seed: int, batch: int
) -> ModuleNetwork:
    """All chains at once: weights learn on the training images, alpha on the validation images.

    Parameters
    ----------
    costs : sequence of BlockCosts
        Of the objectives beside the error, in their units.
    charge : callable
        See `mobench.live.metered`.
    seed : int
        Address of weights, alpha and batches.
    batch : int
        Images in a batch.
    """
    expected = [functools.partial(_expected, cost) for cost in costs]
    return ModuleNetwork(_space(), _made, _dataset(), batch=batch, costs=expected, charge=charge, seed=seed)


@cache
def _space() -> ModuleSpace:
    return ModuleSpace(_made(0), torch.zeros(2, 1, SIZE, SIZE))


@cache
def _dataset() -> Dataset:
    train, valid, test = (Part(torch.tensor(part.images)[:, None], torch.tensor(part.labels)) for part in generate())
    return Dataset("motif_chain", train, valid, test, mean=torch.zeros(1, 1, 1), std=torch.ones(1, 1, 1))


def _made(seed: int) -> nn.Module:
    """The module with weights drawn by a seed of torch's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return chains()


def _expected(cost: BlockCosts, _: ModuleSpace, p: Tensor) -> Tensor:
    """A sum over blocks is exact in the shares."""
    return cost.fixed + (p * torch.as_tensor(cost.blocks, dtype=p.dtype, device=p.device)).sum()
