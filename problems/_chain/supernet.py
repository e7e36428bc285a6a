"""The supernet of chains: a module with choices, on the images of `motif_chain`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mobench.live import ModuleSpace
from mobench.live.module_network import ModuleNetwork
from mobench.problems._chain.network import chains
from mobench.problems._chain.space import BlockCosts
from mobench.problems._images.motif_chain import generate
from mobench.problems._trained.supernet import open_network


def open_supernet(
    costs: Sequence[BlockCosts], *, charge: Callable[[float], None], seed: int, batch: int
) -> ModuleNetwork:
    """All chains at once; see `mobench.problems._trained.supernet`."""
    expected = [functools.partial(_expected, cost) for cost in costs]
    return open_network(chains, generate, expected, charge=charge, seed=seed, batch=batch)


def _expected(cost: BlockCosts, _: ModuleSpace, p: Tensor) -> Tensor:
    """A sum over blocks is exact in the shares."""
    return cost.fixed + (p * torch.as_tensor(cost.blocks, dtype=p.dtype, device=p.device)).sum()
