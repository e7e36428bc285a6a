"""MODNAS: one hypernetwork from preferences and devices to architectures, by multiple-gradient descent across devices.

Sukthanker et al. 2024, Multi-objective differentiable neural architecture search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from mobench import Run, Supernet
from mobench.searchers._hypernetwork.learner import Learner, is_warming_up, learn
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
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import BETAS, Paths, Search, Settings, initial
from mobench.searchers._relaxed.sweep import preferences
from mobench.searchers._relaxed.units import cost_scales

needs = (Supernet,)

_SOLVERS = {"min_norm": min_norm_weights, "frank_wolfe": frank_wolfe_weights}


def search(
    run: Run,
    *,
    version: Literal["corrected", "published"] = "corrected",
    devices: Literal["costs", "one"] = "costs",
    aggregator: Aggregation | str = "min_norm",
    normalisation: Normalisation = "l2",
    rays: Annotated[int, Ge(2)] = 24,
    concentration: Annotated[float, Gt(0)] = 1.0,
    width: Annotated[float, Gt(0)] = 0.1,
    warm_up: Annotated[float, Interval(ge=0, lt=1)] = 0.5,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Sampling = "score",
    paths: Paths = "uniform",
    learning_rate: Annotated[float, Gt(0)] = 0.025,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 3e-4,
    alpha_rate: Annotated[float, Gt(0)] = 0.03,
    alpha_decay: Annotated[float, Ge(0)] = 1e-3,
) -> None:
    """Train alpha = H(r, device); recommend the architectures of evenly spread preferences on every device.

    A device is what a cost is measured on. With m objectives each of the m - 1 costs is a device of its own: its task
    is the trade-off of the error with this cost, scalarised by a preference r of two weights. Or all costs belong to
    one device, whose preference has m weights. A step draws a preference for every device, takes the gradients of the
    scalarised losses by H's parameters and goes along their common descent.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    version : {"corrected", "published"}
        A table's rows are preferences on the simplex and join by a kernel; or, as in the paper's code, they are 101
        intervals of the first weight, of which one counts, the error is divided by the range of its batches so far,
        and the rays have length one in place of sum one.
    devices : {"costs", "one"}
        What a device is, see above; the same with two objectives.
    aggregator : str
        ``min_norm`` (exact), ``frank_wolfe`` (the paper's), or one of TorchJD's by name: UPGrad, CAGrad, ...
    normalisation : {"none", "l2", "loss", "loss+"}
        Of the devices' gradients; l2 in the paper's code.
    rays : int
        Preferences a device whose architectures are recommended; 24 in the paper.
    concentration : float
        Of the Dirichlet distribution of r; 1 in the paper.
    width : float
        Of the kernel of the corrected version: how far apart preferences learn from each other.
    warm_up : float
        Share of the steps or the budget in which the weights alone learn, on nearly uniform paths: until then the error
        says nothing of the operations, and costs would decide. At its end the error's unit is measured. None in the
        paper's code, for far longer searches.
    steps : int, optional
        How many; as many as the budget pays for, when left out.
    relaxation, paths, learning_rate, momentum, weight_decay
        See `mobench.searchers._relaxed.search.Settings`.
    alpha_rate, alpha_decay : float
        Of Adam on H's parameters; in the paper's code 13 devices times 3e-4, and 1e-3.

    Raises
    ------
    ValueError
        The published version with one device of several costs: its tables know the first weight only.
    """
    settings = Settings(
        preferences=rays,
        steps=steps,
        relaxation=relaxation,
        warm_up=warm_up,
        paths=paths,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    m = len(run.objectives)
    state = initial(run.supernet, settings, np.full(m, 1.0 / m), int(run.rng.integers(2**31)))
    state.scales = cost_scales(run.supernet, run.space, m, state.alpha)
    tasks = devices_of(features(run.supernet, run.space, m, state.alpha), apart=devices == "costs")
    q = len(tasks[0].objectives)
    state.extra["unit"] = state.alpha.new_zeros(())
    if version == "published":
        if q > 2:
            raise ValueError("version: the published tables know two weights; take devices='costs' or 'corrected'")
        state.extra["range"] = state.alpha.new_tensor([math.inf, -math.inf])
    hypernetwork, conditions = _hypernetwork(state, tasks, width=None if version == "published" else width)
    optimizer = torch.optim.Adam(hypernetwork.parameters(), lr=alpha_rate, betas=BETAS, weight_decay=alpha_decay)
    learner = Learner(state, hypernetwork, optimizer, conditions)

    def draw() -> Tensor:
        return torch.as_tensor(run.rng.dirichlet(np.full(q, concentration))).to(state.preference)

    def combine(gradients: Tensor, losses: Tensor) -> tuple[Tensor, dict[str, float]]:
        G = normalise(gradients, losses, normalisation)
        if aggregator not in _SOLVERS:
            return aggregate(G, aggregator, generator=state.generator), {}
        weights = _SOLVERS[aggregator](G)
        return weights @ G, {f"weight{d}": float(weight) for d, weight in enumerate(weights)}

    def step() -> dict[str, float]:
        warming = is_warming_up(state, run.space)
        diagnostics = {} if warming else _descend(learner, tasks, draw, combine)
        _fit(state, [task.condition(draw()) for task in tasks], None if warming else hypernetwork)
        return diagnostics

    learn(run, learner, step)


def _hypernetwork(state: Search, tasks: list[Task], *, width: float | None) -> tuple[Tables, Tensor]:
    """H, and the conditions of all rays on all devices, (K, q + f); without a width both are the published ones."""
    q, f, start = len(tasks[0].objectives), tasks[0].features.numel(), state.alpha.detach()
    rays = torch.as_tensor(preferences(q, state.settings)).to(start)
    if width is None:
        H = Tables(INTERVALS, f, intervals, start, state.generator)
        rays = circle(len(rays)).to(start) if q == 2 else rays
    else:
        H = Tables(len(rays), f, partial(closeness, anchors=rays, width=width), start, state.generator)
    return H, torch.stack([task.condition(r) for task in tasks for r in rays])


def _descend(
    learner: Learner,
    tasks: list[Task],
    draw: Callable[[], Tensor],
    combine: Callable[[Tensor, Tensor], tuple[Tensor, dict[str, float]]],
) -> dict[str, float]:
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
    direction, diagnostics = combine(torch.stack(rows), torch.stack(losses))
    parts = torch.split(direction, [parameter.numel() for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)
    learner.optimizer.step()
    return diagnostics | {f"loss{d}": float(loss) for d, loss in enumerate(losses)}


def _seen(extremes: Tensor, value: Tensor) -> Tensor:
    """Range of the losses so far, one while there are fewer than two; `value` then widens the extremes, (2,)."""
    spread = extremes[1] - extremes[0]
    extremes.copy_(torch.stack([torch.minimum(extremes[0], value), torch.maximum(extremes[1], value)]))
    return spread if bool(spread > 0) else torch.ones_like(spread)


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
