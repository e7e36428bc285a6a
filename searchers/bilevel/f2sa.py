"""F2SA: a penalty of the lower level with two copies of the weights, first order only (Kwon et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, by_alpha, detached, gradient, plus, times
from mobench.searchers._relaxed.search import Diagnostics, Search, clipped, descend
from mobench.searchers._relaxed.settings import BilevelAdam, Count, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(BilevelAdam):
    """Options of F2SA.

    Attributes
    ----------
    inner_steps : int
        Steps of both copies before each step of alpha; as in the paper.
    multiplier : float
        The penalty lambda at the beginning of a preference's search; ours. Steps of the second copy are divided by one
        more than it.
    growth : float
        How many times larger the penalty is at the end, with a power that is the share of the search done: the bias of
        the hypergradient falls with it, however many steps a budget pays for; ours.
    """

    inner_steps: Count = 1
    multiplier: Positive = 1.0
    growth: Annotated[float, Ge(1)] = 10.0


def search(run: Run, options: Options) -> None:
    """Train one copy of the weights for the lower level, one for the penalised upper level, and compare them."""

    def step(search: Search) -> Diagnostics:
        if not _part(search.extra, "y/"):
            search.extra |= {f"y/{name}": value for name, value in detached(search.weights, leaf=False).items()}
            search.extra |= {f"v/{name}": torch.zeros_like(value) for name, value in search.weights.items()}
        y, velocity = (_part(search.extra, key) for key in ("y/", "v/"))
        penalty = options.multiplier * options.growth ** min(search.progress, 1.0)
        for _ in range(options.inner_steps):
            relaxed = search.relax()
            lower, upper, alpha = search.lower(relaxed), search.upper(relaxed), search.alpha.detach()
            search.train(lower)
            slope = plus(gradient(upper(y, alpha), y), gradient(lower(y, alpha), y), penalty)
            slope = clipped(times(slope, 1.0 / (1.0 + penalty)))
            descend(y, slope, velocity, rate=search.rate, momentum=options.momentum)
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        h = hypergradient(upper, lower, y, search.weights, search.alpha, penalty=penalty)
        search.step_alpha(h)
        return {"gradient": h.norm(), "penalty": penalty}

    sweep(run, options, Method(step=step))


def _part(extra: Vector, key: str) -> Vector:
    """The tensors kept under a prefix; the copy of the weights as leaves that share its memory."""
    found = {name[len(key) :]: value for name, value in extra.items() if name.startswith(key)}
    return {name: value.requires_grad_() for name, value in found.items()} if key == "y/" else found


def hypergradient(upper: Loss, lower: Loss, y: Weights, z: Weights, alpha: Tensor, *, penalty: float) -> Tensor:
    """``grad_a F(y) + lambda (grad_a f(y) - grad_a f(z))``, in alpha's shape (Kwon et al. 2023, eq. 4).

    Parameters
    ----------
    upper, lower : callable
        F and f on one batch each.
    y, z : dict of Tensor
        Weights near the minimum of ``F + lambda f`` and of f.
    penalty : float
        lambda.
    """
    y, z = detached(y, leaf=False), detached(z, leaf=False)
    return by_alpha(upper(y, alpha) + penalty * lower(y, alpha), alpha) - penalty * by_alpha(lower(z, alpha), alpha)
