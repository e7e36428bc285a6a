"""Bilevel and multi-objective toys with known answers: quadratics, ridge, tolls, skip collapse, RidgeNet, Fonseca.

Gradient searchers get them as a network with weights, black-box searchers as integer rows: a continuous architecture
alpha lies on a grid of 2**20 + 1 levels a coordinate. Formulas, golden numbers: `docs/problems/toys/bilevel_toys.md`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from mobench import Array, ContinuousNetwork, Cost, Objective, Space, Values, in_short, nondominated
from mobench.problems._toys.constants import (
    DECAY,
    ENDS,
    FONSECA_SIZE,
    INPUTS,
    OTHER_COST,
    RHO,
    RIDGE_OPTIMUM,
    ROUTE_COST,
    SKIP_GAIN,
    SLOPE,
    TARGET,
    TARGETS,
    VALID_INPUTS,
    VALID_TARGETS,
    A,
    B,
    C,
    T,
)
from mobench.problems._toys.ridgenet import RidgeNet
from mobench.problems._toys.ridgenet_data import OPERATIONS

LEVELS = 2**20 + 1
"""Grid points of each coordinate of alpha."""
TRAINING = 300.0
"""Price of an exact lower-level solution, in forward passes: that of 100 gradient steps."""
POINTS = 1001
"""Points of a continuous front that are listed."""
RAGGED = (3, 4, 2)
"""Operations of the edges of `ragged`."""

Name = Literal[
    "quadratic",
    "ridge",
    "toll",
    "toll_saturated",
    "non_unique",
    "skip_collapse",
    "quadratic_front",
    "two_quadratics",
    "fonseca",
    "ridgenet",
    "ragged",
]


@dataclass(frozen=True, eq=False, repr=False)
class Toy:
    """A toy with a continuous architecture alpha in a box, on a grid.

    Attributes
    ----------
    name : str
        Which toy.
    low, high : tuple of float
        The box, (d,) each.
    exact : callable
        Values (n, m), minimised, of (n, d) alphas at the exact lower-level solution.
    best : Array
        (k, d) alphas of the optimum or along the front of the continuous problem.
    """

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    objectives: tuple[Objective, ...]
    exact: Callable[[Array], Array] = field(repr=False)
    best: Array = field(repr=False)
    training = Cost(evaluations=1, flops=TRAINING)
    deterministic = True

    __repr__ = in_short

    @property
    def space(self) -> Space:
        """The grid."""
        return Space((LEVELS,) * len(self.low), tuple(f"alpha{j}" for j in range(len(self.low))))

    def alpha(self, X: Array) -> Array:
        """Positions, (n, d), of grid rows (n, d)."""
        low, high = np.array(self.low), np.array(self.high)
        positions: Array = low + (high - low) * (np.asarray(X) / (LEVELS - 1))
        return positions

    def rows(self, alpha: Array) -> Array:
        """Nearest grid rows, (n, d) int64, of positions (n, d); what lies outside the box is clipped to it."""
        low, high = np.array(self.low), np.array(self.high)
        share = (np.clip(alpha, low, high) - low) / (high - low)
        nearest: Array = np.rint(share * (LEVELS - 1)).astype(np.int64)
        return nearest

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Exact values; the lower level is solved, at the price of a training."""
        return Values(self.score(X), TRAINING)

    def score(self, X: Array) -> Array:
        """Values (n, m) of (n, d) rows."""
        return self.exact(self.alpha(X))

    def front(self) -> tuple[Array, Array]:
        """The optimum on the grid, or `POINTS` points along a front."""
        X = np.unique(self.rows(self.best), axis=0)
        if len(X) == 1:
            shifts = np.array(list(itertools.product(range(-2, 3), repeat=X.shape[1])))
            near = np.clip(X + shifts, 0, LEVELS - 1)
            X = near[[int(np.argmin(self.score(near)[:, 0]))]]
        F = self.score(X)
        kept = nondominated(F)
        return X[kept], F[kept]

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest value of each objective, (m,) each.

        Of several coordinates every objective has one valley: it is greatest in a corner of the box.
        """
        d = len(self.low)
        X = self.space.all() if d == 1 else np.array(list(itertools.product((0, LEVELS - 1), repeat=d)))
        F = np.concatenate([self.score(X), self.front()[1]])
        return F.min(axis=0), F.max(axis=0)

    def decode(self, X: Array) -> list[str]:
        """Alpha in digits, ``(0.500, -0.500)``."""
        return ["(" + ", ".join(f"{value:.6g}" for value in row) + ")" for row in self.alpha(X)]

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> ContinuousNetwork:
        """Open the toy as a network with weights; a forward pass costs 1."""
        from mobench.problems._toys.networks import BoxNetwork

        return BoxNetwork(self, charge=charge, seed=seed)

    def __reduce__(self) -> tuple[Callable[[], Toy], tuple[()]]:
        """By its name, for its formulas are functions of functions."""
        return functools.partial(_MAKERS[self.name], self.name), ()


def _quadratic_response(alpha: Array) -> Array:
    """w*(alpha) = A^-1 (B alpha + c): (n, 2) -> (n, 2)."""
    return _times(np.linalg.inv(A), _times(B, alpha) + C)


def _times(M: Array, rows: Array) -> Array:
    """M x for each row x, (n, d): a sum of its own, for a product of matrices rounds a row by what lies beside it."""
    product: Array = (rows[:, None, :] * M).sum(axis=2)
    return product


def _quadratic_errors(alpha: Array) -> Array:
    """1/2 ||w* - t||^2 and 1/2 ||alpha||^2: (n, 2)."""
    distance = _quadratic_response(alpha) - T
    return np.column_stack([(distance**2).sum(axis=1), (alpha**2).sum(axis=1)]) / 2


def quadratic_optimum(rho: Array) -> Array:
    """alpha* = -(rho I + B'A^-2 B)^-1 B'A^-1 (A^-1 c - t) for (k,) values of rho: (k, 2)."""
    M = np.linalg.solve(A, B)
    right = M.T @ (T - np.linalg.solve(A, C))
    found: Array = np.linalg.solve(rho[:, None, None] * np.eye(2) + M.T @ M, np.tile(right[:, None], (len(rho), 1, 1)))
    return found[:, :, 0]


def _quadratic(name: str) -> Toy:
    box = ((-4.0, -4.0), (4.0, 4.0))
    if name == "quadratic":

        def total(alpha: Array) -> Array:
            return _times(np.array([[1.0, RHO]]), _quadratic_errors(alpha))

        return Toy(name, *box, (Objective("F"),), total, quadratic_optimum(np.array([RHO])))
    r = np.linspace(1.0, 0.0, POINTS)[:-1]
    best = np.concatenate([quadratic_optimum((1.0 - r) / r), np.zeros((1, 2))])
    return Toy(name, *box, (Objective("distance"), Objective("size")), _quadratic_errors, best)


def _ridge(name: str) -> Toy:
    def exact(alpha: Array) -> Array:
        n = len(INPUTS)
        H = INPUTS.T @ INPUTS / n + np.exp(alpha)[:, :, None] * np.eye(2)
        w = np.linalg.solve(H, np.tile((INPUTS.T @ TARGETS / n)[:, None], (len(alpha), 1, 1)))[:, :, 0]
        residual = _times(VALID_INPUTS, w) - VALID_TARGETS
        errors: Array = (residual**2).mean(axis=1, keepdims=True) / 2
        return errors

    return Toy(name, (-8.0,), (8.0,), (Objective("F"),), exact, np.array([[RIDGE_OPTIMUM]]))


def _toll(name: str) -> Toy:
    """Leader's toll T = alpha; the follower's flow x* = clip((D - T) / (a + b), 0, 1), D = c_2 + b - c_1."""
    D = OTHER_COST[name] + SLOPE / 2 - ROUTE_COST

    def exact(alpha: Array) -> Array:
        return -alpha * np.clip((D - alpha) / SLOPE, 0.0, 1.0)

    best = D / 2 if D / 2 > D - SLOPE else D - SLOPE
    return Toy(name, (0.0,), (8.0,), (Objective("negated revenue"),), exact, np.array([[best]]))


def _non_unique(name: str) -> Toy:
    """Follower's answer nearest to w = 0, where gradient descent from there ends: w* = (alpha, alpha) / 2."""

    def exact(alpha: Array) -> Array:
        return ((alpha / 2 - 1.0) ** 2 + (alpha / 2) ** 2) / 2

    return Toy(name, (-4.0,), (4.0,), (Objective("F"),), exact, np.array([[1.0]]))


def _skip_collapse(name: str) -> Toy:
    """Residual of y_hat = p w + (1 - p) k at w* = p (y - (1 - p) k) / (p^2 + mu), p = sigmoid(alpha)."""

    def exact(alpha: Array) -> Array:
        p = 1.0 / (1.0 + np.exp(-alpha))
        residual = (TARGET - (1.0 - p) * SKIP_GAIN) * DECAY / (p**2 + DECAY)
        return residual**2 / 2

    return Toy(name, (-8.0,), (8.0,), (Objective("F"),), exact, np.array([[8.0]]))


def _two_quadratics(name: str) -> Toy:
    """1/2 ||alpha - a_i||^2: the Pareto set is the segment between the two minima."""

    def exact(alpha: Array) -> Array:
        halves: Array = ((alpha[:, None] - ENDS) ** 2).sum(axis=2) / 2
        return halves

    r = np.linspace(0.0, 1.0, POINTS)[:, None]
    best = r * ENDS[0] + (1.0 - r) * ENDS[1]
    return Toy(name, (-2.0, -2.0), (2.0, 2.0), (Objective("f1"), Objective("f2")), exact, best)


def _fonseca(name: str) -> Toy:
    """1 - exp(-||alpha -+ 1/sqrt(n)||^2), Fonseca and Fleming 1995; the Pareto set is alpha_i = t, |t| <= 1/sqrt(n)."""
    end = FONSECA_SIZE**-0.5

    def exact(alpha: Array) -> Array:
        return np.column_stack([1.0 - np.exp(-((alpha - side) ** 2).sum(axis=1)) for side in (end, -end)])

    best = np.tile(np.linspace(-end, end, POINTS)[:, None], FONSECA_SIZE)
    n = FONSECA_SIZE
    return Toy(name, (-4.0,) * n, (4.0,) * n, (Objective("f1"), Objective("f2")), exact, best)


_MAKERS: dict[str, Callable[[str], Toy]] = {
    "quadratic": _quadratic,
    "quadratic_front": _quadratic,
    "ridge": _ridge,
    "toll": _toll,
    "toll_saturated": _toll,
    "non_unique": _non_unique,
    "skip_collapse": _skip_collapse,
    "two_quadratics": _two_quadratics,
    "fonseca": _fonseca,
}


def problem(*, name: Name = "ridgenet") -> Toy | RidgeNet:
    """A toy by name; all are exact and free of noise.

    Parameters
    ----------
    name
        ``ridgenet`` (64 architectures of three edges), ``ragged`` (24 of them: 3, 4 and 2 operations an edge),
        ``quadratic``, ``quadratic_front`` (its two terms as two objectives), ``ridge``, ``toll``, ``toll_saturated``,
        ``non_unique``, ``skip_collapse``, ``two_quadratics`` or ``fonseca``.
    """
    if name in ("ridgenet", "ragged"):
        counts = (4, 4, 4) if name == "ridgenet" else RAGGED
        return RidgeNet(tuple(OPERATIONS[:count] for count in counts))
    return _MAKERS[name](name)
