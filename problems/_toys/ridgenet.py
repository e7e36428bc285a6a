"""RidgeNet: an architecture search with three edges, up to four operations and a lower level that is solved exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobench import Array, CategoricalNetwork, Cost, Objective, Space, Values, in_short, nondominated
from mobench.problems._toys.ridgenet_data import EDGES, OPERATIONS, OWNERS, RIDGE, TRAIN_OFFSET, VALID_OFFSET, data

TRAINING = 300.0
"""Price of an exact lower-level solution, in forward passes: that of 100 gradient steps."""


@dataclass(frozen=True, eq=False, repr=False)
class RidgeNet:
    """Validation error of a ridge regression on the chosen terms, against their number.

    Attributes
    ----------
    operations : tuple of tuple of str
        Those that each edge has: the first of `OPERATIONS`, as many as you like; all four make 64 architectures.
    """

    operations: tuple[tuple[str, ...], ...] = (OPERATIONS,) * EDGES
    objectives = (Objective("error"), Objective("weights"))
    training = Cost(evaluations=1, flops=TRAINING)
    deterministic = True

    __repr__ = in_short

    @cached_property
    def space(self) -> Space:
        """One gene an edge."""
        names = tuple(f"edge{edge + 1}" for edge in range(EDGES))
        return Space(tuple(map(len, self.operations)), names, values=self.operations)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Exact values; the lower level is solved, at the price of a training."""
        return Values(self.score(X), TRAINING)

    def score(self, X: Array) -> Array:
        """Mean squared validation error and number of weights of (n, 3) rows; shape (n, 2)."""
        return self._table[self.space.index(np.asarray(X))]

    @cached_property
    def _table(self) -> Array:
        (P, y), (V, z) = data(TRAIN_OFFSET), data(VALID_OFFSET)
        rows = []
        for genes in self.space.all():
            kept = np.concatenate([[True], genes[OWNERS[:, 0]] == OWNERS[:, 1]])
            H = P[:, kept].T @ P[:, kept] / len(y) + RIDGE * np.eye(kept.sum())
            w = np.linalg.solve(H, P[:, kept].T @ y / len(y))
            rows.append((((V[:, kept] @ w - z) ** 2).mean(), kept.sum() - 1.0))
        return np.array(rows)

    def front(self) -> tuple[Array, Array]:
        """The Pareto-optimal architectures and their values; nine of the whole RidgeNet."""
        best = nondominated(self._table)
        return self.space.all()[best], self._table[best]

    def decode(self, X: Array) -> list[str]:
        """Operations as digits, ``232``."""
        return ["".join(map(str, row)) for row in np.asarray(X).tolist()]

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> CategoricalNetwork:
        """Open it as a network whose columns are scaled by the operations' shares; a forward pass costs 1."""
        from mobench.problems._toys.networks import RidgeNetwork

        return RidgeNetwork(self.operations, charge=charge)
