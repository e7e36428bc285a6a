"""ProxylessNAS: alpha learns from two sampled operations a gene, the weights from one (Cai, Zhu and Han 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mobench import CategoricalSupernet, Run
from mobench.searchers._relaxed.linear import Weights, by_alpha, detached
from mobench.searchers._relaxed.relaxations import existing, one_hot
from mobench.searchers._relaxed.search import Search, check_computes
from mobench.searchers._relaxed.settings import Count, OwnRelaxation
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)
BETAS = (0.0, 0.999)
"""Decay of the means of Adam on alpha: without momentum, what was not sampled rests."""


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of ProxylessNAS.

    Attributes
    ----------
    weight_steps : int
        Steps of the weights for one of alpha; in the paper they alternate, the authors' code for ImageNet takes five.
    """

    weight_steps: Count = 1
    alpha_decay: float = field(default=0.0, init=False)


def search(run: Run, options: Options) -> None:
    """Step the weights some times, each on a path that alpha draws, then alpha by two operations a gene.

    Raises
    ------
    ValueError
        The supernet computes no operation that has a share of zero.
    """

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(options.weight_steps):
            search.train(search.lower(search.draw("score")))
        chosen, active = pairs(search)
        h = gradient(search, chosen, active, search.weights)
        before = search.alpha.detach().clone()
        search.step_alpha(h, BETAS)
        with torch.no_grad():
            search.alpha.copy_(rescaled(before, search.alpha, chosen))
        return {"gradient": float(h.norm())}

    check_computes(run.supernet, "proxyless_nas")
    sweep(run, options, Method(step=step))


def pairs(search: Search) -> tuple[Tensor, Tensor]:
    """Two operations of each gene, drawn by their shares without replacement, and one of these by its share of the two.

    A gene that has one operation only keeps it.

    Returns
    -------
    chosen, active : Tensor
        (d, k) bool, and (d, k) one-hot.
    """
    alpha, generator = search.alpha.detach(), search.generator
    shares = torch.softmax(existing(alpha, search.mask), dim=-1).cpu()
    first = torch.multinomial(shares, 1, generator=generator)
    rest = shares.scatter(1, first, 0.0)
    alone = rest.sum(dim=1, keepdim=True) == 0
    second = torch.where(alone, first, torch.multinomial(torch.where(alone, shares, rest), 1, generator=generator))
    chosen = torch.zeros(shares.shape, dtype=torch.bool).scatter(1, torch.cat([first, second], dim=1), value=True)
    active = torch.multinomial(shares * chosen, 1, generator=generator).flatten()
    return chosen.to(alpha.device), one_hot(active, alpha)


def gradient(search: Search, chosen: Tensor, active: Tensor, weights: Weights) -> Tensor:
    """Gradient by alpha of the scalarised upper level, through the chosen operations' shares of each other.

    The network computes both, one of them with a share of zero; of the derivatives by the gates, g, alpha gets
    ``sum_j g_j p_j (delta_ij - p_i)`` over the two, p the softmax over them, and so it does of the costs of p.
    """
    alpha, r, batch = search.alpha, search.preference, search.network.valid_batch()
    p = torch.softmax(alpha.masked_fill(~chosen, -torch.inf), dim=-1)
    gates = active + (p - p.detach())
    loss: Tensor = search.network.valid_loss(detached(weights, leaf=False), gates, batch, **{"computed": chosen})
    total = r[0] * loss / search.unit
    return by_alpha(total + (r[1:] * search.network.costs(p) / search.scales).sum() if len(r) > 1 else total, alpha)


def rescaled(before: Tensor, after: Tensor, chosen: Tensor) -> Tensor:
    """Logits (d, k) after a step, the chosen ones shifted so that their share of all is what it was before."""
    sums = [
        torch.logsumexp(logits.masked_fill(~chosen, -torch.inf), dim=-1, keepdim=True) for logits in (before, after)
    ]
    return torch.where(chosen, after - (sums[1] - sums[0]), before)
