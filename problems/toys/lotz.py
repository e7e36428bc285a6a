"""LOTZ: leading ones against trailing zeros, a bit string problem whose front has exactly n + 1 points.

Laumanns, Thiele and Zitzler 2004, "Running time analysis of evolutionary algorithms on a simplified multiobjective
knapsack problem". Both counts are to be maximised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import Array, Cost, Objective, Space, Values, in_short


@dataclass(frozen=True, repr=False)
class Lotz:
    """Leading ones and trailing zeros of `bits` bits."""

    bits: int
    objectives = (Objective("leading ones", maximise=True), Objective("trailing zeros", maximise=True))
    training = Cost(evaluations=1)
    deterministic = True

    __repr__ = in_short

    @property
    def space(self) -> Space:
        """All bit strings."""
        return Space((2,) * self.bits)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Exact and free of noise."""
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        """Values of (n, bits) rows; shape (n, 2)."""
        ones = np.cumprod(X, axis=1).sum(axis=1)
        zeros = np.cumprod(1 - X[:, ::-1], axis=1).sum(axis=1)
        return np.column_stack([ones, zeros]).astype(np.float64)

    def front(self) -> tuple[Array, Array]:
        """The strings 1^k 0^(bits-k) for k = 0..bits."""
        X = np.tril(np.ones((self.bits + 1, self.bits), dtype=np.int64), k=-1)
        return X, self.score(X)

    def decode(self, X: Array) -> list[str]:
        """Bits as digits."""
        return ["".join(map(str, row)) for row in X.tolist()]


def problem(*, bits: Annotated[int, Interval(ge=1, le=60)] = 8) -> Lotz:
    """LOTZ.

    Parameters
    ----------
    bits
        Length of the strings.
    """
    return Lotz(bits)
