"""MiLeNAS: mixed-level search, where the training loss regularises the architecture (He et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mobench import Array, Run, Supernet
from mobench.searchers._relaxed.hypergradients import through_next_step
from mobench.searchers._relaxed.linear import Loss, Vector, Weights, by_alpha, detached
from mobench.searchers._relaxed.search import Diagnostics, Search
from mobench.searchers._relaxed.settings import RADIUS, Count, NotNegative, Positive, Stabilised
from mobench.searchers._relaxed.stopping import has_weights
from mobench.searchers._relaxed.sweep import Method, sweep

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(Stabilised):
    """Options of MiLeNAS.

    Attributes
    ----------
    order : {1, 2}
        The first takes the weights for constant, the second differentiates both losses through their next step; the
        paper offers both.
    mixing : float
        lambda, the weight of the upper level; 0 is single-level search, and it grows towards first-order DARTS. 1 in
        the paper.
    keep : {"last", "sizes"}
        The set: each preference's last architecture; or, for each number of operations with weights, the architecture
        on the way with the least one-shot error (model-size-based search), which costs validation batches.
    batches : int
        Validation batches of a comparison of equal sizes; ours.
    radius : float
        Of the second order's finite differences, as the length of the weights' change; ours: 0.01 in DARTS.
    """

    order: Literal[1, 2] = 1
    mixing: NotNegative = 1.0
    keep: Literal["last", "sizes"] = "last"
    batches: Count = 1
    radius: Positive = RADIUS


def search(run: Run, options: Options) -> None:
    """Step alpha against the training loss plus `mixing` times the upper level, then the weights on the former."""

    def step(search: Search) -> Diagnostics:
        relaxed = search.relax()
        lower, upper = search.lower(relaxed), search.upper(relaxed)
        if options.order == 1:
            h = hypergradient(upper, lower, search.weights, search.alpha, mixing=options.mixing)
        else:
            mixed = _mixed(upper, lower, options.mixing)
            h = through_next_step(search, mixed, lower, radius=options.radius)
        search.step_alpha(h)
        search.train(lower)
        return {"gradient": h.norm()}

    def inherit(search: Search, before: Vector) -> None:
        search.extra |= {name: value for name, value in before.items() if name == "archive"}

    sizes = partial(best_of_each_size, batches=options.batches) if options.keep == "sizes" else None
    sweep(run, options, Method(step=step, begin=inherit, choose=sizes))


def _mixed(upper: Loss, lower: Loss, mixing: float) -> Loss:
    return lambda weights, alpha: lower(weights, alpha) + mixing * upper(weights, alpha)


def hypergradient(upper: Loss, lower: Loss, weights: Weights, alpha: Tensor, *, mixing: float = 1.0) -> Tensor:
    """``grad_alpha f + lambda grad_alpha F`` at the present weights, in alpha's shape (He et al. 2020, eq. 4)."""
    return by_alpha(_mixed(upper, lower, mixing)(detached(weights, leaf=False), alpha), alpha)


def best_of_each_size(search: Search, x: Array, *, batches: int) -> Array:
    """Join x, (1, d), to the archive in `Search.extra`: one architecture a size, by its one-shot error.

    The size is the number of operations with weights, as in the paper; of a plain vector it is the first cost.

    Returns
    -------
    Array
        (k, d), the smallest first.
    """
    error = float(search.network.one_shot(search.weights, x, batches=batches)[0])
    row = torch.tensor([[size(search, x), error, *x[0].tolist()]], dtype=torch.float64)
    archive = torch.cat([search.extra["archive"].cpu(), row]) if "archive" in search.extra else row
    rows = archive[np.lexsort((archive[:, 1], archive[:, 0]))]
    first = torch.cat([torch.ones(1, dtype=torch.bool), rows[1:, 0] != rows[:-1, 0]])
    search.extra["archive"] = rows[first]
    chosen: Array = rows[first][:, 2:].long().numpy()
    return chosen


def size(search: Search, x: Array) -> float:
    """How many operations of x, (1, d), have weights; of a plain vector the first cost at alpha, 0 without costs."""
    if search.operations is not None:
        return float(sum(has_weights(names[op]) for names, op in zip(search.operations, x[0], strict=True)))
    return float(search.network.costs(search.alpha.detach())[0]) if len(search.preference) > 1 else 0.0
