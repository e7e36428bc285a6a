"""A supernet trained on uniformly sampled paths, and a memory of how it scores architectures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from mobench import Array, BudgetExhausted, Network, Run, nondominated

Weights = Mapping[str, torch.Tensor]


def one_hot(X: Array, k: int) -> torch.Tensor:
    """(n, d) architectures as (n, d, k) one-hot operation weights."""
    return torch.nn.functional.one_hot(torch.as_tensor(X), k).to(torch.get_default_dtype())


def train(
    run: Run,
    sample: Callable[[], Array],
    *,
    until: float,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    clip: float,
) -> Weights:
    """Train the weights one sampled path a batch, by SGD with cosine decay, until `until` multiply-adds are spent.

    Parameters
    ----------
    sample : callable
        Draws the (1, d) path of the next batch.
    until : float
        The ledger's multiply-adds at which training ends; the learning rate decays along the ledger, not along steps.
    learning_rate, momentum, weight_decay, clip : float
        SGD; gradients are clipped to the norm `clip`.

    Returns
    -------
    dict of str to Tensor
        The trained weights. A killed run goes on from its last checkpoint, kept twenty times on the way.
    """
    network, saved = run.supernet, run.restore()
    weights = network.initial_weights()
    optimizer = torch.optim.SGD(
        weights.values(), lr=learning_rate, momentum=momentum, weight_decay=weight_decay, foreach=True
    )
    start = 0.0
    if saved is not None:
        start = float(saved["start"])
        _restore(weights, optimizer, saved)
    kept = run.spent.flops
    while run.spent.flops < until:
        done = (run.spent.flops - start) / (until - start)
        optimizer.param_groups[0]["lr"] = learning_rate * (1 + math.cos(math.pi * done)) / 2
        optimizer.zero_grad()
        p = one_hot(sample(), network.genes[0])[0]
        network.train_loss(weights, p, network.train_batch()).backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), clip, foreach=True)
        optimizer.step()
        if run.spent.flops - kept > (until - start) / 20:
            kept = run.spent.flops
            run.checkpoint(start=start, **_state(weights, optimizer))
    return {name: weight.detach() for name, weight in weights.items()}


def _state(weights: Weights, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Weights and their momenta, by name."""
    state = {f"w:{name}": weight.detach().numpy() for name, weight in weights.items()}
    for name, weight in weights.items():
        buffer = optimizer.state.get(weight, {}).get("momentum_buffer")
        if buffer is not None:
            state[f"m:{name}"] = buffer.numpy()
    return state


def _restore(weights: Weights, optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(torch.as_tensor(saved[f"w:{name}"]))
            if f"m:{name}" in saved:
                optimizer.state[weight]["momentum_buffer"] = torch.as_tensor(saved[f"m:{name}"]).clone()


class Scores:
    """One-shot answers, each architecture asked once: the first objective with inherited weights, exact other ones."""

    def __init__(self, run: Run, network: Network, weights: Weights, *, batches: int) -> None:
        self._space, self._network, self._weights, self._batches = run.space, network, weights, batches
        self._known: dict[int, Array] = {}
        self.X = np.empty((0, len(run.space.cardinalities)), dtype=np.int64)
        self.F = np.empty((0, len(run.objectives)))

    def __call__(self, X: Array) -> Array:
        """(n, m) values of (n, d) architectures, all minimised; only those not yet known are computed and charged."""
        keys = self._space.key(X).tolist()
        new = [i for i, key in enumerate(keys) if key not in self._known and keys.index(key) == i]
        for i in new:
            error = self._network.one_shot(self._weights, X[[i]], batches=self._batches)
            costs = self._network.costs(one_hot(X[[i]], self._network.genes[0])[0])
            value = np.concatenate([error, costs.detach().numpy()])
            self._known[keys[i]] = value
            self.X, self.F = np.concatenate([self.X, X[[i]]]), np.concatenate([self.F, value[None]])
        return np.array([self._known[key] for key in keys])


def budget(run: Run, share: float) -> float:
    """`share` of the run's limit of multiply-adds.

    Raises
    ------
    ValueError
        The run has no such limit.
    """
    if not math.isfinite(run.limit.flops):
        raise ValueError("budget: a supernet is paid in compute; give a budget of trainings or flops")
    return share * run.limit.flops


def finish(run: Run, scores: Scores, search: Callable[[], None]) -> None:
    """Search until the budget is spent; recommend the nondominated architectures scored, and record all scores."""
    try:
        search()
    except BudgetExhausted:
        _deliver(run, scores)
        raise
    _deliver(run, scores)


def _deliver(run: Run, scores: Scores) -> None:
    if len(scores.X):
        run.recommend(scores.X[nondominated(scores.F)])
        run.record(one_shot_X=scores.X, one_shot=scores.F[:, 0])
