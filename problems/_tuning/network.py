"""A model's losses behind the meter: weights, and logarithms of penalties as a plain vector alpha, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mobench import Array
from mobench.live.meter import FORWARD, Charge, metered
from mobench.problems._tuning.grid import Grid

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Formulas:
    """A model in torch.

    Attributes
    ----------
    initial : callable
        ``(rng) -> weights``: where learning begins, float64 arrays by name.
    lower : callable
        ``(weights, alpha) -> scalar``: the training loss, penalties included.
    upper : callable
        ``(weights) -> scalar``: the error on the validation rows.
    costs : callable
        ``(alpha) -> (m - 1,)``: the other objectives.
    train_price, valid_price : float
        Multiply-adds of a forward pass over the training and the validation rows.
    """

    initial: Callable[[np.random.Generator], dict[str, Array]]
    lower: Callable[[Weights, Tensor], Tensor]
    upper: Callable[[Weights], Tensor]
    costs: Callable[[Tensor], Tensor]
    train_price: float
    valid_price: float


def degrees_of_freedom(gram: Tensor, penalties: Tensor) -> Tensor:
    """Trace of G (G + D)^-1, a scalar with a gradient, of G, (p, p), and the diagonal of D, (p,)."""
    shares: Tensor = torch.linalg.solve(gram + torch.diag(penalties), gram)
    return shares.trace()


class TuningNetwork:
    """A continuous network: alpha is the vector of logarithms, its own relaxation, and batches are all rows.

    It starts in the middle half of the box, at the address [seed, 3].
    """

    def __init__(self, grid: Grid, formulas: Formulas, *, charge: Charge, seed: int) -> None:
        self.low, self.high = grid.low, grid.high
        self.drawn = {"train": 0, "valid": 0}
        self._grid, self._formulas, self._charge, self._seed = grid, formulas, charge, seed

    def initial_alpha(self) -> Tensor:
        """Starting point, (d,), that requires a gradient."""
        low, high = np.array(self.low), np.array(self.high)
        place = np.random.default_rng([self._seed, 3]).uniform(0.25, 0.75, len(low))
        return torch.from_numpy(low + (high - low) * place).requires_grad_()

    def initial_weights(self, *, partial_channels: int = 1) -> dict[str, Tensor]:
        """The model's, at the address [seed, 3, 0].

        Raises
        ------
        ValueError
            `partial_channels` is not 1.
        """
        if partial_channels != 1:
            raise ValueError(f"partial_channels: there are no channels to share out, found {partial_channels}")
        drawn = self._formulas.initial(np.random.default_rng([self._seed, 3, 0]))
        return {name: torch.tensor(values, dtype=torch.float64, requires_grad=True) for name, values in drawn.items()}

    def train_batch(self) -> None:
        """Nothing: the losses are of all rows."""

    def valid_batch(self) -> None:
        """Nothing: the losses are of all rows."""

    def train_loss(self, weights: Weights, p: Tensor, batch: Any) -> Tensor:
        """Lower-level loss: the training error and the penalties."""
        lower = self._formulas.lower
        return self._metered(lambda: lower(weights, p), weights, p, self._formulas.train_price)

    def valid_loss(self, weights: Weights, p: Tensor, batch: Any) -> Tensor:
        """Upper-level loss: the validation error, the first objective."""
        upper = self._formulas.upper
        return self._metered(lambda: upper(weights), weights, p, self._formulas.valid_price)

    def _metered(self, loss: Callable[[], Tensor], weights: Weights, p: Tensor, price: float) -> Tensor:
        def tied() -> Tensor:
            # times a product, so that every derivative of first and second order exists, as a zero if need be
            tie = 0.0 * (torch.stack([w.sum() for w in weights.values()]).sum() * p.sum()) ** 2
            return loss() + tie

        return metered(tied, flops=price, charge=self._charge)

    def costs(self, p: Tensor) -> Tensor:
        """The other objectives, (m - 1,): functions of the penalties alone."""
        return self._formulas.costs(p)

    def one_shot(self, weights: Weights, X: Array, *, batches: int) -> Array:
        """Validation error, (n,), of (n, d) rows with the weights as they are: the same for all, charged for each."""
        found = []
        with torch.no_grad():
            for _ in range(len(X)):
                self._charge(FORWARD * self._formulas.valid_price * batches)
                found.append(float(self._formulas.upper(weights)))
        return np.array(found)

    def discretise(self, alpha: Tensor) -> Array:
        """The nearest row of the grid: (1, d)."""
        return self._grid.rows(alpha.detach().cpu().numpy()[None])
