"""The supernet of transformers: a module with choices, on the images of `motif_transformer`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mobench.live import ModuleSpace
from mobench.live.module_network import ModuleNetwork
from mobench.problems._images.motif_transformer import generate
from mobench.problems._trained.supernet import open_network
from mobench.problems._transformer.network import transformers
from mobench.problems._transformer.space import HEADS, LAYERS, PARTS, WIDTHS, PartCosts


def open_supernet(
    costs: Sequence[PartCosts], *, charge: Callable[[float], None], seed: int, batch: int
) -> ModuleNetwork:
    """All transformers at once; see `mobench.problems._trained.supernet`."""
    expected = [functools.partial(_expected, cost) for cost in costs]
    return open_network(transformers, generate, expected, charge=charge, seed=seed, batch=batch)


def _expected(cost: PartCosts, _: ModuleSpace, p: Tensor) -> Tensor:
    """A sum over parts, whose terms depend on the width and one more gene, is exact in the shares."""
    fixed, parts = (torch.as_tensor(term, dtype=p.dtype, device=p.device) for term in cost)
    shares = p[1 : 1 + PARTS, : len(HEADS)].reshape(LAYERS, *parts.shape[1:]).sum(dim=0)
    found: Tensor = p[0, : len(WIDTHS)] @ (fixed + (parts * shares).sum(dim=(1, 2)))
    return found
