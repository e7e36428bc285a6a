"""MGDA: descent that improves all objectives at once, from several starting points (Désidéri 2012)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.linear import Vector
from mobench.searchers._relaxed.min_norm import Aggregation, Normalisation, aggregate, normalise
from mobench.searchers._relaxed.search import Diagnostics, Search
from mobench.searchers._relaxed.settings import Count, NotNegative, SampledAdam, Share
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(SampledAdam):
    """Options of MGDA.

    Attributes
    ----------
    aggregator : str
        The exact min-norm point, by nonnegative least squares; frank_wolfe; or any of TorchJD's by name: UPGrad,
        CAGrad, NashMTL and others.
    normalisation : {"none", "l2", "loss", "loss+"}
        Of the gradients; without it the smallest, mostly a cost's, decides.
    starts : int
        Starting points around the initial alpha, each with an equal share of the budget.
    spread : float
        Standard deviation of the starting alphas around the initial one.
    tracking : float
        How much of the gradients' running mean a step keeps: one noisy gradient, brought to length one, would be all
        noise (Fernando et al. 2023).
    """

    aggregator: Aggregation | str = "min_norm"
    normalisation: Normalisation = "l2"
    starts: Count = 5
    spread: NotNegative = 1.0
    tracking: Share = 0.98

    @property
    def searches(self) -> int:
        """One from each start."""
        return self.starts


def search(run: Run, options: Options) -> None:
    """Step alpha along the min-norm combination of the objectives' gradients, once from each starting point.

    One descent ends at one arbitrary Pareto-stationary point; several starts give a set.
    """

    def direction(search: Search, losses: Tensor, gradients: Tensor) -> Tensor:
        normal = normalise(gradients, losses, options.normalisation)
        return aggregate(normal, options.aggregator, generator=search.generator)

    def scatter(search: Search, before: Vector) -> None:
        noise = torch.empty(search.alpha.shape, dtype=search.alpha.dtype).normal_(generator=search.generator)
        with torch.no_grad():
            search.alpha.add_(options.spread * noise.to(search.alpha.device))

    def step(search: Search) -> Diagnostics:
        return _descent.step(search, direction, tracking=options.tracking)

    sweep(run, options, Method(step=step, begin=scatter))
