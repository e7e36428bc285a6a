"""The elastic net with an l1 penalty for each group of columns: exact weights, and a smooth loss of the same minima."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobench import Array
from mobench.problems._tuning.data import Data, Part
from mobench.problems._tuning.freedom import diagonals

if TYPE_CHECKING:
    from torch import Tensor

    from mobench.problems._tuning.network import Formulas, Weights

SWEEPS, MOST = 5, 10_000
"""Sweeps of coordinate descent before the columns in use are tried, and in all."""
PAID = 10
"""Sweeps that an answer costs: the mean over the grid of split 0 is 10.3."""
TOLERANCE = 1e-10
"""By how much a correlation may exceed its penalty, for rounding."""
START = 0.5
"""Where the factor u begins; v begins at 0."""


@dataclass(frozen=True, eq=False)
class ElasticNet:
    """f = ||X w - y||^2 / (2 n) + sum_j exp(l_g(j)) |w_j| + exp(l_2) ||w||^2 / 2 (Zou and Hastie 2005).

    The last logarithm is l_2. The first objective is the mean squared error; the second, where `counts`, the number of
    columns in use.
    """

    data: Data
    counts: bool

    @property
    def price(self) -> float:
        """Multiply-adds: X'X and X'y, `PAID` sweeps of coordinate descent, and the validation rows."""
        n, p = self.data.train.inputs.shape
        return float(n * p**2 + n * p + PAID * p**2 + self.data.valid.inputs.size)

    def solve(self, alpha: Array) -> Array:
        """w*, (n, p), at logarithms (n, g + 1): coordinate descent, until the columns in use and their signs are right.

        Given these the weights are those of a linear system, so that they are exact to rounding.

        Raises
        ------
        ArithmeticError
            Coordinate descent did not find the columns.
        """
        first, second = np.exp(alpha[:, :-1])[:, self.data.owners], np.exp(alpha[:, -1:])
        rough, exact = np.zeros(first.shape), np.zeros(first.shape)
        left = np.arange(len(alpha))
        for _ in range(MOST // SWEEPS):
            if not len(left):
                return exact
            rough[left] = self._swept(rough[left], first[left], second[left])
            polished, right = self._polished(rough[left], first[left], second[left])
            exact[left[right]] = polished[right]
            left = left[~right]
        raise ArithmeticError(f"coordinate descent: no solution after {MOST} sweeps at {alpha[left[0]].tolist()}")

    def _swept(self, w: Array, first: Array, second: Array) -> Array:
        """Some sweeps of coordinate descent, from (n, p) on."""
        w = w.copy()
        for _ in range(SWEEPS):
            for j, row in enumerate(self.data.train.gram):
                rest = self.data.train.moments[j] - (w * row).sum(axis=1) + row[j] * w[:, j]
                shrunk = np.sign(rest) * np.maximum(np.abs(rest) - first[:, j], 0.0)
                w[:, j] = shrunk / (row[j] + second[:, 0])
        return w

    def _polished(self, w: Array, first: Array, second: Array) -> tuple[Array, Array]:
        """The weights, (n, p), that solve for the columns in use and the signs of `w`; and whether they are optimal."""
        signs = np.sign(w)
        gram, moments = self.data.train.gram, self.data.train.moments
        used = np.abs(signs)
        systems = gram * used[:, :, None] * used[:, None, :] + diagonals(second * used + (1.0 - used))
        weights = np.linalg.solve(systems, ((moments - first * signs) * used)[:, :, None])[:, :, 0] * used
        left = (
            self.data.train.moments - np.matmul(self.data.train.gram, weights[:, :, None])[:, :, 0] - second * weights
        )
        kept = (weights * signs > 0) | (used == 0)
        still = (np.abs(left) <= first + TOLERANCE) | (used > 0)
        return weights, (kept & still).all(axis=1)

    def error(self, weights: Array, part: Part) -> Array:
        """Mean squared error, (n,), in units of the variance of the training targets."""
        return part.squared_error(weights)

    def costs(self, alpha: Array, weights: Array) -> Array:
        """Columns in use, (n, 1); (n, 0) where they do not count."""
        return np.count_nonzero(weights, axis=1)[:, None] if self.counts else np.empty((len(weights), 0))

    def formulas(self) -> Formulas:
        """The losses in torch, of weights w = u v; ``u`` and ``v``, (p,), begin at `START` and 0.

        Over all u v = w the penalty (u^2 + v^2) / 2 is least at |w|, so that the minima are the elastic net's and the
        loss is smooth (Hoff 2017, "Lasso, fractional norm and structured sparsity estimation using a Hadamard product
        parametrization"). Where a correlation is less than its penalty u = v = 0 is a strict minimum.
        """
        import torch

        from mobench.problems._tuning.network import Formulas

        X, y, X_v, y_v = (
            torch.tensor(values)
            for part in (self.data.train, self.data.valid)
            for values in (part.inputs, part.targets)
        )
        owners, p = torch.tensor(self.data.owners), X.shape[1]

        def lower(weights: Weights, alpha: Tensor) -> Tensor:
            u, v = weights["u"], weights["v"]
            first = (alpha[:-1].exp()[owners] * (u**2 + v**2)).sum() / 2
            return ((X @ (u * v) - y) ** 2).mean() / 2 + first + alpha[-1].exp() * ((u * v) ** 2).sum() / 2

        def upper(weights: Weights) -> Tensor:
            return ((X_v @ (weights["u"] * weights["v"]) - y_v) ** 2).mean()

        return Formulas(
            initial=lambda rng: {"u": np.full(p, START), "v": np.zeros(p)},
            lower=lower,
            upper=upper,
            costs=lambda alpha: alpha.new_zeros(0),
            train_price=float(X.numel()),
            valid_price=float(X_v.numel()),
        )
