"""Scalarisation: one weight-sharing search for each of several preferences, linear or Chebyshev."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Paths, Search, Settings
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


def search(
    run: Run,
    *,
    kind: Literal["linear", "chebyshev"] = "linear",
    smoothing: Annotated[float, Gt(0)] = 0.1,
    preferences: Annotated[int, Ge(1)] = 5,
    preference: Annotated[float, Interval(ge=0, le=1)] | None = None,
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
    """Descend the scalarised objectives over alpha, one preference after the other; first order in the weights.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    kind : {"linear", "chebyshev"}
        The sum of the weighted objectives, which reaches supported points only; or their smoothed maximum, which
        reaches all.
    smoothing : float
        Of the maximum: ``tau log sum exp(r_k f_k / tau)``.
    relaxation, warm_up, paths
        See `mobench.searchers._relaxed.search.Settings`. Relaxations that sample, because with mixtures the weights
        make up for small coefficients, and the search ends at cheap, poor cells; the score function, because it alone
        is not biased where only sampled operations are computed; weights on uniform paths, because those that follow
        alpha learn what it favours by chance (docs/methods/gradient/scalarization.md).
    preferences, preference, steps, learning_rate, momentum, weight_decay, alpha_rate, alpha_decay
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
        return scalarised_weights(losses, search.preference, kind=kind, smoothing=smoothing) @ gradients

    sweep(run, settings, Method(step=lambda search: _descent.step(search, direction)))


def scalarised_weights(
    losses: Tensor, preference: Tensor, *, kind: Literal["linear", "chebyshev"], smoothing: float
) -> Tensor:
    """Weights, (m,), with which the gradients of (m,) objectives sum to that of their scalarisation."""
    if kind == "linear":
        return preference
    return preference * torch.softmax(preference * losses / smoothing, dim=0)
