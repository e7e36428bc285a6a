"""What the fits of ofa_mbv3 share: features of blocks, splits, ridge regression and whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import kendalltau

from mobench import Array
from mobench.problems._ofa_mbv3.genes import BLOCKS, CHOICES, DEEPEST, EXPANSIONS, KERNELS, STAGES


def one_hot(configurations: Array) -> Array:
    """Which of nine configurations (n, 20) blocks have; (n, 20, 9), zero for absent ones."""
    return (configurations[:, :, None] == np.arange(CHOICES)).astype(np.float64)


def configurations(upstream: Any) -> Array:
    """Configurations (n, 20) of upstream's kernels, expansions and depths; 9 where a block is absent."""
    chosen = len(EXPANSIONS) * np.searchsorted(KERNELS, upstream["ks"]) + np.searchsorted(EXPANSIONS, upstream["e"])
    present = np.tile(np.arange(DEEPEST), STAGES) < np.repeat(upstream["d"], DEEPEST, axis=1)
    return np.where(present, chosen, CHOICES)


def split(n: int, held_out: int) -> tuple[Array, Array]:
    """Rows of the fit and held-out rows."""
    order = np.random.default_rng(0).permutation(n)
    return order[held_out:], order[:held_out]


def ridge(features: Array, values: Array, penalty: float) -> tuple[Array, float]:
    """Coefficients and intercept, which is not penalised."""
    centre = features.mean(axis=0)
    centred = features - centre
    gram = centred.T @ centred + penalty * np.eye(features.shape[1])
    coefficients = np.linalg.solve(gram, centred.T @ (values - values.mean()))
    return coefficients, float(values.mean() - centre @ coefficients)


def fit_of(predicted: Array, truth: Array) -> dict[str, float]:
    """R2 and Kendall's tau, as the table's header has them."""
    r2 = 1 - ((predicted - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    return {"held_out_r2": round(float(r2), 4), "held_out_tau": round(float(kendalltau(predicted, truth)[0]), 4)}


def whole(blocks: Array, step: float) -> Array:
    """Terms (20, 9, resolutions) in whole steps, (180, resolutions)."""
    return np.rint(blocks / step).astype(np.int32).reshape(BLOCKS * CHOICES, -1)
