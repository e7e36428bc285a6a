"""Pareto hypernetwork: one small network from preferences to architectures, trained once (Navon et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Interval

from mobench import Run, Supernet
from mobench.searchers._hypernetwork.learner import Learner, Perceptron, begin, is_warming_up, learn
from mobench.searchers._relaxed import descent as _descent
from mobench.searchers._relaxed.epo import epo_weights
from mobench.searchers._relaxed.preferences import preferences
from mobench.searchers._relaxed.search import Diagnostics
from mobench.searchers._relaxed.settings import Positive, Sampled, Width

needs = (Supernet,)


@dataclass(frozen=True, kw_only=True)
class Options(Sampled):
    """Options of the Pareto hypernetwork.

    Attributes
    ----------
    loss : {"linear", "epo"}
        What a preference asks for: the weighted sum, or equal weighted objectives (the searcher `epo`).
    rays : int
        Evenly spread preferences whose architectures are recommended; 25 in the paper.
    concentration : float
        Of the Dirichlet distribution of preferences; 0.2 in the paper's code, which favours the corners.
    hidden : int
        Width of the network's two hidden layers; 100 in the paper's code.
    alpha_rate : float
        Of Adam on the network's parameters; ten times the paper's, for a tenth of its steps.
    steps : int or None
        How many; none: as many as the budget pays for.
    """

    loss: Literal["linear", "epo"] = "linear"
    rays: Annotated[int, Interval(ge=2, le=1000)] = 25
    concentration: Positive = 0.2
    hidden: Width = 100
    alpha_rate: Positive = 1e-3

    @property
    def searches(self) -> int:
        """The preferences that are asked for in the end."""
        return self.rays


def search(run: Run, options: Options) -> None:
    """Train alpha = H(r) for preferences r drawn anew at every step; recommend the architectures of even rays."""
    state, m = begin(run, options), len(run.objectives)
    hypernetwork = Perceptron(m, options.hidden, state.alpha.detach(), state.generator)
    optimizer = torch.optim.Adam(hypernetwork.parameters(), lr=options.alpha_rate)
    learner = Learner(state, hypernetwork, optimizer, torch.as_tensor(preferences(m, options)).to(state.alpha))

    def step() -> Diagnostics:
        if is_warming_up(state, run.space):
            _descent.train(state)
            return {}
        r = torch.as_tensor(run.rng.dirichlet(np.full(m, options.concentration))).to(state.preference)
        state.preference = (1 - 1e-3) * r + 1e-3 / m  # no weight is zero
        return _step(learner, options.loss)

    learn(run, learner, step)


def _step(learner: Learner, loss: Literal["linear", "epo"]) -> Diagnostics:
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
    return {f"loss{k}": value for k, value in enumerate(losses)}
