"""CatSum: six categorical genes, two sums, and a front of 21 points known by heart.

A calibration problem for discrete searchers: additive error against additive cost, where 11 of the 21 front points
can be reached by linear scalarisation. Hypervolume of the front with reference (85, 25): 1796.
"""

from __future__ import annotations

import numpy as np

from mobench import Array, Cost, Objective, Space, Values, in_short, nondominated

QUALITY = np.array([0, 2, 3, 4, 1])
COST = np.array([0, 0, 1, 4, 0])
WEIGHTS = np.array([6, 5, 4, 3, 2, 1])


class CatSum:
    """f1 = sum w_i (4 - s[x_i]) and f2 = sum c[x_i] over six genes in 0..4."""

    space = Space((5,) * 6)
    objectives = (Objective("error"), Objective("cost"))
    training = Cost(evaluations=1)
    deterministic = True

    __repr__ = in_short

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Exact and free of noise."""
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        """Values of (n, 6) rows; shape (n, 2)."""
        return np.column_stack([(4 - QUALITY[X]) @ WEIGHTS, COST[X].sum(axis=1)]).astype(np.float64)

    def front(self) -> tuple[Array, Array]:
        """All 22 Pareto-optimal rows and their values."""
        X = self.space.all()
        F = self.score(X)
        best = nondominated(F)
        return X[best], F[best]

    def decode(self, X: Array) -> list[str]:
        """Genes as digits, ``310440``."""
        return ["".join(map(str, row)) for row in X.tolist()]


def problem() -> CatSum:
    """CatSum."""
    return CatSum()
