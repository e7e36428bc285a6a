"""Unrolled differentiation: back-propagation through several steps of the weights (Shaban et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, by_alpha, detached, gradient, plus, times
from mobench.searchers._relaxed.search import Diagnostics, Search, clipped
from mobench.searchers._relaxed.settings import Count, Stabilised
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(Stabilised):
    """Options of unrolled differentiation.

    Attributes
    ----------
    unroll : int
        Steps of the weights a hypergradient, one training batch each, in a graph: the memory of as many training steps;
        ours.
    """

    unroll: Count = 5


def search(run: Run, options: Options) -> None:
    """Take some steps of the weights, and step alpha along the gradient through all of them; the weights stay there."""

    def step(search: Search) -> Diagnostics:
        relaxed = search.relax()
        lowers = [search.lower(relaxed) for _ in range(options.unroll)]
        trained = train(
            lowers, search.weights, search.alpha, step=search.rate, velocity=search.velocity, momentum=options.momentum
        )
        h = hypergradient(search.upper(relaxed), trained[0], search.alpha)
        with torch.no_grad():
            for mine, end in zip((search.weights, search.velocity), trained, strict=True):
                for name, value in mine.items():
                    value.copy_(end[name])
        search.step_alpha(h)
        return {"gradient": h.norm()}

    sweep(run, options, Method(step=step))


def train(
    lowers: Sequence[Loss],
    weights: Weights,
    alpha: Tensor,
    *,
    step: float,
    velocity: Weights | None = None,
    momentum: float = 0.0,
) -> tuple[Vector, Vector]:
    """Take a step of gradient descent a loss, ``v = momentum v + grad_w f``, ``w -= step v``, in a graph.

    The gradient of each step is clipped as in ordinary training; the clipping factor counts as a constant.

    Returns
    -------
    tuple
        The weights, which depend on alpha through every step, and the velocity.
    """
    now = detached(weights)
    moving = times(now, 0.0) if velocity is None else dict(velocity)
    for lower in lowers:
        slope = clipped(gradient(lower(now, alpha), now, graph=True))
        moving = plus(slope, moving, momentum)
        now = plus(now, moving, -step)
    return now, moving


def hypergradient(upper: Loss, trained: Weights, alpha: Tensor) -> Tensor:
    """Gradient of the upper level by alpha, directly and through the `trained` weights; in alpha's shape."""
    return by_alpha(upper(trained, alpha), alpha)
