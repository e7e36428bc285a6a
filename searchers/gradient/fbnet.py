"""FBNet: concrete samples, a loss that is a product of error and costs, and sampled architectures (Wu et al. 2019)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

import torch
from annotated_types import Interval
from torch import Tensor

from mobench import Array, CategoricalSupernet, Run
from mobench.searchers._relaxed import discretisation as _discretisation
from mobench.searchers._relaxed.linear import Vector, by_alpha, detached
from mobench.searchers._relaxed.relaxations import existing
from mobench.searchers._relaxed.search import Relaxed, Search
from mobench.searchers._relaxed.settings import Count, NotNegative, OwnRelaxation, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)
BETAS = (0.9, 0.999)
"""Decay of the means of Adam on alpha."""


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of FBNet.

    Attributes
    ----------
    exponent : float
        beta of a cost as important as the error; 0.6 in the paper. A preference r has ``beta r_k / r_1``.
    weight_steps : int
        Steps of the weights for one of alpha; 4 for 80 % of the images in the paper.
    samples : int
        Architectures drawn at the end of each preference; 6 in the paper, which trains them all: here the finalists
        are evenly many of those of all preferences.
    temperatures : tuple of float
        First and last of the concrete distribution, by a constant factor: ``5 exp(-0.045 epoch)`` over 90 epochs.
    preference : float or None
        The weight of the first objective in a search for one trade-off instead of a sweep; the others share the rest.
    """

    exponent: NotNegative = 0.6
    weight_steps: Count = 4
    samples: Count = 6
    temperatures: tuple[Positive, Positive] = (5.0, 0.087)
    preference: Annotated[float, Interval(gt=0, le=1)] | None = None
    candidates: int = field(default=1, init=False)


def search(run: Run, options: Options) -> None:
    """Step the weights some times, each under a sample of its own, then alpha against the product loss of one more."""

    def step(search: Search) -> Mapping[str, float]:
        for _ in range(options.weight_steps):
            search.train(search.lower(sample(search)))
        h = gradient(search, sample(search), options.exponent)
        search.step_alpha(h, BETAS)
        return {"gradient": float(h.norm())}

    def inherit(search: Search, before: Vector) -> None:
        if "drawn" in before:
            search.extra["earlier"] = before["drawn"]

    sweep(run, options, Method(step=step, begin=inherit, choose=partial(draw, count=options.samples)))


def sample(search: Search) -> Relaxed:
    """A concrete sample at the present temperature, which falls by a constant factor."""
    first, last = search.settings.temperatures
    return search.draw("concrete", temperature=first * (last / first) ** min(search.progress, 1.0))


def gradient(search: Search, relaxed: Relaxed, exponent: float) -> Tensor:
    """Gradient by alpha of ``F prod_k log(e + c_k / s_k)^(beta r_k / r_1)``, the weights held fixed.

    The paper's ``alpha CE log(LAT)^beta`` for several costs that have no unit of their own: one that is nothing leaves
    the error as it is.
    """
    alpha, r = search.alpha, search.preference
    loss = search.valid(relaxed)(detached(search.weights, leaf=False), alpha)
    if len(r) > 1:
        loss = loss * torch.log(math.e + search.costs(relaxed)(alpha)).pow(exponent * r[1:] / r[0]).prod()
    return by_alpha(loss, alpha)


def draw(search: Search, x: Array, *, count: int) -> Array:
    """Draw `count` architectures from the softmax of alpha, and join them to those of earlier preferences.

    `x`, the one that alpha stands for, is not asked. Operations that are left out are not drawn.

    Returns
    -------
    Array
        (k, d), each architecture once, those of earlier preferences first.
    """
    logits, out = existing(search.alpha.detach(), search.mask), _discretisation.left_out(search)
    shares = torch.softmax(logits if out is None else logits.masked_fill(out, -torch.inf), dim=-1)
    drawn = torch.multinomial(shares.cpu(), count, replacement=True, generator=search.generator).T
    earlier = search.extra["earlier"].cpu() if "earlier" in search.extra else drawn[:0]
    rows = list(dict.fromkeys(map(tuple, torch.cat([earlier, drawn]).tolist())))
    search.extra["drawn"] = torch.tensor(rows)
    chosen: Array = search.extra["drawn"].numpy()
    return chosen
