"""What gradient-based multi-objective searchers share: values and gradients of all objectives, and the w step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mobench.searchers._relaxed.linear import by_alpha
from mobench.searchers._relaxed.relaxations import draw
from mobench.searchers._relaxed.search import Diagnostics, Relaxed, Search

POSITIVE = 1e-3
"""Added to costs in units of their scales, where a method needs positive losses."""
PATHS = 3
"""Paths behind a gradient by the score function: their forward passes cost as much as one forward and backward pass."""

Direction = Callable[[Search, Tensor, Tensor], Tensor]
"""``(search, losses (m,), gradients (m, n)) -> (n,)`` direction that alpha's step goes against."""


def objectives(search: Search, relaxed: Relaxed) -> tuple[Tensor, Tensor]:
    """Values and gradients by alpha of all objectives on the next validation batch, the weights held fixed.

    The costs do not depend on the weights: a common descent over these would only ever follow a cost's zero gradient,
    so gradients are combined over alpha alone, and the weights follow the training loss. Where the score function
    gives the error's gradient, costs are the expected ones and exact.

    Returns
    -------
    losses, gradients : Tensor
        (m,): the validation loss in its unit, if the search has one, and the costs in units of their scales; and
        (m, n), alpha flattened.
    """
    weights, alpha = {name: weight.detach() for name, weight in search.weights.items()}, search.alpha
    if search.settings.relaxation == "score" and search.operations is not None:
        loss, slope = (value / search.unit for value in by_score(search, weights))
        p = search.draw("softmax")(alpha)
    else:
        value, p = search.valid(relaxed)(weights, alpha), relaxed(alpha)
        loss, slope = value.detach(), by_alpha(value, alpha, keep=True)
    values, rows = [loss], [slope.flatten()]
    if len(search.preference) > 1:
        costs = search.network.costs(p) / search.scales
        values += list(costs.detach())
        rows += [by_alpha(cost, alpha, keep=True).flatten() for cost in costs]
    return torch.stack(values), torch.stack(rows)


def by_score(search: Search, weights: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean loss of sampled paths on one batch, and the unbiased gradient by alpha of the expected loss.

    Of K paths D_i with losses f_i it is ``sum_i (f_i - mean f) D_i / (K - 1)``: the score function ``D_i - softmax``
    with the mean loss of the other paths as a baseline (Kool, van Hoof and Welling 2019).

    Returns
    -------
    loss, gradient : Tensor
        A scalar, and alpha's shape.
    """
    alpha, batch = search.alpha.detach().cpu(), search.network.valid_batch()
    paths = torch.stack([_path(search, alpha)(alpha) for _ in range(PATHS)])
    with torch.no_grad():
        losses = torch.stack([torch.as_tensor(search.network.valid_loss(weights, p, batch)) for p in paths])
    paths = paths.to(losses.device)
    return losses.mean(), torch.einsum("i,igk->gk", losses - losses.mean(), paths) / (PATHS - 1)


def step(search: Search, direction: Direction, *, tracking: float = 0.0) -> Diagnostics:
    """Step alpha against a combination of the objectives' gradients, then the weights on a training batch.

    The gradients are means over the steps so far with weights that fall by the factor `tracking` a step: a combination
    that is not linear in them is biased by their noise (Fernando et al. 2023).
    """
    relaxed = search.relax()
    losses, gradients = objectives(search, relaxed)
    if tracking:
        before = search.extra.get("tracked", torch.zeros_like(gradients))
        search.extra["tracked"] = tracking * before + (1.0 - tracking) * gradients
        gradients = search.extra["tracked"] / (1.0 - tracking ** (search.count + 1))
    d = direction(search, losses, gradients)
    search.step_alpha(d.reshape(search.alpha.shape))
    train(search, relaxed)
    return {"direction": d.norm(), **{f"loss{k}": loss for k, loss in enumerate(losses)}}


def train(search: Search, relaxed: Relaxed | None = None) -> None:
    """Step the weights on a training batch under `relaxed`, or on a uniform path where settings or caller want that."""
    if relaxed is None or search.settings.paths == "uniform":
        relaxed = uniform(search)
    search.train(search.lower(relaxed))


def uniform(search: Search) -> Relaxed:
    """Draw a path, each with the same probability; a plain vector stays what it is."""
    if search.operations is None:
        return lambda alpha: alpha
    return _path(search, torch.zeros(search.alpha.shape, dtype=search.alpha.dtype))


def _path(search: Search, logits: Tensor) -> Relaxed:
    """Draw a path from logits on the CPU, where it stays: no pass waits for the device to learn what to compute."""
    mask = None if search.mask is None else search.mask.cpu()
    return draw(logits, "score", mask=mask, generator=search.generator)
