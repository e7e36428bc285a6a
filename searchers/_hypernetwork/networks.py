"""What makes MODNAS's hypernetwork: devices and what is known of them, its published tables and rays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench import CategoricalNetwork, Network, Space
from mobench.searchers._relaxed.relaxations import one_hot

REFERENCES = 10
"""Architectures whose costs describe a device."""
TABLES, INTERVALS = 50, 101
"""Tables of the hypernetwork, and rows of each published one: intervals of the first weight."""
EDGE = 1e-6
"""Smallest angle of a published ray to an axis."""


@dataclass(frozen=True, eq=False)
class Task:
    """A device: the objectives, q columns, that are traded on it, and what H knows of it, (f,)."""

    objectives: tuple[int, ...]
    features: Tensor

    def condition(self, r: Tensor) -> Tensor:
        """What H is asked: preference and device, (q + f,)."""
        return torch.cat([r, self.features])


def devices_of(known: Tensor, *, apart: bool) -> list[Task]:
    """One device a cost, or one for all, of the costs' features, (m - 1, f)."""
    if apart and len(known):
        return [Task((0, k), row) for k, row in enumerate(known, start=1)]
    return [Task(tuple(range(len(known) + 1)), known.flatten())]


def features(network: Network, space: Space, m: int, like: Tensor) -> Tensor:
    """What each cost's device is like, (m - 1, 10): costs of `REFERENCES` random architectures, scaled to 0 to 1."""
    rng = np.random.default_rng(1)
    if isinstance(network, CategoricalNetwork):
        references = one_hot(space.sample(rng, REFERENCES), like)
    else:
        references = like.detach() + torch.as_tensor(rng.standard_normal((REFERENCES, *like.shape))).to(like)
    with torch.no_grad():
        costs = torch.stack([torch.as_tensor(network.costs(p)) for p in references]).T
    if m == 1:
        return costs
    least, most = costs.amin(dim=1, keepdim=True), costs.amax(dim=1, keepdim=True)
    return (costs - least) / torch.where(most > least, most - least, torch.ones_like(most))


def circle(rays: int) -> Tensor:
    """Published rays, (rays, 2): even angles, length one."""
    angles = torch.linspace(EDGE, math.pi / 2 - EDGE, rays, dtype=torch.float64)
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def intervals(r: Tensor) -> Tensor:
    """Weights of the published tables' rows, (101,): all on the interval of the first weight of r."""
    return functional.one_hot((r[0] * (INTERVALS - 1)).round().long(), INTERVALS).to(r)


def closeness(r: Tensor, anchors: Tensor, width: float) -> Tensor:
    """Weights of the rows of preferences `anchors`, (k, q), at r, (q,): a normalised Gaussian kernel, (k,)."""
    return torch.softmax(-((anchors - r) ** 2).sum(dim=1) / (2.0 * width**2), dim=0)


class Tables(nn.Module):
    """The paper's MetaHypernetwork: rows of 50 tables, mixed by likeness of the device, and by the preference.

    Device: ``softmax(sin(E h / sqrt(f)))`` of its features h, (f,), and an embedding E, (50, f). Preference: what
    `weigh` gives, (k,) for k rows. The tables begin with small normal numbers around the initial alpha; the paper
    trains them to give such.
    """

    def __init__(
        self, k: int, f: int, weigh: Callable[[Tensor], Tensor], start: Tensor, generator: torch.Generator
    ) -> None:
        super().__init__()

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape, dtype=start.dtype).normal_(generator=generator).to(start.device))

        self.start, self.weigh = start, weigh
        self.embedding, self.tables = normal(TABLES, f), normal(TABLES, k, start.numel())
        with torch.no_grad():
            self.tables.mul_(1e-3)

    def forward(self, condition: Tensor) -> Tensor:
        """Alpha of a preference with the device's features behind it."""
        f = self.embedding.shape[1]
        q = len(condition) - f
        r, h = condition[:q], condition[q:]
        mixture = torch.softmax(torch.sin(self.embedding @ h / max(f, 1) ** 0.5), dim=0)
        change = torch.einsum("b,k,bkn->n", mixture, self.weigh(r), self.tables)
        return self.start + change.reshape(self.start.shape)
