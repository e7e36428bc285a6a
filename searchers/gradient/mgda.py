"""MGDA: descent that improves all objectives at once, from several starting points (Désidéri 2012)."""

from __future__ import annotations

from typing import Annotated

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.linear import Vector
from mobench.searchers._relaxed.min_norm import Aggregation, Normalisation, aggregate, normalise
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Paths, Search, Settings
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    aggregator: Aggregation | str = "min_norm",
    normalisation: Normalisation = "l2",
    starts: Annotated[int, Ge(1)] = 5,
    spread: Annotated[float, Ge(0)] = 1.0,
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
    """Step alpha along the min-norm combination of the objectives' gradients, once from each starting point.

    One descent ends at one arbitrary Pareto-stationary point; several starts give a set.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    aggregator : str
        ``min_norm`` (exact), ``frank_wolfe``, or one of TorchJD's by name: UPGrad, CAGrad, NashMTL, ...
    normalisation : {"none", "l2", "loss", "loss+"}
        Of the gradients; without it the smallest, mostly a cost's, decides.
    starts : int
        Starting points, each with an equal share of the budget.
    spread : float
        Standard deviation of the starting alphas around the initial one.
    tracking : float
        How much of the gradients' mean a step keeps: noisy gradients of length one would be all noise.
    steps, relaxation, warm_up, paths, learning_rate, momentum, weight_decay, alpha_rate, alpha_decay
        See `mobench.searchers._relaxed.search.Settings`.
    """
    settings = Settings(
        preferences=starts,
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
        return aggregate(normalise(gradients, losses, normalisation), aggregator, generator=search.generator)

    def scatter(search: Search, before: Vector) -> None:
        noise = torch.empty(search.alpha.shape, dtype=search.alpha.dtype).normal_(generator=search.generator)
        with torch.no_grad():
            search.alpha.add_(spread * noise.to(search.alpha.device))

    sweep(run, settings, Method(step=lambda search: _descent.step(search, direction, tracking=tracking), begin=scatter))
