"""A toy problem whose answers are known for any space, in all the shapes that a searcher may meet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mobench.core.budget import Cost
from mobench.core.indicators import nondominated
from mobench.core.problem import Objective, Values
from mobench.core.space import Array, Keys, Space

__all__ = ["GradedToy", "Toy"]


@dataclass(frozen=True)
class Toy:
    """An additive problem whose answers are known for any space, in the shapes that a searcher may meet.

    Objective j of architecture x is ``sum_i w_ji r_ji(x_i)`` with fixed random weights and values r in [0, 1).

    Attributes
    ----------
    cardinalities : tuple of int
        Of the genes.
    m : int
        Objectives, 1 to 6; every second one is maximised where `maximise` says so.
    scale, shift : float
        Values become ``scale * value + shift``.
    levels : int
        Distinct values of an objective at most; 0: no ties wanted.
    noisy : bool
        Answers get a share of noise of their own.
    paired : bool
        Architectures that differ in the first gene only are one class, and share their values.
    """

    cardinalities: tuple[int, ...] = (4, 3, 5, 2, 4)
    m: int = 2
    maximise: bool = False
    scale: float = 1.0
    shift: float = 0.0
    levels: int = 0
    noisy: bool = False
    paired: bool = False

    @property
    def training(self) -> Cost:
        """An evaluation, of 4 s on average."""
        return Cost(evaluations=1, seconds=4.0)

    @property
    def deterministic(self) -> bool:
        """Unless it is noisy."""
        return not self.noisy

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Named f0 to f5."""
        return tuple(Objective(f"f{j}", maximise=self.maximise and j % 2 == 0) for j in range(self.m))

    @cached_property
    def space(self) -> Space:
        """Of these cardinalities, with classes where rows are paired."""
        return Space(self.cardinalities, classes=self._classes if self.paired else None)

    @cached_property
    def _values(self) -> list[Array]:
        """(m, c) contributions of each gene's values."""
        rng = np.random.default_rng(7)
        parts = [rng.random((self.m, 1)) * rng.random((self.m, c)) for c in self.cardinalities]
        return [part * 0 if self.paired and i == 0 else part for i, part in enumerate(parts)]

    def _classes(self, X: Array) -> Keys:
        keys: Keys = Space((1, *self.cardinalities[1:])).index(np.column_stack([0 * X[:, :1], X[:, 1:]]))
        return keys

    def score(self, X: Array) -> Array:
        """(n, m) exact values."""
        F = np.sum([part[:, genes] for part, genes in zip(self._values, X.T, strict=True)], axis=0).T
        if self.levels:
            F = np.floor(F / len(self.cardinalities) * self.levels)
        found: Array = F * self.scale + self.shift
        return found

    def evaluate(self, X: Array, *, fidelity: int | None, seeds: Array) -> Values:
        """Answers at uneven prices, 1 to 7 s each."""
        F = self.score(X)
        if self.noisy:
            F = F + self.scale * 0.1 * ((seeds >> np.uint64(11)).astype(np.float64) * 2.0**-53)[:, None]
        return Values(F, seconds=1.0 + (X.sum(axis=1) % 4) * 2.0)

    def front(self) -> tuple[Array, Array]:
        """The true front, by enumeration."""
        X = self.space.all()
        F = self.score(X)
        best = nondominated(F, self.objectives)
        return X[best], F[best]

    def decode(self, X: Array) -> list[str]:
        """Genes, joined by dashes."""
        return ["-".join(map(str, row)) for row in X.tolist()]


class GradedToy(Toy):
    """The toy with two cheaper fidelities, whose answers are blurred by the fidelity."""

    fidelities = (1, 3, 9)

    def evaluate(self, X: Array, *, fidelity: int | None, seeds: Array) -> Values:
        """Answers at a share of the full price."""
        full = super().evaluate(X, fidelity=None, seeds=seeds)
        share = (fidelity or self.fidelities[-1]) / self.fidelities[-1]
        return Values(np.asarray(full.F) + (1.0 - share) * 0.1, seconds=np.asarray(full.seconds) * share)
