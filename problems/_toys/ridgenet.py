"""RidgeNet: an architecture search with three edges, four operations and a lower level that is solved exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from mobench import Array, Cost, Network, Objective, Space, Values, nondominated

EDGES = 3
OPERATIONS = ("none", "linear", "cubic", "waves")
TERMS = (0, 1, 3, 4)
"""Weights of the operations: none; x; x, x^2, x^3; sin 3x, cos 3x, sin 6x, cos 6x."""
RIDGE = 0.01
TRAINING = 300.0
"""Price of an exact lower-level solution, in forward passes: that of 100 gradient steps."""
TRAIN_OFFSET, VALID_OFFSET, SIZE = 0, 1000, 40


def data(offset: int) -> tuple[Array, Array]:
    """Columns (40, 25) and targets (40,) of one part; the first column is the intercept's."""
    j = np.arange(1, SIZE + 1) + offset
    x = 2.0 * np.modf(j[:, None] * np.sqrt([2.0, 3.0, 5.0]))[0] - 1.0
    noise = 0.2 * np.sin(12.9898 * j) * np.cos(78.233 * j)
    y = x[:, 0] + np.sin(3.0 * x[:, 1]) + 0.3 * x[:, 2] ** 2 + noise
    columns = [np.ones(SIZE)]
    for edge in range(EDGES):
        v = x[:, edge]
        columns += [v, v, v**2, v**3, np.sin(3.0 * v), np.cos(3.0 * v), np.sin(6.0 * v), np.cos(6.0 * v)]
    return np.column_stack(columns), y


OWNERS = np.array([(edge, op) for edge in range(EDGES) for op, terms in enumerate(TERMS) for _ in range(terms)])
"""(24, 2): edge and operation of each column after the intercept's."""


class RidgeNet:
    """Validation error of a ridge regression on the chosen terms, against their number; 64 architectures."""

    space = Space((len(TERMS),) * EDGES, tuple(f"edge{edge + 1}" for edge in range(EDGES)))
    objectives = (Objective("error"), Objective("weights"))
    training = Cost(evaluations=1, flops=TRAINING)
    deterministic = True

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
        """The nine Pareto-optimal architectures and their values."""
        best = nondominated(self._table)
        return self.space.all()[best], self._table[best]

    def decode(self, X: Array) -> list[str]:
        """Operations as digits, ``232``."""
        return ["".join(map(str, row)) for row in np.asarray(X).tolist()]

    def supernet(self, *, charge: Callable[[float, bool], None], seed: int) -> Network:
        """Open it as a network whose columns are scaled by the operations' shares; a forward pass costs 1."""
        from mobench.problems._toys.networks import RidgeNetwork

        network: Network = RidgeNetwork(charge=charge)
        return network
