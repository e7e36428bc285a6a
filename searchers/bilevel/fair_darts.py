"""FairDARTS: each operation has a sigmoid of its own, and a loss drives these to zero or one (Chu et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor

from mobench import Array, CategoricalSupernet, Run
from mobench.searchers._relaxed import discretisation as _discretisation
from mobench.searchers._relaxed.linear import by_alpha, detached
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import NotNegative, OwnRelaxation
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)
BETAS = (0.9, 0.999)
"""Decay of the means of Adam on alpha; the authors'."""
ABSENT = "none"
"""The operation that stands for a gene of which no operation is present."""


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of FairDARTS.

    Attributes
    ----------
    zero_one : float
        Weight of the loss that drives sigmoids to zero or one; 10 in the paper.
    threshold : float
        The least sigmoid of an operation that is present, where a gene may be without any; ours: 0.85 in the paper,
        which few sigmoids reach in the tens of steps of a preference.
    """

    zero_one: NotNegative = 10.0
    threshold: Annotated[float, Interval(ge=0, lt=1)] = 0.5
    candidates: int = field(default=1, init=False)


def search(run: Run, options: Options) -> None:
    """Alternate a step of alpha on a validation batch and a step of the weights on a training batch."""

    def step(search: Search) -> Mapping[str, float]:
        real = present(search)
        h = gradient(search, real, options.zero_one)
        search.step_alpha(h, BETAS)
        search.train(search.lower(lambda alpha: shares(alpha, real)))
        return {"gradient": float(h.norm()), "zero_one": float(zero_one(search.alpha.detach(), real))}

    sweep(run, options, Method(step=step, architecture=partial(architecture, threshold=options.threshold)))


def present(search: Search) -> Tensor:
    """(d, k) bool: the operations that have a sigmoid, all that exist but `ABSENT`."""
    found = torch.zeros(search.alpha.shape, dtype=torch.bool)
    for gene, names in enumerate(search.operations or ()):
        found[gene, : len(names)] = torch.tensor([name != ABSENT for name in names])
    return found.to(search.alpha.device)


def shares(alpha: Tensor, real: Tensor) -> Tensor:
    """The sigmoid of each operation that has one, (d, k): rows sum to anything."""
    return torch.sigmoid(alpha.masked_fill(~real, -torch.inf))


def zero_one(alpha: Tensor, real: Tensor) -> Tensor:
    """``-mean (sigmoid(alpha) - 1/2)^2`` over the operations that have a sigmoid, at least -1/4 (Chu et al. 2020)."""
    return -((torch.sigmoid(alpha[real]) - 0.5) ** 2).mean()


def chances(search: Search, real: Tensor) -> Tensor:
    """What each operation of a gene is chosen with, (d, k), rows that sum to one: the shares that costs are taken of.

    All are present independently, by their sigmoids: `ABSENT` where none is, else one in proportion to the sigmoids.
    """
    sigmoids = shares(search.alpha, real)
    absent = (
        torch.ones(search.alpha.shape, dtype=torch.bool, device=real.device) if search.mask is None else search.mask
    )
    absent = absent & ~real
    none = (1.0 - sigmoids).prod(dim=-1, keepdim=True) * absent.any(dim=-1, keepdim=True)
    total = sigmoids.sum(dim=-1, keepdim=True)
    return torch.where(absent, none, (1.0 - none) * sigmoids / torch.where(total > 0, total, 1.0))


def gradient(search: Search, real: Tensor, weight: float) -> Tensor:
    """Gradient by alpha of the upper level plus `weight` times the zero-one loss, the weights held fixed."""
    alpha, r = search.alpha, search.preference
    loss = r[0] * search.valid(lambda alpha: shares(alpha, real))(detached(search.weights, leaf=False), alpha)
    if len(r) > 1:
        loss = loss + (r[1:] * search.network.costs(chances(search, real)) / search.scales).sum()
    return by_alpha(loss + weight * zero_one(alpha, real), alpha)


def architecture(search: Search, *, threshold: float) -> Array:
    """What alpha stands for, (1, d): each gene's operation of the largest sigmoid, `ABSENT` if it is below `threshold`.

    A gene that cannot be without operations, or is not to be (`leave_out`), has the largest whatever it is.
    """
    real, out = present(search), _discretisation.left_out(search)
    allowed = real if out is None else real & ~out
    sigmoids = shares(search.alpha.detach(), allowed).cpu()
    x: Array = sigmoids.argmax(dim=1).numpy().astype(np.int64)[None]
    for gene, names in enumerate(search.operations or ()):
        if ABSENT in names and float(sigmoids[gene].max()) < threshold:
            absent = names.index(ABSENT)
            if out is None or not bool(out[gene, absent]) or not bool(allowed[gene].any()):
                x[0, gene] = absent
    return x
