"""A supernet trained on sampled paths, and a memory of how it scores architectures."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval

from mobench import Array, BudgetExhausted, Network, Run, nondominated, violation
from mobench.searchers._relaxed import finalists as _finalists
from mobench.searchers._relaxed.checkpoints import fill, moments, packed, remember, unpacked
from mobench.searchers._relaxed.divergence import check_rate, check_weights
from mobench.searchers._relaxed.linear import Vector, Weights, norm
from mobench.searchers._relaxed.relaxations import one_hot

LISTED = 1_000_000
"""Rows of a space up to which those that are the same are counted."""


@dataclass(frozen=True, kw_only=True)
class Training(ABC):
    """Options of all one-shot searchers.

    Attributes
    ----------
    finalists : int
        Architectures that are trained through the first door before the budget ends, those that add most hypervolume by
        their scores; ours: only what was trained is delivered. Their price is kept, at most half of the budget.
    training_share : float
        Share of the budget without the finalists' that trains the supernet, the rest scores architectures; ours: the
        papers train for a fixed number of epochs, a ledger has a budget to share.
    clip : float
        Largest norm of a gradient.
    batches : int
        Validation batches behind a one-shot score.
    """

    finalists: Annotated[int, Ge(0)] = 5
    training_share: Annotated[float, Interval(gt=0, lt=1)] = 0.8
    clip: Annotated[float, Gt(0)] = 5.0
    batches: Annotated[int, Ge(1)] = 4

    @abstractmethod
    def optimizer(self, learned: Weights) -> torch.optim.Optimizer:
        """Of what is trained; its learning rate decays to 0 as a cosine along the ledger."""


@dataclass(frozen=True, kw_only=True)
class Descent(Training):
    """Trains by SGD.

    Attributes
    ----------
    learning_rate : float
        Of SGD with cosine decay along the ledger.
    momentum : float
        Of SGD.
    weight_decay : float
        Of SGD.
    """

    learning_rate: Annotated[float, Gt(0)] = 0.05
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 5e-4

    def optimizer(self, learned: Weights) -> torch.optim.Optimizer:
        """SGD."""
        return torch.optim.SGD(
            learned.values(),
            lr=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            foreach=True,
        )


class Sharing:
    """What architectures share, and how it is trained: one set of weights, a uniform path a batch.

    Attributes
    ----------
    run : Run
    learned : dict of Tensor
        Leaves by name that training changes.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.learned: Vector = run.supernet.initial_weights()
        self._like = run.supernet.initial_alpha().detach().cpu()

    def weights(self, x: Array) -> Weights:
        """The network's weights as the architecture x, (d,), has them."""
        return self.learned

    def path(self, done: float) -> Array:
        """The next architecture, (d,), to train, when a share `done` of the training is over."""
        x: Array = self.run.space.sample(self.run.rng, 1)[0]
        return x

    def loss(self, done: float) -> torch.Tensor:
        """What a step of training descends: the training loss of the next architecture on the next batch."""
        network, x = self.run.supernet, self.path(done)
        p = one_hot(x, self._like)  # on the CPU: no pass waits for the device to learn what to compute
        loss: torch.Tensor = network.train_loss(self.weights(x), p, network.train_batch())
        return loss

    def learn(self, done: float) -> None:
        """What is learnt beside, after each step of training: nothing."""

    def kept(self) -> Mapping[str, Array]:
        """What a checkpoint keeps beside what is trained."""
        return {}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Go on from what `kept` gave."""


def search(run: Run, options: Training, choose: Callable[[Scores], None], sharing: Sharing | None = None) -> None:
    """Train the supernet, choose with inherited weights what is recommended, then train the finalists.

    Parameters
    ----------
    choose : callable
        Asks scores for what it wants; in the end the best architectures scored are recommended.
    sharing : Sharing, optional
        What architectures share, opened before anything is asked or restored; left out: one set of weights.

    Raises
    ------
    ValueError
        The run has no limit of multiply-adds.
    """
    scores = None
    with _finalists.reserve(run, options.finalists):
        sharing = Sharing(run) if sharing is None else sharing
        _train(sharing, options)
        scores = Scores(run, run.supernet, sharing.weights, batches=options.batches)
        try:
            choose(scores)
        except BudgetExhausted:
            _deliver(run, scores)
            raise
        _deliver(run, scores)
    if scores is not None:  # the block ends earlier where a pass of the training takes what was left of the budget
        _finalists.train_best(run, options.finalists, scores.X, scores.F, violation(scores.F, scores.objectives))


def _train(sharing: Sharing, options: Training) -> None:
    """Train what is shared, one path a batch, until its share of the budget is spent.

    The learning rate decays along the ledger, not along steps. A killed run goes on from its last checkpoint, kept
    twenty times on the way.

    Raises
    ------
    FloatingPointError
        The weights diverged.
    ValueError
        The run has no limit of multiply-adds, or the learning rate is beyond what the weights' numbers hold.
    """
    run, learned = sharing.run, sharing.learned
    until = options.training_share * run.limit.flops
    saved = run.restore()
    optimizer = options.optimizer(learned)
    rate = optimizer.param_groups[0]["lr"]
    check_rate("learning_rate", rate, next(iter(learned.values())))
    first, steps = norm(learned), 0
    start = 0.0
    if saved is not None:
        start = float(saved["start"])
        fill(learned, saved, "weights")
        remember(optimizer, unpacked(saved, "optimizer"))
        sharing.restore(saved)
    kept = run.spent.flops
    while run.spent.flops < until:
        done = (run.spent.flops - start) / (until - start)
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * done)) / 2
        optimizer.zero_grad()
        sharing.loss(done).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned.values(), options.clip, foreach=True)
        optimizer.step()
        sharing.learn(done)
        steps += 1
        if run.spent.flops - kept > (until - start) / 20:
            kept = run.spent.flops
            check_weights(learned, first, steps=steps)
            state = packed(weights=learned, optimizer=moments(optimizer))
            run.checkpoint(start=start, **state, **sharing.kept())
    check_weights(learned, first, steps=steps)


class Scores:
    """One-shot answers, each architecture asked once: the first objective with inherited weights, exact other ones."""

    def __init__(self, run: Run, network: Network, weights: Callable[[Array], Weights], *, batches: int) -> None:
        self._run, self._network, self._weights, self._batches = run, network, weights, batches
        self._like = network.initial_alpha().detach().cpu()
        self._known: dict[int, tuple[Array, Array]] = {}
        self._learned = True
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

    @property
    def are_all(self) -> bool:
        """Whether every architecture is known; which of a space's rows are the same is asked when nothing was new."""
        return len(self._known) >= (self._run.space.size if self._learned else self._different)

    @cached_property
    def _different(self) -> int:
        space = self._run.space
        return space.size if space.size > LISTED else len(np.unique(space.key(space.all())))

    def __call__(self, X: Array) -> Array:
        """(n, m) values of (n, d) architectures, all minimised; only those not yet known are computed and charged."""
        keys, before = self._run.space.key(X).tolist(), len(self._known)
        for key, x in zip(keys, X, strict=True):
            if key not in self._known:
                with torch.no_grad():
                    error = self._network.one_shot(self._weights(x), x[None], batches=self._batches)
                costs = self._network.costs(one_hot(x, self._like))
                self._known[key] = x, np.concatenate([error, costs.detach().cpu().numpy()])
        self._learned = len(self._known) > before
        return np.array([self._known[key][1] for key in keys])


def _deliver(run: Run, scores: Scores) -> None:
    if len(scores.X):
        run.recommend(scores.best)
        run.record(one_shot_X=scores.X, one_shot=scores.F[:, 0])
