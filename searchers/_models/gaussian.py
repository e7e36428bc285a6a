"""A Gaussian process over architectures: distances with a rate for each gene, fitted by its marginal likelihood.

Rasmussen and Williams 2006, chapters 2 and 5; the kernel is that of BoTorch's categorical inputs (Daulton et al. 2022).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from mobench import Array
from mobench.searchers._models.encoding import Encoding

__all__ = ["GaussianProcess", "fit"]

JITTER = 1e-6
"""Least variance of the noise, in variances of the values: equal networks written in two ways share values."""
DIGITS = 2
"""Digits of the logarithms of what is fitted: machines that round differently then agree on the model."""


@dataclass(frozen=True)
class GaussianProcess:
    """A posterior over values of architectures.

    With squared distance D_i of gene i (`bits`) the prior covariance is s^2 exp(-sum_i r_i D_i), the noise sigma^2.

    Attributes
    ----------
    encoding : Encoding
        Of the d genes.
    theta : Array
        (d + 2,) log r_1 .. log r_d, log s^2, log sigma^2, in units of `spread`.
    U : Array
        (n, p) encoded architectures that were answered.
    factor : Array
        (n, n) lower Cholesky factor of the covariance of their values.
    alpha : Array
        (n,) that covariance's inverse times the values.
    centre, spread : float
        What values were shifted and divided by.
    """

    encoding: Encoding
    theta: Array
    U: Array
    factor: Array
    alpha: Array
    centre: float
    spread: float

    @property
    def noise(self) -> float:
        """Standard deviation of the noise, in the unit of the values."""
        return float(np.exp(0.5 * self.theta[-1])) * self.spread

    @functools.cached_property
    def inverse(self) -> Array:
        """Inverse of the covariance of the standardised values, (n, n)."""
        found: Array = cho_solve((self.factor, True), np.eye(len(self.factor)))
        return found

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the values, without noise, of (k, d) architectures; (k,) each."""
        across = _kernel(self.theta, self.encoding, self.encoding.encode(X), self.U)
        half = solve_triangular(self.factor, across.T, lower=True, check_finite=False)
        variance = np.exp(self.theta[-2]) - (half**2).sum(axis=0)
        mean = self.centre + self.spread * (across @ self.alpha)
        return mean, self.spread * np.sqrt(np.maximum(variance, 0.0))

    def sample(self, rng: np.random.Generator, X: Array, n: int) -> Array:
        """`n` joint draws of the values, without noise, of (k, d) architectures; (n, k)."""
        encoded = self.encoding.encode(X)
        across = _kernel(self.theta, self.encoding, encoded, self.U)
        half = solve_triangular(self.factor, across.T, lower=True, check_finite=False)
        covariance = _kernel(self.theta, self.encoding, encoded, encoded) - half.T @ half
        covariance[np.diag_indices_from(covariance)] += JITTER * np.exp(self.theta[-2])
        root = _root(covariance)
        draws = rng.standard_normal((n, len(X))) @ root.T
        found: Array = self.centre + self.spread * (across @ self.alpha + draws)
        return found

    def left_out(self, folds: Array) -> Array:
        """Means of the (n,) values as those of other folds predict them, without a new fit of the kernel; (n,).

        Parameters
        ----------
        folds : Array
            (n,) number of the fold of each value (Rasmussen and Williams 2006, section 5.4.2, for blocks).
        """
        found = np.empty(len(folds))
        values = self.factor @ (self.factor.T @ self.alpha)
        for fold in np.unique(folds):
            rows = np.flatnonzero(folds == fold)
            found[rows] = values[rows] - np.linalg.solve(self.inverse[np.ix_(rows, rows)], self.alpha[rows])
        return self.centre + self.spread * found


