"""REINFORCE: policies, one a direction, draw genes and learn from rewards (Williams 1992; Zoph and Le 2017)."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import Array, Run, simplex_lattice, violation
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population.scalars import chebyshev, scaled

BETAS = (0.9, 0.999)
"""Adam's (Kingma and Ba 2015)."""


def search(
    run: Run,
    *,
    reward: Literal["linear", "chebyshev", "mnasnet"] = "linear",
    policies: Annotated[int, Interval(ge=1, le=10_000)] = 4,
    learning_rate: Annotated[float, Interval(gt=0, le=1000)] = 0.2,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    within: Annotated[float, Interval(ge=-10, le=10)] = -0.07,
    beyond: Annotated[float, Interval(ge=-10, le=10)] = -0.07,
    patience: Annotated[int, Interval(ge=1, le=1_000_000)] = 10,
) -> None:
    """Draw one architecture a policy, reward each by its policy's direction, and learn, until the budget is spent.

    A policy has a softmax for each gene, as the one of NAS-Bench-201's authors. The first policies sweep the directions
    evenly: weights of a lattice, or targets from the lowest cost seen to the highest. One that draws nothing new any
    more has learned what it can, and begins anew in a direction that is drawn.

    Parameters
    ----------
    run : Run
        The problem.
    reward : {"linear", "chebyshev", "mnasnet"}
        One less a weighted sum or an augmented Chebyshev function of values in units of what was seen; or the accuracy,
        one less the first objective in these units, times the product of (cost / target)^w over the others (Tan et al.
        2019), where a policy's targets are as far between the lowest and the highest cost, by ratio.
    policies : int
        How many learn at a time, and share the budget. 4, ours: each learns from its own draws alone, and in a NAS
        budget more of them learn less.
    learning_rate : float
        Of Adam; 0.5 in the script of NAS-Bench-201, where policies are certain after few draws, 0.01 in that of
        NATS-Bench, where they learn nothing in a NAS budget; 0.2, ours.
    momentum : float
        Of the baseline, a moving mean of the policy's rewards; 0.9 in both scripts.
    within, beyond : float
        Exponents w of the third reward below and above the target: -0.07 both for MnasNet's soft one, 0 and -1 for its
        hard one.
    patience : int
        A policy begins anew when so many of its draws, one after the other, were known; 10, ours.
    """
    rng, m = run.rng, len(run.objectives)
    weights, targets = sweep(rng, m, policies), (np.arange(policies) + 0.5) / policies
    learners = Policies(_genetics.bounds(run.space), policies, learning_rate, momentum)
    learners.begin(rng, np.arange(policies))
    low, high = np.full(m + 1, np.inf), np.full(m + 1, -np.inf)
    known, stale = set[int](), np.zeros(policies, dtype=np.int64)
    while True:
        X = learners.draw(rng)
        F = run.evaluate(X)
        G = np.column_stack([F, violation(F, run.objectives)])
        low, high = np.minimum(low, G.min(axis=0)), np.maximum(high, G.max(axis=0))
        N = scaled(G, np.stack([low, high]))
        if reward == "mnasnet":
            R = mnasnet(1.0 - N[:, 0], ratios(F[:, 1:], low[1:m], high[1:m], targets), within=within, beyond=beyond)
        else:
            R = 1.0 - (chebyshev(N[:, :m], weights) if reward == "chebyshev" else (N[:, :m] * weights).sum(axis=1))
        learners.learn(X, R - N[:, m])
        keys = run.space.key(X).tolist()
        stale = np.where([key in known for key in keys], stale + 1, 0)
        known.update(keys)
        if len(done := np.flatnonzero(stale >= patience)):
            learners.begin(rng, done)
            weights[done], targets[done] = rng.dirichlet(np.ones(m), len(done)), rng.random(len(done))
            stale[done] = 0


