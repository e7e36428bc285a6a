"""DARTS: alternating gradient steps of architecture and weights, first or second order (Liu et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed.hypergradients import through_next_step
from mobench.searchers._relaxed.linear import Loss, Weights, by_alpha
from mobench.searchers._relaxed.search import Diagnostics, Search
from mobench.searchers._relaxed.settings import RADIUS, Positive, Stabilised
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(Stabilised):
    """Options of DARTS.

    Attributes
    ----------
    order : {1, 2}
        The first takes the weights for constant, the second differentiates through their next step, by finite
        differences; the paper offers both.
    radius : float
        Of the second order's finite differences, as the length of the weights' change; ours: 0.01 in the paper, where
        kinks of ReLU decide on small networks.
    """

    order: Literal[1, 2] = 1
    radius: Positive = RADIUS


def search(run: Run, options: Options) -> None:
    """Alternate a step of alpha on a validation batch and a step of the weights on a training batch."""

    def step(search: Search) -> Diagnostics:
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        if options.order == 1:
            h = hypergradient(upper, search.weights, search.alpha)
        else:
            h = through_next_step(search, upper, lower, radius=options.radius)
        search.step_alpha(h)
        search.train(lower)
        return {"gradient": h.norm()}

    sweep(run, options, Method(step=step))


def hypergradient(upper: Loss, weights: Weights, alpha: Tensor) -> Tensor:
    """First-order hypergradient ``grad_alpha F(w, alpha)``, in alpha's shape: the weights' response is left out."""
    return by_alpha(upper({name: weight.detach() for name, weight in weights.items()}, alpha), alpha)
