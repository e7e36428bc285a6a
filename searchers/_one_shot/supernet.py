"""A supernet trained on sampled paths, and a memory of how it scores architectures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval

from mobench import Array, BudgetExhausted, Network, Run, nondominated, violation
from mobench.searchers._relaxed import finalists as _finalists
from mobench.searchers._relaxed.checkpoints import fill, moments, packed, remember, unpacked
from mobench.searchers._relaxed.divergence import check_weights
from mobench.searchers._relaxed.linear import norm
from mobench.searchers._relaxed.relaxations import one_hot

Weights = Mapping[str, torch.Tensor]
Loss = Callable[[Run, Weights, dict[str, torch.Tensor], float], torch.Tensor]
"""``(run, weights, kept, done)``: a step's loss when a share `done` of the training is over; `kept` travels along."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """Options of all one-shot searchers.

    Attributes
    ----------
    finalists : int
        Architectures that are trained through the first door before the budget ends, those that add most hypervolume by
        their scores; ours: only what was trained is delivered. Their price is kept, at most half of the budget.
    training_share : float
        Share of the budget without the finalists' that trains the supernet, the rest scores architectures; ours: the
        papers train for a fixed number of epochs, a ledger has a budget to share.
    learning_rate : float
        Of SGD with cosine decay along the ledger.
    momentum : float
        Of SGD.
    weight_decay : float
        Of SGD.
    clip : float
        Largest norm of a gradient.
    batches : int
        Validation batches behind a one-shot score.
    """

    finalists: Annotated[int, Ge(0)] = 5
    training_share: Annotated[float, Interval(gt=0, lt=1)] = 0.8
    learning_rate: Annotated[float, Gt(0)] = 0.05
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 5e-4
    clip: Annotated[float, Gt(0)] = 5.0
    batches: Annotated[int, Ge(1)] = 4


def uniform(run: Run, weights: Weights, kept: dict[str, torch.Tensor], done: float) -> torch.Tensor:
    """The training loss of a path, each with the same probability, on the next batch."""
    network = run.supernet
    p = one_hot(run.space.sample(run.rng, 1)[0], network.initial_alpha().detach())
    loss: torch.Tensor = network.train_loss(weights, p, network.train_batch())
    return loss


def search(run: Run, options: Training, choose: Callable[[Scores], None], *, loss: Loss = uniform) -> None:
    """Train the supernet, choose with inherited weights what is recommended, then train the finalists.

    Parameters
    ----------
    choose : callable
        Asks scores for what it wants; in the end the best architectures scored are recommended.
    loss : callable, optional
        What a step of the training descends.

    Raises
    ------
    ValueError
        The run has no limit of multiply-adds.
    """
    with _finalists.reserve(run, options.finalists):
        scores = Scores(run, run.supernet, _train(run, options, loss), batches=options.batches)
        try:
            choose(scores)
        except BudgetExhausted:
            _deliver(run, scores)
            raise
        _deliver(run, scores)
    _finalists.train_best(run, options.finalists, scores.X, scores.F, violation(scores.F, scores.objectives))


def _train(run: Run, options: Training, loss: Loss) -> Weights:
    """Train the weights by SGD with cosine decay, until their share of the budget is spent.

    The learning rate decays along the ledger, not along steps.

    Returns
    -------
    dict of str to Tensor
        The trained weights. A killed run goes on from its last checkpoint, kept twenty times on the way.

    Raises
    ------
    FloatingPointError
        The weights diverged.
    ValueError
        The run has no limit of multiply-adds.
    """
    until = _budget(run, options.training_share)
    network, saved = run.supernet, run.restore()
    weights = network.initial_weights()
    optimizer = torch.optim.SGD(
        weights.values(),
        lr=options.learning_rate,
        momentum=options.momentum,
        weight_decay=options.weight_decay,
        foreach=True,
    )
    first, steps = norm(weights), 0
    start, kept_along = 0.0, dict[str, torch.Tensor]()
    if saved is not None:
        start = float(saved["start"])
        fill(weights, saved, "weights")
        remember(optimizer, unpacked(saved, "sgd"))
        kept_along = {name: tensor.to(weights[name]) for name, tensor in unpacked(saved, "kept").items()}
    kept = run.spent.flops
    while run.spent.flops < until:
        done = (run.spent.flops - start) / (until - start)
        optimizer.param_groups[0]["lr"] = options.learning_rate * (1 + math.cos(math.pi * done)) / 2
        optimizer.zero_grad()
        loss(run, weights, kept_along, done).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights.values(), options.clip, foreach=True)
        optimizer.step()
        steps += 1
        if run.spent.flops - kept > (until - start) / 20:
            kept = run.spent.flops
            check_weights(weights, first, steps=steps)
            run.checkpoint(start=start, **packed(weights=weights, sgd=moments(optimizer), kept=kept_along))
    check_weights(weights, first, steps=steps)
    return {name: weight.detach() for name, weight in weights.items()}


class Scores:
    """One-shot answers, each architecture asked once: the first objective with inherited weights, exact other ones."""

    def __init__(self, run: Run, network: Network, weights: Weights, *, batches: int) -> None:
        self._run, self._network, self._weights, self._batches = run, network, weights, batches
        self._like = network.initial_alpha().detach()
        self._known: dict[int, tuple[Array, Array]] = {}
        error, *costs = run.objectives
        self.objectives = (replace(error, limit=None), *costs)  # its limit is about trained values, not one-shot ones

    @property
    def X(self) -> Array:
        """All (n, d) architectures, in the order they were asked."""
        rows = [x for x, _ in self._known.values()]
        return np.array(rows, dtype=np.int64).reshape(-1, len(self._run.space.cardinalities))

    @property
    def F(self) -> Array:
        """Their (n, m) values."""
        return np.array([value for _, value in self._known.values()]).reshape(-1, len(self._run.objectives))

    @property
    def best(self) -> Array:
        """The nondominated ones of the architectures scored that are within limits on costs or least beyond, (k, d)."""
        F, beyond = self.F, violation(self.F, self.objectives)
        rows = np.flatnonzero(beyond <= beyond.min(initial=np.inf))
        return self.X[rows[nondominated(F[rows])]]

    def __call__(self, X: Array) -> Array:
        """(n, m) values of (n, d) architectures, all minimised; only those not yet known are computed and charged."""
        keys = self._run.space.key(X).tolist()
        for key, x in zip(keys, X, strict=True):
            if key not in self._known:
                error = self._network.one_shot(self._weights, x[None], batches=self._batches)
                costs = self._network.costs(one_hot(x, self._like))
                self._known[key] = x, np.concatenate([error, costs.detach().cpu().numpy()])
        return np.array([self._known[key][1] for key in keys])


def _budget(run: Run, share: float) -> float:
    """`share` of the multiply-adds that learning may spend."""
    if not math.isfinite(run.limit.flops):
        raise ValueError("budget: a supernet is paid in compute; give a budget of trainings or flops")
    return share * run.limit.flops


def _deliver(run: Run, scores: Scores) -> None:
    if len(scores.X):
        run.recommend(scores.best)
        run.record(one_shot_X=scores.X, one_shot=scores.F[:, 0])
