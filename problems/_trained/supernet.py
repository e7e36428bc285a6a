"""The supernet of a problem whose networks are all trained: a module with choices, on the images that they learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import nn

from mobench.live import Dataset, ModuleSpace
from mobench.live.data import Part
from mobench.live.module_network import Expected, ModuleNetwork
from mobench.live.module_problem import made
from mobench.problems._images import motif

__all__ = ["open_network", "space_of"]

Make = Callable[[], nn.Module]
Generate = Callable[[], tuple[motif.Part, motif.Part, motif.Part]]


def open_network(
    make: Make,
    generate: Generate,
    costs: Sequence[Expected],
    *,
    charge: Callable[[float], None],
    seed: int,
    batch: int,
) -> ModuleNetwork:
    """All networks at once: weights learn on the training images, alpha on the validation images.

    Parameters
    ----------
    make : callable
        Makes the module with weights of torch's generator.
    generate : callable
        The images' three parts.
    costs : sequence of Expected
        Of the objectives beside the error, in their units.
    charge : callable
        See `mobench.live.metered`.
    seed : int
        Address of weights, alpha and batches.
    batch : int
        Images in a batch.
    """
    return ModuleNetwork(
        space_of(make), partial(made, make), _dataset(generate), batch=batch, costs=costs, charge=charge, seed=seed
    )


@cache
def space_of(make: Make) -> ModuleSpace:
    """The space of a module for images of 8x8, made once."""
    return ModuleSpace(made(make, 0), torch.zeros(2, 1, motif.SIZE, motif.SIZE))


@cache
def _dataset(generate: Generate) -> Dataset:
    train, valid, test = (Part(torch.tensor(part.images)[:, None], torch.tensor(part.labels)) for part in generate())
    name = generate.__module__.rpartition(".")[2]
    return Dataset(name, train, valid, test, mean=torch.zeros(1, 1, 1), std=torch.ones(1, 1, 1))
