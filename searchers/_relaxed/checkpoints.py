"""Tensors in a checkpoint: groups of named tensors as one flat mapping of arrays, and back in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mobench import Array


def packed(**groups: Mapping[str, Tensor]) -> dict[str, Array]:
    """Arrays by ``group/name``."""
    pairs = ((f"{group}/{name}", value) for group, values in groups.items() for name, value in values.items())
    return {key: value.detach().cpu().numpy() for key, value in pairs}


def unpacked(saved: Mapping[str, Any], group: str) -> dict[str, Tensor]:
    """The tensors of a group by name, on the CPU; none where the checkpoint has none."""
    prefix = f"{group}/"
    return {key.removeprefix(prefix): torch.from_numpy(saved[key]) for key in saved if key.startswith(prefix)}


def fill(values: Mapping[str, Tensor], saved: Mapping[str, Any], group: str) -> None:
    """Write a group's tensors over `values`, which have the same names and shapes."""
    found = unpacked(saved, group)
    with torch.no_grad():
        for name, value in values.items():
            value.copy_(found[name])


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of its parameters, by ``position/kind``; nothing before the first step."""
    kept = optimizer.state_dict()["state"]
    return {f"{i}/{kind}": value for i, of_one in kept.items() for kind, value in of_one.items() if value is not None}


def remember(optimizer: torch.optim.Optimizer, found: Mapping[str, Tensor]) -> None:
    """Give a fresh optimiser of the same parameters what `moments` found."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in found.items():
        position, kind = key.split("/")
        state.setdefault(int(position), {})[kind] = value.clone()
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
