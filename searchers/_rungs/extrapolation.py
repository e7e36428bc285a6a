"""What a training will come to, foretold from its beginning by a regression on those that ended (Baker et al. 2018)."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from mobench import Array

PENALTIES = 10.0 ** np.arange(-3, 4)
"""Ridge penalties to choose from, in units of standardised features."""


def foretold(A: Array, y: Array, at: Array) -> tuple[float, float]:
    """Mean and spread of what belongs to the features `at`, (p,), by a ridge regression of (n,) `y` on (n, p) `A`.

    The penalty is the one with the least squared error of leaving one out, and the spread is the root of its mean
    (the empirical variance of the paper's section 3.2). Both in closed form.

    Parameters
    ----------
    A, y : Array
        n rows, at least two.
    """
    center, mean = A.mean(axis=0), y.mean()
    scale = A.std(axis=0)
    scale[scale <= 1e-12 * (1.0 + np.abs(center))] = np.inf  # a feature without extent tells nothing
    U, s, V = np.linalg.svd((A - center) / scale, full_matrices=False)
    shrunk = s**2 / (s**2 + PENALTIES[:, None] * len(y))  # (penalties, p)
    fitted = (U * shrunk[:, None]) @ (U.T @ (y - mean))
    leverage = (U**2 * shrunk[:, None]).sum(axis=2) + 1.0 / len(y)  # of the mean, too
    errors = (y - mean - fitted) / np.maximum(1.0 - leverage, 1e-9)
    squared = (errors**2).mean(axis=1)
    best = int(squared.argmin())
    slope = V.T @ (s / (s**2 + PENALTIES[best] * len(y)) * (U.T @ (y - mean)))
    return float(mean + (at - center) / scale @ slope), float(np.sqrt(squared[best]))


def chance_below(threshold: float, mean: float, spread: float, n: int) -> float:
    """Probability of a value below `threshold`: Student's t, n - 1 degrees of freedom, n the regression's rows."""
    if np.isinf(threshold):
        return float(threshold > 0)
    return float(student.cdf((threshold - mean) / max(spread, 1e-12), n - 1))


def to_beat(F: Array, costs: Array) -> float:
    """Error below which nothing of (n, m) `F` dominates what has these (m - 1,) costs; inf where nothing can."""
    as_cheap = (F[:, 1:] <= costs).all(axis=1)
    return float(F[as_cheap, 0].min(initial=np.inf))
