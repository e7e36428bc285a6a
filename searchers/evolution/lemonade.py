"""LEMONADE: children inherit weights and are trained for little, rare costs breed (Elsken, Metzen and Hutter 2019)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval

from mobench import Array, BudgetExhausted, CategoricalSupernet, ComputeBudget, Network, Objective, Run, violation
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population.density import logarithms, rare
from mobench.searchers._relaxed import finalists as _finalists
from mobench.searchers._relaxed.checkpoints import packed, unpacked
from mobench.searchers._relaxed.divergence import check_weights
from mobench.searchers._relaxed.linear import norm
from mobench.searchers._relaxed.relaxations import one_hot

needs = (CategoricalSupernet, ComputeBudget)
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of LEMONADE.

    Attributes
    ----------
    finalists : int
        Members that are trained from scratch through the first door before the budget ends, those that add most
        hypervolume; ours: only what was trained is delivered. Their price is kept, at most half of the budget.
    initial : int
        Uniform architectures to begin with; 3, ours. The paper begins with a few small networks.
    first : float
        What each of these is trained for, in average trainings; 0.2, ours.
    children : int
        Candidates a generation, each a parent with one gene changed; 50, ours.
    accepted : int
        How many of them are trained; 5, ours.
    inherited : float
        What each of these is trained for, with inherited weights, in average trainings; 0.05, ours: the paper's
        children are trained for a small part of what a training from scratch takes.
    learning_rate : float
        Of SGD, from where it falls to 0 along a cosine in each training; 0.1, as in the trainings of NAS-Bench-201.
    momentum : float
        Of SGD.
    weight_decay : float
        Of SGD.
    clip : float
        Largest norm of a gradient.
    batches : int
        Validation batches behind a member's error.
    """

    finalists: Annotated[int, Interval(ge=0, le=1_000_000)] = 5
    initial: Annotated[int, Interval(ge=2, le=1000)] = 3
    first: Annotated[float, Gt(0)] = 0.2
    children: Annotated[int, Interval(ge=1, le=1_000_000)] = 50
    accepted: Annotated[int, Interval(ge=1, le=1_000_000)] = 5
    inherited: Annotated[float, Gt(0)] = 0.05
    learning_rate: Annotated[float, Gt(0)] = 0.1
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 5e-4
    clip: Annotated[float, Gt(0)] = 5.0
    batches: Annotated[int, Interval(ge=1, le=1_000_000)] = 4


@dataclass(eq=False)
class Members:
    """A population and what it knows.

    Attributes
    ----------
    X, F : Array
        (n, d) architectures that nothing dominates, and (n, m) validation errors and exact costs.
    weights : list of dict
        Each one's own, of the whole supernet: what it does not use is what an ancestor left.
    known : Array
        (k,) keys of all that were trained.
    """

    X: Array
    F: Array
    weights: list[Weights]
    known: Array

    def add(self, x: Array, value: Array, weights: Weights, key: Array, objectives: Sequence[Objective]) -> None:
        """Take a trained architecture in, and leave out what is dominated now."""
        X, F, own = np.vstack([self.X, x]), np.vstack([self.F, value]), [*self.weights, weights]
        kept = np.flatnonzero(_ranking.ranks(F, _ranking.beyond_limits(F, objectives)) == 0)
        self.X, self.F, self.weights = X[kept], F[kept], [own[i] for i in kept]
        self.known = np.concatenate([self.known, key])


def search(run: Run, options: Options) -> None:
    """Breed, train what is accepted with inherited weights, keep what nothing dominates; train finalists in the end.

    A child whose network can be changed without changing what it computes begins with what its parent computes
    (network morphisms), any other one with its parent's weights where operations are the same. Ends when the budget is
    spent or no new architecture is found.

    Raises
    ------
    FloatingPointError
        The weights of a child diverged.
    """
    members = _restored(run)
    network, objectives = run.supernet, (replace(run.objectives[0], limit=None), *run.objectives[1:])
    with _finalists.reserve(run, options.finalists):
        try:
            while len((children := _offspring(run, network, members, options))[0]):
                share = options.inherited if len(members.X) else options.first
                for x, weights in zip(*children, strict=True):
                    _train(run, network, weights, x, share * run.training.flops, options)
                    value = _value(network, weights, x, options.batches)
                    members.add(x, value, weights, run.space.key(x[None]), objectives)
                run.record(population=members.X)
                run.recommend(members.X)
                _keep(run, members)
        except BudgetExhausted:
            if len(members.X):
                run.recommend(members.X)
            raise
    _finalists.train_best(run, options.finalists, members.X, members.F, violation(members.F, objectives))


