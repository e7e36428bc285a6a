"""Logistic regression with a penalty for each group of columns: weights by Newton's method, to rounding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from mobench import Array
from mobench.problems._tuning.data import Data, Part
from mobench.problems._tuning.freedom import degrees_of_freedom, diagonals

if TYPE_CHECKING:
    from torch import Tensor

    from mobench.problems._tuning.network import Formulas, Weights

STEPS = 9
"""Steps of Newton's method that an answer costs: the mean over the grid of split 0 is 8.5."""
MOST = 100
"""Steps after which it ends at the latest."""
TOLERANCE = 1e-13
"""Largest entry of the gradient at the end."""
HALVINGS = 30
"""Most halvings of a step."""


@dataclass(frozen=True, eq=False)
class Logistic:
    """f = mean log(1 + exp(z)) - y z + sum_j exp(l_g(j)) w_j^2 / 2, z = X w + b, of classes y in {0, 1}.

    The weights are w and then the intercept b, which has no penalty. The first objective is the mean log loss; the
    second the effective degrees of freedom of the columns where both classes are equally likely, at w = 0, where the
    Hessian of the loss is X'X / (4 n): tr X'X / (4 n) (X'X / (4 n) + D)^-1, known without fitting.
    """

    data: Data

    @cached_property
    def _columns(self) -> Array:
        """The training columns and a one."""
        return _with_one(self.data.train.inputs)

    @cached_property
    def _curvature(self) -> Array:
        X = self.data.train.inputs
        curvature: Array = X.T @ X / (4 * len(X))
        return curvature

    @property
    def price(self) -> float:
        """Multiply-adds: `STEPS` of Newton's method, each two products, a Hessian and a system; the validation rows."""
        n, k = self._columns.shape
        return float(STEPS * (n * k**2 + 2 * n * k + k**3 / 3 + k**2) + self.data.valid.inputs.size)

    def solve(self, alpha: Array) -> Array:
        """Weights, (n, p + 1), at logarithms (n, g)."""
        penalties = np.column_stack([np.exp(alpha)[:, self.data.owners], np.zeros(len(alpha))])
        weights = np.zeros(penalties.shape)
        open_rows = np.arange(len(alpha))
        for _ in range(MOST):
            w, D = weights[open_rows], penalties[open_rows]
            slope, curvature = self._derivatives(w, D)
            left = np.abs(slope).max(axis=1) > TOLERANCE
            if not left.any():
                break
            open_rows, w, D = open_rows[left], w[left], D[left]
            step = np.linalg.solve(curvature[left], slope[left][:, :, None])[:, :, 0]
            weights[open_rows] = self._descended(w, D, step)
        return weights

    def _loss(self, w: Array, D: Array) -> Array:
        """f, (n,)."""
        train = Part(self._columns, self.data.train.targets)
        losses: Array = _log_loss(w, train) + (D * w**2).sum(axis=1) / 2
        return losses

    def _derivatives(self, w: Array, D: Array) -> tuple[Array, Array]:
        """Gradient, (n, k), and Hessian, (n, k, k), of f."""
        X = self._columns
        chance = expit(np.matmul(X, w[:, :, None])[:, :, 0])
        slope = np.matmul(X.T, (chance - self.data.train.targets)[:, :, None])[:, :, 0] / len(X) + D * w
        curvature = np.matmul(X.T, (chance * (1.0 - chance) / len(X))[:, :, None] * X) + diagonals(D)
        return slope, curvature

    def _descended(self, w: Array, D: Array, step: Array) -> Array:
        """Weights less t steps, t halved until f does not grow, beyond rounding."""
        before, t = self._loss(w, D), np.ones((len(w), 1))
        for _ in range(HALVINGS):
            grown = self._loss(w - t * step, D) > before * (1.0 + 1e-14)
            if not grown.any():
                break
            t[grown] /= 2.0
        moved: Array = w - t * step
        return moved

    def error(self, weights: Array, part: Part) -> Array:
        """Mean log loss, (n,), in nats."""
        return _log_loss(weights, Part(_with_one(part.inputs), part.targets))

    def costs(self, alpha: Array, weights: Array) -> Array:
        """Effective degrees of freedom at even odds, (n, 1)."""
        return degrees_of_freedom(self._curvature, np.exp(alpha)[:, self.data.owners])[:, None]

    def formulas(self) -> Formulas:
        """The losses, and the degrees of freedom, in torch; weights ``w``, (p,), and ``b``, (1,), begin at zero."""
        import torch

        from mobench.problems._tuning.network import Formulas, degrees_of_freedom

        X, y, X_v, y_v = (
            torch.tensor(values)
            for part in (self.data.train, self.data.valid)
            for values in (part.inputs, part.targets)
        )
        curvature, owners, p = torch.tensor(self._curvature), torch.tensor(self.data.owners), X.shape[1]
        log_loss = torch.nn.functional.binary_cross_entropy_with_logits

        def lower(weights: Weights, alpha: Tensor) -> Tensor:
            w = weights["w"]
            return log_loss(X @ w + weights["b"], y) + (alpha.exp()[owners] * w**2).sum() / 2

        def upper(weights: Weights) -> Tensor:
            return log_loss(X_v @ weights["w"] + weights["b"], y_v)

        def costs(alpha: Tensor) -> Tensor:
            return degrees_of_freedom(curvature, alpha.exp()[owners])[None]

        return Formulas(
            initial=lambda rng: {"w": np.zeros(p), "b": np.zeros(1)},
            lower=lower,
            upper=upper,
            costs=costs,
            train_price=float(X.numel()),
            valid_price=float(X_v.numel()),
        )


def _log_loss(weights: Array, part: Part) -> Array:
    """Mean of log(1 + exp(z)) - y z, (n,)."""
    z = np.matmul(part.inputs, weights[:, :, None])[:, :, 0]
    losses: Array = (np.logaddexp(0.0, z) - part.targets * z).mean(axis=1)
    return losses


def _with_one(inputs: Array) -> Array:
    return np.column_stack([inputs, np.ones(len(inputs))])
