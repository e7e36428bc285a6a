"""A small network with a weight decay for each layer: many trained at a time, each as if it were alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mobench import Array
from mobench.problems._tuning.data import Data, Part

if TYPE_CHECKING:
    from torch import Tensor

    from mobench.problems._tuning.network import Formulas, Weights

HIDDEN = 16
"""Units of the hidden layer."""
EPOCHS = (10, 30, 100, 300)
"""Epochs on offer; an epoch is one step, of all training rows."""
RATE, BETAS, TINY = 0.02, (0.9, 0.999), 1e-8
"""Of Adam (Kingma and Ba 2015)."""


@dataclass(frozen=True, eq=False)
class Perceptron:
    """f = ||z - y||^2 / (2 n) + exp(l_1) ||W_1||^2 / 2 + exp(l_2) ||W_2||^2 / 2, z = [tanh([X, 1] W_1), 1] W_2.

    The last rows of W_1, (p + 1, h), and W_2, (h + 1, 1), are biases and have no penalty. The objective is the mean
    squared error. The lower level has many minima; what answers is `EPOCHS` of Adam from the same initial weights.
    """

    data: Data

    @cached_property
    def _columns(self) -> Array:
        """The training columns and a one."""
        return _with_one(self.data.train.inputs)

    @property
    def _pass(self) -> float:
        """Multiply-adds of a forward pass of one row."""
        return float((self.data.train.inputs.shape[1] + 1) * HIDDEN + HIDDEN + 1)

    def price_of(self, epochs: int) -> float:
        """Multiply-adds: a forward and a backward pass an epoch, and a pass over the validation rows."""
        return self._pass * (3.0 * epochs * len(self.data.train.targets) + len(self.data.valid.targets))

    @property
    def price(self) -> float:
        """Of all epochs."""
        return self.price_of(EPOCHS[-1])

    def initial(self, rng: np.random.Generator) -> dict[str, Array]:
        """First weights by name: normal, with the variance 1 / inputs; biases are zero."""
        p = self.data.train.inputs.shape[1]
        first = rng.standard_normal((p + 1, HIDDEN)) / np.sqrt(p)
        last = rng.standard_normal((HIDDEN + 1, 1)) / np.sqrt(HIDDEN)
        first[-1], last[-1] = 0.0, 0.0
        return {"first": first, "last": last}

    def solve(self, alpha: Array) -> Array:
        """Weights, (n, k), after all epochs at logarithms (n, 2)."""
        return self.trained(alpha, EPOCHS[-1])

    def trained(self, alpha: Array, epochs: int) -> Array:
        """Weights, (n, k), after some epochs of Adam at logarithms (n, 2), from the address [0, 3, 0]."""
        start = [w.ravel() for w in self.initial(np.random.default_rng([0, 3, 0])).values()]
        w = np.tile(np.concatenate(start), (len(alpha), 1))
        decay = np.exp(alpha)[:, self._owners] * self._decayed
        first, second = np.zeros_like(w), np.zeros_like(w)
        for k in range(1, epochs + 1):
            slope = self.slope(w) + decay * w
            first += (1.0 - BETAS[0]) * (slope - first)
            second += (1.0 - BETAS[1]) * (slope**2 - second)
            w -= RATE * (first / (1.0 - BETAS[0] ** k)) / (np.sqrt(second / (1.0 - BETAS[1] ** k)) + TINY)
        return w

    @cached_property
    def _owners(self) -> Array:
        """(k,) layer of each weight."""
        return np.repeat([0, 1], [self._columns.shape[1] * HIDDEN, HIDDEN + 1])

    @cached_property
    def _decayed(self) -> Array:
        """(k,) 1 where a weight has a penalty, 0 where it is a bias."""
        first, last = np.ones((self._columns.shape[1], HIDDEN)), np.ones(HIDDEN + 1)
        first[-1], last[-1] = 0.0, 0.0
        return np.concatenate([first.ravel(), last])

    def slope(self, w: Array) -> Array:
        """Gradient, (n, k), of ||z - y||^2 / (2 n) over the training rows at weights (n, k)."""
        X, y = self._columns, self.data.train.targets
        hidden, z = _forward(w, X)
        d = (z - y)[:, :, None] / len(y)
        last = np.matmul(hidden.transpose(0, 2, 1), d)[:, :, 0]
        back = d * w[:, None, -HIDDEN - 1 : -1] * (1.0 - hidden[:, :, :-1] ** 2)
        first = np.matmul(X.T, back).reshape(len(w), -1)
        return np.concatenate([first, last], axis=1)

    def error(self, weights: Array, part: Part) -> Array:
        """Mean squared error, (n,), in units of the variance of the training targets."""
        _, z = _forward(weights, _with_one(part.inputs))
        errors: Array = ((z - part.targets) ** 2).mean(axis=1)
        return errors

    def costs(self, alpha: Array, weights: Array) -> Array:
        """None: (n, 0)."""
        return np.empty((len(alpha), 0))

    def formulas(self) -> Formulas:
        """The losses in torch, of weights ``first``, (p + 1, h), and ``last``, (h + 1, 1)."""
        import torch

        from mobench.problems._tuning.network import Formulas

        X, X_v = (torch.tensor(_with_one(part.inputs)) for part in (self.data.train, self.data.valid))
        y, y_v = (torch.tensor(part.targets) for part in (self.data.train, self.data.valid))

        def residual(weights: Weights, X: Tensor, y: Tensor) -> Tensor:
            last = weights["last"][:, 0]
            return torch.tanh(X @ weights["first"]) @ last[:-1] + last[-1] - y

        def lower(weights: Weights, alpha: Tensor) -> Tensor:
            sizes = torch.stack([(weights[name][:-1] ** 2).sum() for name in ("first", "last")])
            return (residual(weights, X, y) ** 2).mean() / 2 + (alpha.exp() * sizes).sum() / 2

        return Formulas(
            initial=self.initial,
            lower=lower,
            upper=lambda weights: (residual(weights, X_v, y_v) ** 2).mean(),
            costs=lambda alpha: alpha.new_zeros(0),
            train_price=self._pass * len(y),
            valid_price=self._pass * len(y_v),
        )


def _forward(w: Array, X: Array) -> tuple[Array, Array]:
    """The hidden layer and a one, (n, rows, h + 1), and the output, (n, rows), of weights (n, k)."""
    first = w[:, : X.shape[1] * HIDDEN].reshape(len(w), X.shape[1], HIDDEN)
    hidden = np.ones((len(w), len(X), HIDDEN + 1))
    np.tanh(np.matmul(X, first), out=hidden[:, :, :-1])
    return hidden, np.matmul(hidden, w[:, -HIDDEN - 1 :, None])[:, :, 0]


def _with_one(inputs: Array) -> Array:
    return np.column_stack([inputs, np.ones(len(inputs))])
