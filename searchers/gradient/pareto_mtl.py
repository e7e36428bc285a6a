"""Pareto MTL: descent of all objectives within one cone of trade-offs after the other (Lin et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Interval
from torch import Tensor

from mobench import Run, Supernet
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.min_norm import min_norm_weights
from mobench.searchers._relaxed.preferences import preferences
from mobench.searchers._relaxed.search import Diagnostics, Search
from mobench.searchers._relaxed.settings import Count, SampledAdam, Share
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(SampledAdam):
    """Options of Pareto MTL.

    Attributes
    ----------
    preferences : int
        How many cones share the budget; 5 in the paper. Of a single one there are no others to keep away from: that is
        the searcher `mgda`.
    entering : float
        Share of a cone's search in which a step from outside leads into the cone and asks for nothing else; after it
        the objectives' descent counts, too. Ours: all of it, because near the front no direction improves everything,
        and what has left its cone stays outside; a fifth in the paper's synthetic example, 2 of 100 epochs on images.
    tracking : float
        How much of the gradients' running mean a step keeps, as in `mgda`; none in the paper.
    """

    preferences: Count = 5
    entering: Annotated[float, Interval(ge=0, le=1)] = 1.0
    tracking: Share = 0.98


def search(run: Run, options: Options) -> None:
    """Step alpha along the min-norm combination of the objectives' gradients, and back where it has left its cone.

    Cones lie around the rays ``r_1 f_1 = ... = r_m f_m`` of evenly spread preferences r, as in `epo`. Objectives are
    taken as positive: the loss, and costs in units of their scales.
    """
    rays = unit_rays(torch.as_tensor(preferences(len(run.objectives), options)))

    def direction(search: Search, losses: Tensor, gradients: Tensor) -> Tensor:
        f, ray = losses.clamp_min(0.0) + _descent.POSITIVE, unit_rays(search.preference[None])
        active = active_constraints(f, rays.to(f), ray)
        entering = len(active) > 0 and search.progress < options.entering
        return constrained_weights(gradients, active, entering=entering) @ gradients

    def step(search: Search) -> Diagnostics:
        return _descent.step(search, direction, tracking=options.tracking)

    sweep(run, options, Method(step=step))


def unit_rays(preferences: Tensor) -> Tensor:
    """Rays u of length one, (K, m), on which weighted objectives are equal, of positive preferences (K, m)."""
    inverse = 1.0 / preferences
    rays: Tensor = inverse / inverse.norm(dim=1, keepdim=True)
    return rays


def active_constraints(f: Tensor, rays: Tensor, ray: Tensor) -> Tensor:
    """Rows u_j - u, (a, m), of the rays u_j, (K, m), that positive values f, (m,), are nearer to than to u, (1, m).

    f lies in the cone of u where no row is left: ``(u_j - u) . f <= 0`` for all j (Lin et al. 2019, equation 5).
    """
    apart = rays - ray
    return apart[apart @ f > 0]


def constrained_weights(gradients: Tensor, active: Tensor, *, entering: bool) -> Tensor:
    """Weights, (m,), with which the objectives' gradients, (m, n), sum to the direction that a step goes against.

    The direction is the shortest vector in the convex hull of the active constraints' gradients, and, unless the cone
    is only `entering`, of the objectives': a step lowers all of them, or none can be lowered without another (equations
    9 and 13). Lengths are the paper's code's: absolute weights sum to m.

    Parameters
    ----------
    active : Tensor
        (a, m) rows of `active_constraints`; at least one where `entering`.
    """
    m = len(gradients)
    rows = active if entering else torch.cat([torch.eye(m).to(gradients), active])
    weights = min_norm_weights(rows @ gradients) @ rows
    size = weights.abs().sum()
    return weights if entering or not size else weights * (m / size)
