"""EPO: descent to the Pareto optimal point on each preference's ray (Mahapatra and Rajan 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.settings import SampledSweep, Share
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(SampledSweep):
    """Options of EPO.

    Attributes
    ----------
    restricted : bool
        Keep the balance while descending on the ray.
    tracking : float
        How much of the gradients' mean a step keeps: the linear programs take products of gradients, and so of noise.
    preferences : int
        How many rays share the budget; a large weight of the first objective asks for a small error.
    preference : float or None
        The weight of the first objective of one ray instead of a sweep.
    """

    restricted: bool = True
    tracking: Share = 0.98
    preference: Annotated[float, Interval(gt=0, lt=1)] | None = None


def search(run: Run, options: Options) -> None:
    """Step alpha so that the weighted objectives become equal, ``r_1 f_1 = ... = r_m f_m``, and then all fall.

    Objectives are taken as positive: the loss, and costs in units of their scales.
    """

    def direction(search: Search, losses: Tensor, gradients: Tensor) -> Tensor:
        positive = losses.clamp_min(0.0) + _descent.POSITIVE
        return epo_weights(gradients, positive, search.preference, restricted=options.restricted) @ gradients

    sweep(run, options, Method(step=lambda search: _descent.step(search, direction, tracking=options.tracking)))
