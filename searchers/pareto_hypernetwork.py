"""Pareto hypernetwork: one small network from preferences to architectures, trained once (Navon et al. 2021)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from mobench import Array, BudgetExhausted, Run, Supernet
from mobench.searchers import _descent
from mobench.searchers._bilevel import Search, Settings, initial
from mobench.searchers._epo import epo_weights
from mobench.searchers._relaxations import Relaxation
from mobench.searchers._sweep import cost_scales, preferences

needs = (Supernet,)

MARKS = 20
"""How often the search recommends, records and keeps a checkpoint."""
STEPS = 5000
"""Steps where neither the option nor the budget limits them."""


def search(
    run: Run,
    *,
    loss: Literal["linear", "epo"] = "linear",
    rays: Annotated[int, Ge(2)] = 25,
    concentration: Annotated[float, Gt(0)] = 0.2,
    hidden: Annotated[int, Ge(1)] = 100,
    steps: Annotated[int, Ge(1)] | None = None,
    relaxation: Relaxation = "reinmax",
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
    relaxation, learning_rate, momentum, weight_decay
        See `mobench.searchers._bilevel.Settings`.
    alpha_rate : float
        Of Adam on H's parameters; 1e-4 in the paper, for ten times as many steps.
    """
    settings = Settings(
        preferences=rays,
        steps=steps,
        relaxation=relaxation,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    m = len(run.objectives)
    state = initial(run.supernet, settings, np.full(m, 1.0 / m), int(run.rng.integers(2**31)))
    state.scales = cost_scales(run.supernet, run.space, m, state.alpha)
    hypernetwork = _Hypernetwork(m, hidden, state.alpha.detach(), state.generator)
    optimizer = torch.optim.Adam(hypernetwork.parameters(), lr=alpha_rate)
    _restore(run, state, hypernetwork, optimizer)
    try:
        while state.progress < 1.0:
            r = torch.as_tensor(run.rng.dirichlet(np.full(m, concentration)), dtype=state.alpha.dtype)
            state.preference = ((1 - 1e-3) * r + 1e-3 / m).to(state.alpha.device)  # no weight is zero
            diagnostics = _step(state, hypernetwork, optimizer, loss)
            before = int(state.progress * MARKS)
            state.count += 1
            state.progress = max(state.count / _steps(run, settings), run.spent.flops / run.limit.flops)
            if int(state.progress * MARKS) > before:
                _mark(run, state, hypernetwork, optimizer, diagnostics)
    except BudgetExhausted:
        run.recommend(_architectures(run, state, hypernetwork))
        raise
    run.recommend(_architectures(run, state, hypernetwork))


class _Hypernetwork(nn.Module):
    """H: a preference (m,) on the simplex to alpha, by two hidden layers around the initial alpha."""

    def __init__(self, m: int, hidden: int, start: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        widths = (m, hidden, hidden, start.numel())
        build: Any = nn.utils.skip_init
        layers = [build(nn.Linear, i, o, dtype=start.dtype) for i, o in itertools.pairwise(widths)]
        for layer in layers:
            bound = layer.in_features**-0.5
            for weight in (layer.weight, layer.bias):
                nn.init.uniform_(weight, -bound, bound, generator=generator)
        self.layers = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
        self.to(start.device)
        self.start = start

    def forward(self, r: Tensor) -> Tensor:
        """Alpha of a preference."""
        alpha: Tensor = self.start + self.layers(r).reshape(self.start.shape)
        return alpha


def _step(state: Search, hypernetwork: nn.Module, optimizer: torch.optim.Optimizer, loss: str) -> dict[str, float]:
    """Step H against the objectives' combined gradient by alpha, pulled back; then the weights on a training batch."""
    state.alpha = hypernetwork(state.preference)
    relaxed = state.relax()
    losses, gradients = _descent.objectives(state, relaxed)
    weights = state.preference
    if loss == "epo":
        weights = epo_weights(gradients, losses.clamp_min(0.0) + _descent.POSITIVE, state.preference)
    optimizer.zero_grad()
    torch.autograd.backward(state.alpha, (weights @ gradients).reshape(state.alpha.shape))
    optimizer.step()
    state.train(state.lower(relaxed))
    return {f"loss{k}": float(value) for k, value in enumerate(losses)}


def _steps(run: Run, settings: Settings) -> float:
    return settings.steps or (math.inf if math.isfinite(run.limit.flops) else STEPS)


def _architectures(run: Run, state: Search, hypernetwork: nn.Module) -> Array:
    """Architectures of the rays, (k, d), each once."""
    wanted = preferences(len(run.objectives), state.settings)
    with torch.no_grad():
        alphas = [hypernetwork(torch.as_tensor(r).to(state.alpha)) for r in wanted]
    return np.unique(np.concatenate([state.network.discretise(alpha) for alpha in alphas]), axis=0)


def _mark(
    run: Run, state: Search, hypernetwork: nn.Module, optimizer: torch.optim.Optimizer, diagnostics: Mapping[str, float]
) -> None:
    """Recommend, record, keep a checkpoint."""
    X = _architectures(run, state, hypernetwork)
    run.recommend(X)
    run.record(step=state.count, architectures=len(X), **diagnostics)
    saved: dict[str, Any] = {"count": state.count, "progress": state.progress}
    saved["generator"] = state.generator.get_state().numpy()
    for group in ("weights", "velocity"):
        saved |= {f"{group}/{name}": value.detach().cpu().numpy() for name, value in getattr(state, group).items()}
    for name, value in hypernetwork.named_parameters():
        saved[f"h/{name}"] = value.detach().cpu().numpy()
        saved |= {f"{kind}/{name}": optimizer.state[value][kind].cpu().numpy() for kind in _ADAM}
    run.checkpoint(**saved)


_ADAM = ("exp_avg", "exp_avg_sq", "step")


def _restore(run: Run, state: Search, hypernetwork: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Go on from the last checkpoint, where there is one."""
    saved = run.restore()
    if saved is None:
        return
    state.count, state.progress = int(saved["count"]), float(saved["progress"])
    state.generator.set_state(torch.from_numpy(saved["generator"]))
    with torch.no_grad():
        for group in ("weights", "velocity"):
            for name, value in getattr(state, group).items():
                value.copy_(torch.from_numpy(saved[f"{group}/{name}"]))
        for name, value in hypernetwork.named_parameters():
            value.copy_(torch.from_numpy(saved[f"h/{name}"]))
            optimizer.state[value] = {kind: torch.from_numpy(saved[f"{kind}/{name}"]).clone() for kind in _ADAM}
