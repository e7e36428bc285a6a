"""FairDARTS: each operation has a sigmoid of its own, and a loss drives these to zero or one (Chu et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mobench import CategoricalSupernet, Run
from mobench.searchers._relaxed.linear import by_alpha, detached
from mobench.searchers._relaxed.relaxations import existing
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import NotNegative, OwnRelaxation
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)
BETAS = (0.9, 0.999)
"""Decay of the means of Adam on alpha; the authors'."""


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of FairDARTS.

    Attributes
    ----------
    zero_one : float
        Weight of the loss that drives sigmoids to zero or one; the paper's.
    """

    zero_one: NotNegative = 10.0


def search(run: Run, options: Options) -> None:
    """Alternate a step of alpha on a validation batch and a step of the weights on a training batch."""

    def step(search: Search) -> Mapping[str, float]:
        h = gradient(search, options.zero_one)
        search.step_alpha(h, BETAS)
        search.train(search.lower(lambda alpha: shares(alpha, search.mask)))
        return {"gradient": float(h.norm()), "zero_one": float(zero_one(search.alpha.detach(), search.mask))}

    sweep(run, options, Method(step=step))


def shares(alpha: Tensor, mask: Tensor | None) -> Tensor:
    """The sigmoid of each logit, (d, k): rows sum to anything. What does not exist has none."""
    return torch.sigmoid(existing(alpha, mask))


def zero_one(alpha: Tensor, mask: Tensor | None) -> Tensor:
    """``-mean (sigmoid(alpha) - 1/2)^2`` over the operations that exist, at least -1/4 (Chu et al. 2020)."""
    squares = (torch.sigmoid(alpha) - 0.5) ** 2
    return -(squares if mask is None else squares[mask]).mean()


def gradient(search: Search, weight: float) -> Tensor:
    """Gradient by alpha of the upper level plus `weight` times the zero-one loss, the weights held fixed.

    Costs are those of an operation drawn in proportion to the sigmoids of its gene.
    """
    alpha, mask, r = search.alpha, search.mask, search.preference
    loss = r[0] * search.valid(lambda alpha: shares(alpha, mask))(detached(search.weights, leaf=False), alpha)
    if len(r) > 1:
        p = shares(alpha, mask)
        loss = loss + (r[1:] * search.costs(lambda alpha: p / p.sum(dim=-1, keepdim=True))(alpha)).sum()
    return by_alpha(loss + weight * zero_one(alpha, mask), alpha)
