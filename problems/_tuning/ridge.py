"""Ridge regression with a penalty for each group of columns: weights and degrees of freedom in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobench import Array
from mobench.problems._tuning.data import Data, Part
from mobench.problems._tuning.freedom import degrees_of_freedom, diagonals

if TYPE_CHECKING:
    from torch import Tensor

    from mobench.problems._tuning.network import Formulas, Weights


@dataclass(frozen=True, eq=False)
class Ridge:
    """f = ||X w - y||^2 / (2 n) + sum_j exp(l_g(j)) w_j^2 / 2, solved by w* = (X'X / n + D)^-1 X'y / n.

    The first objective is the mean squared error, the second the effective degrees of freedom
    tr X (X'X / n + D)^-1 X' / n (Hastie, Tibshirani and Friedman 2009, "The elements of statistical learning",
    equation 3.50), which are known without fitting: they depend on the penalties and on the inputs alone.
    """

    data: Data

    @property
    def price(self) -> float:
        """Multiply-adds: X'X and X'y, a Cholesky factor, two triangular systems, and the validation rows."""
        n, p = self.data.train.inputs.shape
        return float(n * p**2 + n * p + p**3 / 3 + p**2 + self.data.valid.inputs.size)

    def solve(self, alpha: Array) -> Array:
        """w*, (n, p), at logarithms (n, g)."""
        systems = self.data.train.gram + diagonals(np.exp(alpha)[:, self.data.owners])
        right = np.broadcast_to(self.data.train.moments[:, None], (len(alpha), len(self.data.train.gram), 1))
        weights: Array = np.linalg.solve(systems, right)[:, :, 0]
        return weights

    def error(self, weights: Array, part: Part) -> Array:
        """Mean squared error, (n,), in units of the variance of the training targets."""
        return part.squared_error(weights)

    def costs(self, alpha: Array, weights: Array) -> Array:
        """Effective degrees of freedom, (n, 1)."""
        return degrees_of_freedom(self.data.train.gram, np.exp(alpha)[:, self.data.owners])[:, None]

    def formulas(self) -> Formulas:
        """The losses, and the degrees of freedom, in torch; weights ``w``, (p,), begin at zero."""
        import torch

        from mobench.problems._tuning.network import Formulas, degrees_of_freedom

        X, y, X_v, y_v = (
            torch.tensor(values)
            for part in (self.data.train, self.data.valid)
            for values in (part.inputs, part.targets)
        )
        gram, owners, p = torch.tensor(self.data.train.gram), torch.tensor(self.data.owners), X.shape[1]

        def lower(weights: Weights, alpha: Tensor) -> Tensor:
            w = weights["w"]
            return ((X @ w - y) ** 2).mean() / 2 + (alpha.exp()[owners] * w**2).sum() / 2

        def upper(weights: Weights) -> Tensor:
            return ((X_v @ weights["w"] - y_v) ** 2).mean()

        def costs(alpha: Tensor) -> Tensor:
            return degrees_of_freedom(gram, alpha.exp()[owners])[None]

        return Formulas(
            initial=lambda rng: {"w": np.zeros(p)},
            lower=lower,
            upper=upper,
            costs=costs,
            train_price=float(X.numel()),
            valid_price=float(X_v.numel()),
        )