def sweep(rng: np.random.Generator, m: int, n: int) -> Array:
    """Weights of m objectives for n policies, (n, m): a lattice's, the largest of at most so many, and drawn ones."""
    if m == 1:
        return np.ones((n, 1))
    partitions = max(itertools.takewhile(lambda p: math.comb(p + m - 1, p) <= n, itertools.count(1)), default=0)
    lattice = simplex_lattice(m, partitions) if partitions else np.empty((0, m))
    return np.concatenate([lattice, rng.dirichlet(np.ones(m), n - len(lattice))])


def ratios(C: Array, low: Array, high: Array, targets: Array) -> Array:
    """Costs, (n, k), over targets that are (n,) shares of the way from `low` to `high`, (k,) each, by ratio; (n, k).

    Ratios need positive numbers: a cost that can be zero or less is counted from a hundredth of its extent below `low`.
    """
    span = high - low
    base = np.where(low > 0, 0.0, low - np.where(span > 0, 0.01 * span, 1.0))
    least, most = low - base, high - base
    found: Array = (C - base) / (least * (most / least) ** targets[:, None])
    return found


def mnasnet(accuracy: Array, ratios: Array, *, within: float = -0.07, beyond: float = -0.07) -> Array:
    """Accuracies, (n,), times the product of (n, k) ratios of cost and target, each to its w; (n,).

    Equations 2 and 3 of Tan et al. 2019.

    Examples
    --------
    >>> mnasnet(np.array([0.75]), np.array([[2.0]])).round(4).tolist()
    [0.7145]
    """
    rewards: Array = accuracy * (ratios ** np.where(ratios <= 1.0, within, beyond)).prod(axis=1)
    return rewards


class Policies:
    """Softmax policies over categorical genes, and their Adam, all at once.

    Attributes
    ----------
    theta : Array
        (p, d, c) logits; those of absent values are -inf.
    """

    def __init__(self, cardinalities: Array, p: int, learning_rate: float, momentum: float) -> None:
        self._rate, self._momentum = learning_rate, momentum
        self._present = np.arange(cardinalities.max()) < cardinalities[:, None]
        shape = (p, *self._present.shape)
        self.theta, self._first, self._second = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._steps, self._mean = np.zeros(p), np.zeros(p)

    def begin(self, rng: np.random.Generator, rows: Array) -> None:
        """Begin with (k,) policies anew: normal logits of standard deviation 0.001, as in NAS-Bench-201's script."""
        drawn = 1e-3 * rng.standard_normal((len(rows), *self._present.shape))
        self.theta[rows] = np.where(self._present, drawn, -np.inf)
        for state in (self._first, self._second, self._steps, self._mean):
            state[rows] = 0.0

    def shares(self) -> Array:
        """Probabilities of values, (p, d, c)."""
        raised = np.exp(self.theta - self.theta.max(axis=2, keepdims=True))
        shares: Array = raised / raised.sum(axis=2, keepdims=True)
        return shares

    def draw(self, rng: np.random.Generator) -> Array:
        """One architecture a policy, (p, d)."""
        reached = rng.random((*self.theta.shape[:2], 1)) < self.shares().cumsum(axis=2)
        last = self._present.sum(axis=1) - 1  # sums of rounded shares may end below 1
        X: Array = np.where(reached.any(axis=2), reached.argmax(axis=2), last)
        return X

    def learn(self, X: Array, R: Array) -> None:
        """Step along the gradient (R - b) grad log pi(x) of (p, d) draws with (p,) rewards, by Adam.

        The baseline b is the mean of rewards, the present one included, weighted by powers of the momentum.
        """
        self._steps += 1
        self._mean += (1 - self._momentum) * (R - self._mean)
        advantage = R - self._mean / (1 - self._momentum**self._steps)
        chosen = X[:, :, None] == np.arange(self.theta.shape[2])
        slope = advantage[:, None, None] * (chosen - self.shares())
        self._first += (1 - BETAS[0]) * (slope - self._first)
        self._second += (1 - BETAS[1]) * (slope**2 - self._second)
        first, second = (
            moment / (1 - beta**self._steps)[:, None, None]
            for moment, beta in zip((self._first, self._second), BETAS, strict=True)
        )
        self.theta += self._rate * first / (np.sqrt(second) + 1e-8)
