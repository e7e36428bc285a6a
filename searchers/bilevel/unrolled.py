"""Unrolled differentiation: back-propagation through several steps of the weights (Shaban et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, by_alpha, detached, gradient, plus, times
from mobench.searchers._relaxed.relaxations import Relaxation
from mobench.searchers._relaxed.search import Search, Selection, Settings, Stop, clipped
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    unroll: Annotated[int, Ge(1)] = 5,
    preferences: Annotated[int, Ge(1)] = 5,
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Relaxation = "softmax",
    stop: Stop = "never",
    selection: Selection = "largest",
    partial_channels: Annotated[int, Ge(1)] = 1,
    warm_up: Annotated[float, Interval(ge=0, lt=1)] = 0.0,
    learning_rate: Annotated[float, Gt(0)] = 0.025,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 3e-4,
    alpha_rate: Annotated[float, Gt(0)] = 3e-4,
    alpha_decay: Annotated[float, Ge(0)] = 1e-3,
) -> None:
    """Take some steps of the weights, and step alpha along the gradient through all of them; the weights stay there.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    unroll : int
        Steps of the weights, one training batch each, in a graph: the memory of as many training steps.
    preferences, preference, steps, relaxation, stop, selection, partial_channels, warm_up
        See `mobench.searchers._relaxed.search.Settings`.
    learning_rate, momentum, weight_decay, alpha_rate, alpha_decay
        See `mobench.searchers._relaxed.search.Settings`.
    """
    settings = Settings(
        preferences=preferences,
        preference=preference,
        steps=steps,
        relaxation=relaxation,
        stop=stop,
        selection=selection,
        partial_channels=partial_channels,
        warm_up=warm_up,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        alpha_rate=alpha_rate,
        alpha_decay=alpha_decay,
    )

    def step(search: Search) -> Mapping[str, float]:
        relaxed = search.relax()
        lowers = [search.lower(relaxed) for _ in range(unroll)]
        trained = train(
            lowers, search.weights, search.alpha, step=search.rate, velocity=search.velocity, momentum=momentum
        )
        h = hypergradient(search.upper(relaxed), trained[0], search.alpha)
        with torch.no_grad():
            for mine, end in zip((search.weights, search.velocity), trained, strict=True):
                for name, value in mine.items():
                    value.copy_(end[name])
        search.step_alpha(h)
        return {"gradient": float(h.norm())}

    sweep(run, settings, Method(step=step))


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
