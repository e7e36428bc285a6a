"""What gradient-based multi-objective searchers share: values and gradients of all objectives, and the w step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mobench.searchers._bilevel import Relaxed, Search
from mobench.searchers._linear import by_alpha

POSITIVE = 1e-3
"""Added to costs in units of their scales, where a method needs positive losses."""

Direction = Callable[[Search, Tensor, Tensor], Tensor]
"""``(search, losses (m,), gradients (m, n)) -> (n,)`` direction that alpha's step goes against."""


def objectives(search: Search, relaxed: Relaxed) -> tuple[Tensor, Tensor]:
    """Values and gradients by alpha of all objectives on the next validation batch, the weights held fixed.

    The costs do not depend on the weights: a common descent over these would only ever follow a cost's zero gradient,
    so gradients are combined over alpha alone, and the weights follow the training loss.

    Returns
    -------
    losses, gradients : Tensor
        (m,): the validation loss and the costs in units of their scales; and (m, n), alpha flattened.
    """
    fixed = {name: weight.detach() for name, weight in search.weights.items()}
    values = [search.valid(relaxed)(fixed, search.alpha)]
    if len(search.preference) > 1:
        values += list(search.costs(relaxed)(search.alpha))
    rows = [by_alpha(value, search.alpha, keep=True).flatten() for value in values]
    return torch.stack([value.detach() for value in values]), torch.stack(rows)


def step(search: Search, direction: Direction) -> Mapping[str, float]:
    """Step alpha against a combination of the objectives' gradients, then the weights on a training batch."""
    relaxed = search.relax()
    losses, gradients = objectives(search, relaxed)
    d = direction(search, losses, gradients)
    search.step_alpha(d.reshape(search.alpha.shape))
    search.train(search.lower(relaxed))
    return {"direction": float(d.norm()), **{f"loss{k}": float(loss) for k, loss in enumerate(losses)}}
