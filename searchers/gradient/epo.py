"""EPO: descent to the Pareto optimal point on each preference's ray (Mahapatra and Rajan 2020)."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Paths, Search, Settings
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    preferences: Annotated[int, Ge(1)] = 5,
    preference: Annotated[float, Interval(gt=0, lt=1)] | None = None,
    restricted: bool = True,
    tracking: Annotated[float, Interval(ge=0, lt=1)] = 0.98,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Sampling = "score",
    warm_up: Annotated[float, Interval(ge=0, lt=1)] = 0.5,
    paths: Paths = "uniform",
    learning_rate: Annotated[float, Gt(0)] = 0.025,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 3e-4,
    alpha_rate: Annotated[float, Gt(0)] = 0.1,
    alpha_decay: Annotated[float, Ge(0)] = 0.0,
) -> None:
    """Step alpha so that the weighted objectives become equal, ``r_1 f_1 = ... = r_m f_m``, and then all fall.

    Parameters
    ----------
    run : Run
        The problem, with a supernet. Objectives are taken as positive: the loss, and costs in units of their scales.
    preferences, preference
        Rays to reach: a large weight of the first objective asks for a small error.
    restricted : bool
        Keep the balance while descending on the ray.
    tracking : float
        How much of the gradients' mean a step keeps: the linear programs take products of gradients, and so of noise.
    steps, relaxation, warm_up, paths, learning_rate, momentum, weight_decay, alpha_rate, alpha_decay
        See `mobench.searchers._relaxed.search.Settings`.
    """
    settings = Settings(
        preferences=preferences,
        preference=preference,
        steps=steps,
        relaxation=relaxation,
        warm_up=warm_up,
        paths=paths,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        alpha_rate=alpha_rate,
        alpha_decay=alpha_decay,
    )

    def direction(search: Search, losses: Tensor, gradients: Tensor) -> Tensor:
        positive = losses.clamp_min(0.0) + _descent.POSITIVE
        return epo_weights(gradients, positive, search.preference, restricted=restricted) @ gradients

    sweep(run, settings, Method(step=lambda search: _descent.step(search, direction, tracking=tracking)))
