"""MODNAS: one hypernetwork from preferences and devices to architectures, by multiple-gradient descent across devices.

Sukthanker et al. 2024, Multi-objective differentiable neural architecture search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor, nn

from mobench import Run, Supernet
from mobench.searchers._hypernetwork.learner import Learner, begin, is_warming_up, learn
from mobench.searchers._hypernetwork.networks import (
    INTERVALS,
    Tables,
    Task,
    circle,
    closeness,
    devices_of,
    features,
    intervals,
)
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.linear import Vector, gradient, plus, times
from mobench.searchers._relaxed.min_norm import (
    Aggregation,
    Normalisation,
    aggregate,
    frank_wolfe_weights,
    min_norm_weights,
    normalise,
)
from mobench.searchers._relaxed.preferences import preferences
from mobench.searchers._relaxed.search import BETAS, Diagnostics, Search
from mobench.searchers._relaxed.settings import NotNegative, Positive, Sampled

needs = (Supernet,)

_SOLVERS = {"min_norm": min_norm_weights, "frank_wolfe": frank_wolfe_weights}


@dataclass(frozen=True, kw_only=True)
class Options(Sampled):
    """Options of MODNAS.

    Attributes
    ----------
    version : {"corrected", "published"}
        A table's rows are preferences on the simplex and join by a kernel; or, as in the paper's code, they are 101
        intervals of the first weight, of which one counts, the error is divided by the range of its batches so far,
        and the rays have length one in place of sum one.
    devices : {"costs", "one"}
        What a device is: each cost is measured on its own, or all on one; the same with two objectives. Ours.
    aggregator : str
        The exact min-norm point; frank_wolfe (the paper's); or any of TorchJD's by name: UPGrad, CAGrad and others.
    normalisation : {"none", "l2", "loss", "loss+"}
        Of the devices' gradients; l2 in the paper's code.
    rays : int
        Preferences a device whose architectures are recommended; 24 in the paper.
    concentration : float
        Of the Dirichlet distribution of preferences; 1 in the paper.
    width : float
        Of the kernel of the corrected version: how far apart preferences learn from each other; ours.
    alpha_rate : float
        Of Adam on the hypernetwork's parameters, with betas (0.5, 0.999); ours, for short budgets: 3e-4 times 13
        devices in the paper's code.
    alpha_decay : float
        Weight decay of Adam on the hypernetwork's parameters; the paper's code, whose script takes 0.09.
    warm_up : float
        Share of the budget, or of all steps, in which the weights alone learn, on nearly uniform paths: until then the
        error says nothing of the operations, and costs would decide. At its end the error's unit is measured. Ours;
        none in the paper's code, for far longer searches.
    steps : int or None
        How many; none: as many as the budget pays for.
    relaxation : {"softmax", "gumbel", "gdas", "reinmax", "reinmax_sampled", "dirichlet", "score"}
        How alpha becomes weights of operations: by the score function, as it is unbiased where only sampled operations
        are computed (docs/methods/gradient/scalarization.md); reinmax in the paper, which computes all, as here, at the
        price of a mixture.
    paths : {"alpha", "uniform"}
        What the weights learn on: each path with the same probability (ours), or paths that the hypernetwork's alphas
        draw, as in the paper.
    learning_rate : float
        Of gradient descent on the weights, by a cosine down to a 25th, gradients clipped at norm 5; the paper's code,
        which multiplies it by 13.
    momentum : float
        Of the weights' descent; the paper's code.
    weight_decay : float
        Of the weights; the paper's code, whose script takes 2.7e-3.
    """

    version: Literal["corrected", "published"] = "corrected"
    devices: Literal["costs", "one"] = "costs"
    aggregator: Aggregation | str = "min_norm"
    normalisation: Normalisation = "l2"
    rays: Annotated[int, Interval(ge=2, le=1000)] = 24
    concentration: Positive = 1.0
    width: Annotated[float, Interval(ge=1e-6, le=1e6)] = 0.1
    alpha_rate: Positive = 0.03
    alpha_decay: NotNegative = 1e-3

    @property
    def searches(self) -> int:
        """The preferences that are asked for in the end."""
        return self.rays


def search(run: Run, options: Options) -> None:
    """Train alpha = H(r, device); recommend the architectures of evenly spread preferences on every device.

    A device is what a cost is measured on. With m objectives each of the m - 1 costs is a device of its own: its task
    is the trade-off of the error with this cost, scalarised by a preference r of two weights. Or all costs belong to
    one device, whose preference has m weights. A step draws a preference for every device, takes the gradients of the
    scalarised losses by H's parameters and goes along their common descent.

    Raises
    ------
    ValueError
        The published version with one device of several costs: its tables know the first weight only.
    """
    state, m = begin(run, options), len(run.objectives)
    tasks = devices_of(features(run.supernet, run.space, m, state.alpha), apart=options.devices == "costs")
    hypernetwork, conditions = _hypernetwork(state, tasks, options)
    optimizer = torch.optim.Adam(
        hypernetwork.parameters(), lr=options.alpha_rate, betas=BETAS, weight_decay=options.alpha_decay
    )
    learner = Learner(state, hypernetwork, optimizer, conditions)

    def draw() -> Tensor:
        q = len(tasks[0].objectives)
        return torch.as_tensor(run.rng.dirichlet(np.full(q, options.concentration))).to(state.preference)

    def step() -> Diagnostics:
        warming = is_warming_up(state, run.space)
        diagnostics: Diagnostics = {} if warming else _descend(learner, tasks, draw, options)
        _fit(state, [task.condition(draw()) for task in tasks], None if warming else hypernetwork)
        return diagnostics

    learn(run, learner, step)


def _hypernetwork(state: Search, tasks: list[Task], options: Options) -> tuple[Tables, Tensor]:
    """H, and the conditions of all rays on all devices, (K, q + f)."""
    q, f, start = len(tasks[0].objectives), tasks[0].features.numel(), state.alpha.detach()
    rays = torch.as_tensor(preferences(q, options)).to(start)
    if options.version == "published":
        if q > 2:
            raise ValueError("version: the published tables know two weights; take devices='costs' or 'corrected'")
        state.extra["range"] = start.new_tensor([math.inf, -math.inf])
        H = Tables(INTERVALS, f, intervals, start, state.generator)
        rays = circle(len(rays)).to(start) if q == 2 else rays
    else:
        H = Tables(len(rays), f, partial(closeness, anchors=rays, width=options.width), start, state.generator)
    return H, torch.stack([task.condition(r) for task in tasks for r in rays])


def _descend(
    learner: Learner,
    tasks: list[Task],
    draw: Callable[[], Tensor],
    options: Options,
) -> Diagnostics:
    """Step H along the common descent of all devices, each under a fresh preference."""
    state, parameters = learner.state, list(learner.hypernetwork.parameters())
    rows, losses = [], []
    for task in tasks:
        r = draw()
        state.alpha = learner.hypernetwork(task.condition(r))
        values, gradients = _descent.objectives(state, state.relax())
        weights = torch.zeros_like(values).index_copy(0, torch.tensor(task.objectives, device=r.device), r)
        if "range" in state.extra:
            weights[0] /= _seen(state.extra["range"], values[0])
        pulled = torch.autograd.grad(state.alpha, parameters, (weights @ gradients).reshape(state.alpha.shape))
        rows.append(torch.cat([g.flatten() for g in pulled]))
        losses.append(weights @ values)
    G = normalise(torch.stack(rows), torch.stack(losses), options.normalisation)
    direction, diagnostics = _combine(G, options.aggregator, state.generator)
    parts = torch.split(direction, [parameter.numel() for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)
    learner.optimizer.step()
    return {**diagnostics, **{f"loss{d}": loss for d, loss in enumerate(losses)}}


def _combine(G: Tensor, aggregator: str, generator: torch.Generator) -> tuple[Tensor, Diagnostics]:
    """The devices' common descent of (q, n) gradients, (n,), and the weights behind it where there are some."""
    if aggregator not in _SOLVERS:
        return aggregate(G, aggregator, generator=generator), {}
    weights = _SOLVERS[aggregator](G)
    return weights @ G, {f"weight{d}": weight for d, weight in enumerate(weights)}


def _seen(extremes: Tensor, value: Tensor) -> Tensor:
    """Range of the losses so far, one while there are fewer than two; `value` then widens the extremes, (2,)."""
    spread = extremes[1] - extremes[0]
    extremes.copy_(torch.stack([torch.minimum(extremes[0], value), torch.maximum(extremes[1], value)]))
    return torch.where(spread > 0, spread, torch.ones_like(spread))


def _fit(state: Search, conditions: list[Tensor], hypernetwork: nn.Module | None) -> None:
    """Step the weights against the mean training loss of the devices; no preference counts here, as none is theirs."""
    total: Vector = {}
    for condition in conditions:
        if hypernetwork is None or state.settings.paths == "uniform":
            relaxed = _descent.uniform(state)
        else:
            with torch.no_grad():
                state.alpha = hypernetwork(condition)
            relaxed = state.relax()
        found = gradient(state.lower(relaxed)(state.weights, state.alpha.detach()), state.weights)
        total = plus(total, found) if total else found
    state.step_weights(times(total, 1.0 / len(conditions)))