def fit(encoding: Encoding, X: Array, y: Array, *, start: Array | None = None, steps: int = 30) -> GaussianProcess:
    """The process of the greatest posterior density of its d + 2 parameters, given (n,) values of (n, d) architectures.

    Rates have a log-normal prior around 1 / d, one over the number of genes that vary, so that what is far in all genes
    is correlated by 1/e whatever their number (as Hvarfner et al. 2024 scale lengths); s^2 has one around 1, sigma^2
    around e^-4.

    Parameters
    ----------
    start : Array, optional
        Parameters to begin with, those of a process of fewer answers, say.
    steps : int
        Iterations of L-BFGS at most.
    """
    U = encoding.encode(X)
    centre, spread = float(np.mean(y)), float(np.std(y))
    spread = spread if spread > 1e-9 * (1.0 + abs(centre)) else 1.0
    z = (y - centre) / spread
    d = int(encoding.gene.max(initial=-1)) + 1
    varying = max(len(np.unique(encoding.gene)), 1)
    middle = np.append(np.full(d, -np.log(varying)), [0.0, -4.0])
    width = np.append(np.full(d, np.sqrt(3.0)), [2.0, 3.0])

    def loss(theta: Array) -> tuple[float, Array]:
        value, slope = _log_likelihood(theta, encoding, U, z)
        away = (theta - middle) / width
        return 0.5 * float(away @ away) - value, away / width - slope

    low = np.append(middle[:-1] - 5.0, np.log(JITTER))
    found = minimize(
        loss,
        middle if start is None else start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, middle + 5.0, strict=True)),
        options={"maxiter": steps, "ftol": 1e-5},
    )
    theta = np.round(np.clip(found.x, low, middle + 5.0), DIGITS)
    factor = cholesky(_covariance(theta, encoding, U), lower=True)
    return GaussianProcess(encoding, theta, U, factor, cho_solve((factor, True), z), centre, spread)


def _kernel(theta: Array, encoding: Encoding, A: Array, B: Array) -> Array:
    """Covariances of the values of (k, p) and (l, p) encoded architectures, without noise; (k, l)."""
    scale = np.exp(0.5 * theta[encoding.gene])
    A, B = A * scale, B * scale
    squared = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2.0 * (A @ B.T)
    found: Array = np.exp(theta[-2] - np.maximum(squared, 0.0))
    return found


def _covariance(theta: Array, encoding: Encoding, U: Array) -> Array:
    """Covariance of noisy values, (n, n)."""
    K = _kernel(theta, encoding, U, U)
    K[np.diag_indices_from(K)] += np.exp(theta[-1]) + JITTER * np.exp(theta[-2])
    return K


def _log_likelihood(theta: Array, encoding: Encoding, U: Array, z: Array) -> tuple[float, Array]:
    """Log marginal likelihood and its derivative, (d + 2,) (equations 5.8 and 5.9)."""
    n = len(z)
    K = _kernel(theta, encoding, U, U)
    noise = np.exp(theta[-1])
    noisy = K.copy()
    noisy[np.diag_indices(n)] += noise + JITTER * np.exp(theta[-2])
    factor = cholesky(noisy, lower=True, check_finite=False)
    alpha = cho_solve((factor, True), z, check_finite=False)
    W = np.outer(alpha, alpha) - cho_solve((factor, True), np.eye(n), check_finite=False)
    value = -0.5 * float(z @ alpha) - float(np.log(np.diag(factor)).sum()) - 0.5 * n * np.log(2 * np.pi)
    G = W * K
    columns = G.sum(axis=1) @ U**2 - (U * (G @ U)).sum(axis=0)  # half of sum_ab G_ab (U_a - U_b)^2
    genes = np.bincount(encoding.gene, columns, len(theta) - 2)
    slope = np.append(-np.exp(theta[:-2]) * genes, [0.5 * G.sum(), 0.5 * noise * np.trace(W)])
    return value, slope


def _root(covariance: Array) -> Array:
    """A lower factor of a covariance that rounding may have left indefinite."""
    size = float(np.mean(np.diag(covariance)))
    for more in (0.0, 1e-6, 1e-4, 1e-2):
        try:
            found: Array = cholesky(covariance + more * size * np.eye(len(covariance)), lower=True)
            return found
        except np.linalg.LinAlgError:
            continue
    return np.diag(np.sqrt(np.maximum(np.diag(covariance), 0.0)))
