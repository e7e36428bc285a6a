"""SNAS: architecture and weights descend one loss together, under samples that are mixtures (Xie et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from mobench import CategoricalSupernet, Run
from mobench.searchers._relaxed.linear import Vector, by_alpha, by_both
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Relaxed, Search
from mobench.searchers._relaxed.settings import OwnRelaxation, Positive
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (CategoricalSupernet,)


@dataclass(frozen=True, kw_only=True)
class Options(OwnRelaxation):
    """Options of SNAS.

    Attributes
    ----------
    temperatures : tuple of float
        First and last of the concrete distribution, linear in between; the authors'.
    """

    relaxation: Sampling = field(default="concrete", init=False)
    temperatures: tuple[Positive, Positive] = (1.0, 0.03)


def search(run: Run, options: Options) -> None:
    """Step alpha and the weights against the gradient of one training loss, by one backward pass through a sample."""

    def step(search: Search) -> Mapping[str, float]:
        h, slope = gradients(search, search.relax())
        search.step_alpha(h)
        search.step_weights(slope)
        return {"gradient": float(h.norm())}

    sweep(run, options, Method(step=step))


def gradients(search: Search, relaxed: Relaxed) -> tuple[Tensor, Vector]:
    """Gradients under one sample: by alpha of ``r_1 f / s_0 + sum_k r_k c_k / s_k``, and by the weights of f.

    f is the loss of the next training batch, weight decay included: one pass forward and backward gives both.

    Returns
    -------
    tuple
        In alpha's shape, and by the weights' names.
    """
    alpha, r = search.alpha, search.preference
    slope, direct = by_both(search.lower(relaxed)(search.weights, alpha), search.weights, alpha)
    h = r[0] / search.unit * direct
    if len(r) > 1:
        h = h + by_alpha((r[1:] * search.costs(relaxed)(alpha)).sum(), alpha)
    return h, slope
