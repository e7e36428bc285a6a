"""What hypernetwork searchers share: a network from conditions to alpha, its training loop, marks and checkpoints."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mobench import Array, BudgetExhausted, Run, Space
from mobench.searchers._relaxed.checkpoints import fill, moments, packed, remember, unpacked
from mobench.searchers._relaxed.divergence import check_alpha, check_weights
from mobench.searchers._relaxed.finalists import reserve, train_recommended
from mobench.searchers._relaxed.portrait import entropy
from mobench.searchers._relaxed.search import Diagnostics, Search, initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers._relaxed.units import cost_scales, error_unit

MARKS = 20
"""How often the search recommends, records and keeps a checkpoint."""
STEPS = 5000
"""Steps where neither the option nor the budget limits them."""


class Perceptron(nn.Module):
    """H: a condition (q,) to alpha, by two hidden layers around the initial alpha `start`."""

    def __init__(self, q: int, hidden: int, start: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        widths = (q, hidden, hidden, start.numel())
        build: Any = nn.utils.skip_init
        layers = [build(nn.Linear, i, o, dtype=start.dtype) for i, o in itertools.pairwise(widths)]
        for layer in layers:
            bound = layer.in_features**-0.5
            for weight in (layer.weight, layer.bias):
                nn.init.uniform_(weight, -bound, bound, generator=generator)
        self.layers = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
        self.to(start.device)
        self.start = start

    def forward(self, condition: Tensor) -> Tensor:
        """Alpha of a condition."""
        alpha: Tensor = self.start + self.layers(condition).reshape(self.start.shape)
        return alpha


@dataclass(frozen=True, eq=False)
class Learner:
    """What is learnt, and the conditions that ask for its answers.

    Attributes
    ----------
    state : Search
        The shared weights and the losses; its alpha is what the hypernetwork said last.
    hypernetwork : nn.Module
        A condition, (q,), to alpha.
    optimizer : torch.optim.Adam
        Of the hypernetwork's parameters.
    conditions : Tensor
        (K, q) conditions whose architectures are recommended.
    """

    state: Search
    hypernetwork: nn.Module
    optimizer: torch.optim.Adam
    conditions: Tensor

    def answers(self) -> list[Tensor]:
        """Alphas of the K conditions."""
        with torch.no_grad():
            return [self.hypernetwork(condition) for condition in self.conditions]

    def architectures(self) -> Array:
        """Architectures of the conditions, (k, d), each once.

        Raises
        ------
        FloatingPointError
            The hypernetwork or the weights diverged.
        """
        answers, state = self.answers(), self.state
        for alpha in answers:
            check_alpha(alpha, state.mask, steps=state.count)
        check_weights(state.weights, state.first, steps=state.count)
        return np.unique(np.concatenate([state.network.discretise(a) for a in answers]), axis=0)


def begin(run: Run, settings: Settings) -> Search:
    """The shared weights and the losses at their beginning; the error's unit is still to be measured."""
    m = len(run.objectives)
    state = initial(run.supernet, settings, np.full(m, 1.0 / m), int(run.rng.integers(2**31)))
    state.scales = cost_scales(run.supernet, run.space, m, state.alpha)
    state.extra["unit"] = state.alpha.new_zeros(())
    return state


def learn(run: Run, learner: Learner, step: Callable[[], Diagnostics]) -> None:
    """Go on from the last checkpoint, take steps until they or the budget are used; then train the finalists.

    Parameters
    ----------
    step : callable
        Trains the hypernetwork and the weights once; returns diagnostics to record.
    """
    state = learner.state
    with reserve(run, state.settings.finalists):
        _restore(run, learner)
        steps = state.settings.steps or (math.inf if math.isfinite(run.limit.flops) else STEPS)
        try:
            while state.progress < 1.0:
                diagnostics = step()
                before = int(state.progress * MARKS)
                state.count += 1
                state.progress = max(state.count / steps, run.spent.flops / run.limit.flops)
                if int(state.progress * MARKS) > before:
                    _mark(run, learner, diagnostics)
        except BudgetExhausted:
            run.recommend(learner.architectures())
            raise
        run.recommend(learner.architectures())
    train_recommended(run, state.settings.finalists)


def is_warming_up(state: Search, space: Space) -> bool:
    """Whether the weights still learn alone; at the end of the warm-up, measure the error's unit."""
    warm_up, unit = state.settings.warm_up, state.extra["unit"]
    if state.progress < warm_up:
        return True
    if not unit:
        unit.copy_(error_unit(state, space) if warm_up else torch.ones_like(unit))
    return False


def _mark(run: Run, learner: Learner, diagnostics: Diagnostics) -> None:
    """Recommend, record, keep a checkpoint."""
    state, X = learner.state, learner.architectures()
    run.recommend(X)
    mixture = {}
    if state.operations is not None:
        mixture["entropy"] = float(np.mean([entropy(a, state.mask) for a in learner.answers()]))
    run.record(
        step=state.count, architectures=len(X), **mixture, **{name: float(value) for name, value in diagnostics.items()}
    )
    run.checkpoint(
        count=state.count,
        progress=state.progress,
        generator=state.generator.get_state().numpy(),
        **packed(
            **{group: getattr(state, group) for group in _GROUPS},
            h=dict(learner.hypernetwork.named_parameters()),
            adam=moments(learner.optimizer),
        ),
    )


_GROUPS = ("weights", "velocity", "extra")


def _restore(run: Run, learner: Learner) -> None:
    """Go on from the last checkpoint, where there is one."""
    state, saved = learner.state, run.restore()
    if saved is None:
        return
    state.count, state.progress = int(saved["count"]), float(saved["progress"])
    state.generator.set_state(torch.from_numpy(saved["generator"]))
    for group in _GROUPS:
        fill(getattr(state, group), saved, group)
    fill(dict(learner.hypernetwork.named_parameters()), saved, "h")
    remember(learner.optimizer, unpacked(saved, "adam"))
