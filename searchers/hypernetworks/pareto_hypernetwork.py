"""Pareto hypernetwork: one small network from preferences to architectures, trained once (Navon et al. 2021)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval

from mobench import Run, Supernet
from mobench.searchers._hypernetwork.learner import Learner, Perceptron, is_warming_up, learn
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Paths, Settings, initial
from mobench.searchers._relaxed.sweep import preferences
from mobench.searchers._relaxed.units import cost_scales

needs = (Supernet,)


def search(
    run: Run,
    *,
    loss: Literal["linear", "epo"] = "linear",
    rays: Annotated[int, Ge(2)] = 25,
    concentration: Annotated[float, Gt(0)] = 0.2,
    hidden: Annotated[int, Ge(1)] = 100,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Sampling = "score",
    warm_up: Annotated[float, Interval(ge=0, lt=1)] = 0.5,
    paths: Paths = "uniform",
    learning_rate: Annotated[float, Gt(0)] = 0.025,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 3e-4,
    alpha_rate: Annotated[float, Gt(0)] = 1e-3,
) -> None:
    """Train alpha = H(r) for preferences r drawn anew at every step; recommend the architectures of evenly spread rays.

    Parameters
    ----------
    run : Run
        The problem, with a supernet.
    loss : {"linear", "epo"}
        What a preference asks for: the weighted sum, or equal weighted objectives (the searcher `epo`).
    rays : int
        Preferences whose architectures are recommended; 25 in the paper.
    concentration : float
        Of the Dirichlet distribution of r; 0.2 in the paper's code, which favours the corners.
    hidden : int
        Width of H's two hidden layers; 100 in the paper's code.
    steps : int, optional
        How many; as many as the budget pays for, when left out.
    relaxation, warm_up, paths, learning_rate, momentum, weight_decay
        See `mobench.searchers._relaxed.search.Settings`.
    alpha_rate : float
        Of Adam on H's parameters; 1e-4 in the paper, for ten times as many steps.
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
    state.extra["unit"] = state.alpha.new_zeros(())
    hypernetwork = Perceptron(m, hidden, state.alpha.detach(), state.generator)
    optimizer = torch.optim.Adam(hypernetwork.parameters(), lr=alpha_rate)
    learner = Learner(state, hypernetwork, optimizer, torch.as_tensor(preferences(m, settings)).to(state.alpha))

    def step() -> dict[str, float]:
        if is_warming_up(state, run.space):
            _descent.train(state)
            return {}
        r = torch.as_tensor(run.rng.dirichlet(np.full(m, concentration))).to(state.preference)
        state.preference = (1 - 1e-3) * r + 1e-3 / m  # no weight is zero
        return _step(learner, loss)

    learn(run, learner, step)


def _step(learner: Learner, loss: Literal["linear", "epo"]) -> dict[str, float]:
    """Step H against the objectives' combined gradient by alpha, pulled back; then the weights on a training batch."""
    state = learner.state
    state.alpha = learner.hypernetwork(state.preference)
    relaxed = state.relax()
    losses, gradients = _descent.objectives(state, relaxed)
    weights = state.preference
    if loss == "epo":
        weights = epo_weights(gradients, losses.clamp_min(0.0) + _descent.POSITIVE, state.preference)
    learner.optimizer.zero_grad()
    torch.autograd.backward(state.alpha, (weights @ gradients).reshape(state.alpha.shape))
    learner.optimizer.step()
    _descent.train(state, relaxed)
    return {f"loss{k}": float(value) for k, value in enumerate(losses)}
