"""DARTS: alternating gradient steps of architecture and weights, first or second order (Liu et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed.hypergradients import one_step
from mobench.searchers._relaxed.linear import Loss, Weights, by_alpha, times
from mobench.searchers._relaxed.relaxations import Relaxation
from mobench.searchers._relaxed.search import Search, Selection, Settings, Stop
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    order: Literal[1, 2] = 1,
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
    """Alternate a step of alpha on a validation batch and a step of the weights on a training batch.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    order : {1, 2}
        1 takes the weights for constant; 2 differentiates through their next step, by finite differences.
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
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        if order == 1:
            h = hypergradient(upper, search.weights, search.alpha)
        else:
            inertia = times(search.velocity, momentum)
            h = one_step(upper, lower, search.weights, search.alpha, step=search.rate, inertia=inertia)
        search.step_alpha(h)
        search.train(lower)
        return {"gradient": float(h.norm())}

    sweep(run, settings, Method(step=step))


def hypergradient(upper: Loss, weights: Weights, alpha: Tensor) -> Tensor:
    """First-order hypergradient ``grad_alpha F(w, alpha)``, in alpha's shape: the weights' response is left out."""
    return by_alpha(upper({name: weight.detach() for name, weight in weights.items()}, alpha), alpha)
