"""Scalarisation: one weight-sharing search for each of several preferences, linear or Chebyshev."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import Positive, SampledSweep
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(SampledSweep):
    """Options of scalarisation.

    Attributes
    ----------
    kind : {"linear", "chebyshev"}
        The sum of the weighted objectives, which reaches supported points only; or their smoothed maximum, which
        reaches all.
    smoothing : float
        tau of the maximum, ``tau log sum exp(r_k f_k / tau)``.
    """

    kind: Literal["linear", "chebyshev"] = "linear"
    smoothing: Positive = 0.1


def search(run: Run, options: Options) -> None:
    """Descend the scalarised objectives over alpha, one preference after the other; first order in the weights."""

    def direction(search: Search, losses: Tensor, gradients: Tensor) -> Tensor:
        return scalarised_weights(losses, search.preference, kind=options.kind, smoothing=options.smoothing) @ gradients

    sweep(run, options, Method(step=lambda search: _descent.step(search, direction)))


def scalarised_weights(
    losses: Tensor, preference: Tensor, *, kind: Literal["linear", "chebyshev"], smoothing: float
) -> Tensor:
    """Weights, (m,), with which the gradients of (m,) objectives sum to that of their scalarisation."""
    if kind == "linear":
        return preference
    return preference * torch.softmax(preference * losses / smoothing, dim=0)
