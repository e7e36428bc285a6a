"""A tuning problem: penalties on a grid, weights that belong to them, validation seen and test scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mobench import Array, ContinuousNetwork, Cost, Objective, Space, Values, in_short, nondominated
from mobench.problems._tuning.data import Data, Part
from mobench.problems._tuning.grid import Grid

if TYPE_CHECKING:
    from mobench.problems._tuning.network import Formulas

PORTION = 256
"""Penalties whose weights are solved for at a time."""


class Model(Protocol):
    """A lower level that is solved."""

    @property
    def data(self) -> Data:
        """What it is fitted to."""
        ...

    @property
    def price(self) -> float:
        """Multiply-adds of one answer: fitting from scratch, and a pass over the validation rows."""
        ...

    def solve(self, alpha: Array) -> Array:
        """Weights, (n, k), that minimise the training loss at logarithms of penalties, (n, d)."""
        ...

    def error(self, weights: Array, part: Part) -> Array:
        """The first objective, (n,), of weights, (n, k), on some rows."""
        ...

    def costs(self, alpha: Array, weights: Array) -> Array:
        """The other objectives, (n, m - 1)."""
        ...


class Learnable(Model, Protocol):
    """Its other objectives are functions of the penalties alone, so that a searcher can learn with its losses."""

    def formulas(self) -> Formulas:
        """The same in torch."""
        ...


class Trainable(Learnable, Protocol):
    """Its lower level is a training of some epochs."""

    def trained(self, alpha: Array, epochs: int) -> Array:
        """Weights, (n, k), after so many epochs at logarithms of penalties, (n, d)."""
        ...

    def price_of(self, epochs: int) -> float:
        """Multiply-adds of so many epochs, and of a pass over the validation rows."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Tuning:
    """Penalties of a model as architectures; answers are free of noise.

    Attributes
    ----------
    grid : Grid
    objectives : tuple of Objective
        The error, and what `model.costs` gives.
    model : Model
    """

    grid: Grid
    objectives: tuple[Objective, ...]
    model: Model
    deterministic = True

    __repr__ = in_short

    @property
    def space(self) -> Space:
        """The grid."""
        return self.grid.space

    @property
    def training(self) -> Cost:
        """What every answer costs."""
        return Cost(evaluations=1, flops=self.model.price)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Values (n, m) of (n, d) rows, the error on the validation rows."""
        return Values(self._values(X, self.model.data.valid, self.model.solve), self.model.price)

    def score(self, X: Array) -> Array:
        """Values (n, m) of (n, d) rows, the error on the test rows."""
        return self._values(X, self.model.data.test, self.model.solve)

    def _values(self, X: Array, part: Part, solve: Callable[[Array], Array]) -> Array:
        alpha = self.grid.alpha(X)
        found = [np.empty((0, len(self.objectives)))]
        for start in range(0, len(alpha), PORTION):
            some = alpha[start : start + PORTION]
            weights = solve(some)
            found.append(np.column_stack([self.model.error(weights, part), self.model.costs(some, weights)]))
        return np.concatenate(found)

    def front(self) -> tuple[Array, Array]:
        """The nondominated rows of the whole grid by test error, and their values; read-only."""
        return self._listed[:2]

    @property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest value of each objective, (m,) each."""
        return self._listed[2:]

    @cached_property
    def _listed(self) -> tuple[Array, Array, Array, Array]:
        """The front and the ranges of the whole grid."""
        X = self.space.all()
        F = self.score(X)
        kept = nondominated(F, self.objectives)
        listed = X[kept], F[kept], F.min(axis=0), F.max(axis=0)
        for values in listed:
            values.setflags(write=False)
        return listed

    def decode(self, X: Array) -> list[str]:
        """Penalties in digits."""
        return self.grid.decode(X)

    @property
    def fingerprint(self) -> str:
        """Checksum of the data."""
        return self.model.data.fingerprint


@dataclass(frozen=True, eq=False, repr=False)
class LearnedTuning(Tuning):
    """One whose training and validation losses a searcher can learn with."""

    model: Learnable

    @property
    def low(self) -> tuple[float, ...]:
        """Least logarithm of each penalty, (d,)."""
        return self.grid.low

    @property
    def high(self) -> tuple[float, ...]:
        """Greatest logarithm of each penalty, (d,)."""
        return self.grid.high

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> ContinuousNetwork:
        """Open the model's weights and losses; alpha are the logarithms of the penalties."""
        from mobench.problems._tuning.network import TuningNetwork

        return TuningNetwork(self.grid, self.model.formulas(), charge=charge, seed=seed)


@dataclass(frozen=True, eq=False, repr=False)
class TrainedTuning(LearnedTuning):
    """One whose weights are trained, with answers after fewer epochs; a shorter training is the beginning of a longer.

    Attributes
    ----------
    fidelities : tuple of int
        Epochs on offer, ascending.
    """

    model: Trainable
    fidelities: tuple[int, ...]
    resumable = True

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Values (n, m) of (n, d) rows after `fidelity` epochs, the error on the validation rows.

        Raises
        ------
        ValueError
            A fidelity that is not on offer.
        """
        epochs = self.fidelities[-1] if fidelity is None else fidelity
        if epochs not in self.fidelities:
            raise ValueError(f"fidelity: expected one of {self.fidelities}, found {fidelity!r}")
        found = self._values(X, self.model.data.valid, lambda alpha: self.model.trained(alpha, epochs))
        return Values(found, self.model.price_of(epochs))