def _offspring(run: Run, network: Network, members: Members, options: Options) -> tuple[Array, list[Weights]]:
    """Architectures to train, (k, d), k up to `accepted`, and the weights that each begins with."""
    rng, space = run.rng, run.space
    if not len(members.X):
        X = _genetics.sample_new(rng, space, options.initial, np.empty(0, np.int64))
        return X, [_fresh(network) for _ in X]
    like, C = network.initial_alpha().detach(), members.F[:, 1:]
    parents = rare(rng, logarithms(C, C), logarithms(C, C), options.children, replace=True)
    X = _genetics.mutate_one(rng, members.X[parents], space)
    new = _genetics.fresh(space.key(X), members.known)
    X, parents = X[new], parents[new]
    if not len(X):
        X = _genetics.sample_new(rng, space, options.accepted, members.known)
        return X, [_fresh(network) for _ in X]
    costs = np.array([network.costs(one_hot(x, like)).detach().cpu().numpy() for x in X])
    k = min(options.accepted, len(X))
    chosen = rare(rng, logarithms(C, np.vstack([C, costs])), logarithms(costs, np.vstack([C, costs])), k, replace=False)
    return X[chosen], [
        _inherited(network, members.weights[parent], members.X[parent], x)
        for parent, x in zip(parents[chosen], X[chosen], strict=True)
    ]


def _fresh(network: Network) -> Weights:
    return {name: weight.detach().clone() for name, weight in network.initial_weights().items()}


def _inherited(network: Network, weights: Weights, parent: Array, child: Array) -> Weights:
    """The weights that a child begins with: its parent's, morphed where the network knows how to."""
    if (morph := getattr(network, "morph", None)) is not None:
        morphed: Weights = morph(weights, parent, child)
        return morphed
    return {name: weight.clone() for name, weight in weights.items()}


def _train(run: Run, network: Network, weights: Weights, x: Array, flops: float, options: Options) -> None:
    """Train weights in place on the path of `x`, (d,), for so many multiply-adds, by SGD with cosine decay.

    Raises
    ------
    FloatingPointError
        They diverged.
    """
    leaves = {name: weight.requires_grad_() for name, weight in weights.items()}
    optimizer = torch.optim.SGD(
        leaves.values(),
        lr=options.learning_rate,
        momentum=options.momentum,
        weight_decay=options.weight_decay,
        foreach=True,
    )
    p, first, start, steps = one_hot(x, network.initial_alpha().detach()), norm(leaves), run.spent.flops, 0
    while (done := (run.spent.flops - start) / flops) < 1:
        optimizer.param_groups[0]["lr"] = options.learning_rate * (1 + math.cos(math.pi * done)) / 2
        optimizer.zero_grad()
        network.train_loss(leaves, p, network.train_batch()).backward()
        torch.nn.utils.clip_grad_norm_(leaves.values(), options.clip, foreach=True)
        optimizer.step()
        steps += 1
    check_weights(leaves, first, steps=steps)
    for weight in leaves.values():
        weight.requires_grad_(False)
        weight.grad = None


def _value(network: Network, weights: Weights, x: Array, batches: int) -> Array:
    """Validation error with these weights, and exact costs; (m,)."""
    costs = network.costs(one_hot(x, network.initial_alpha().detach())).detach().cpu().numpy()
    return np.append(network.one_shot(weights, x[None], batches=batches), costs)


def _keep(run: Run, members: Members) -> None:
    each = {f"weights{i}": weights for i, weights in enumerate(members.weights)}
    run.checkpoint(X=members.X, F=members.F, known=members.known, **packed(**each))


def _restored(run: Run) -> Members:
    """The members of the last checkpoint, or none."""
    saved = run.restore()
    if saved is None:
        d, m = len(run.space.cardinalities), len(run.objectives)
        return Members(np.empty((0, d), np.int64), np.empty((0, m)), [], np.empty(0, np.int64))
    device = run.supernet.initial_alpha().device
    weights = [
        {name: weight.to(device) for name, weight in unpacked(saved, f"weights{i}").items()}
        for i in range(len(saved["X"]))
    ]
    return Members(saved["X"], saved["F"], weights, saved["known"])
