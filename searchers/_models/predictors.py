"""Predictors of a value from encoded architectures, and which of them to trust: adaptive switching by cross-validation.

Lu et al. 2020, NSGANetV2, section 3.2.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.linalg import lstsq
from scipy.spatial.distance import cdist

from mobench import Array
from mobench.searchers._models.encoding import Encoding
from mobench.searchers._models.ensemble import train
from mobench.searchers._models.gaussian import fit

__all__ = ["Kind", "Predict", "choose", "fitted", "tau"]

Kind = Literal["rbf", "gp", "mlp", "trees"]

Predict = Callable[[Array], Array]
"""(k, d) architectures to (k,) values."""

FOLDS = 10
"""Of the cross-validation, as in the paper; as many as there are answers where these are fewer."""
SWITCHED: tuple[Kind, ...] = ("rbf", "gp", "mlp")
"""Among which adaptive switching chooses."""
HIDDEN, EPOCHS, RATE, MEMBERS = (20, 20), 80, 0.1, 5
"""Of the networks: those of `bananas`, as the paper's three layers of 300 units take minutes of CPU a search."""
TREES = 100
"""Of the forest."""


def fitted(kind: Kind, rng: np.random.Generator, encoding: Encoding, X: Array, y: Array) -> Predict:
    """A predictor fitted to (n,) values of (n, d) architectures.

    Parameters
    ----------
    kind : {"rbf", "gp", "mlp", "trees"}
        Cubic radial basis functions with a linear tail, a Gaussian process's mean, the mean of an ensemble of networks,
        or extremely randomised trees of scikit-learn.

    Raises
    ------
    ValueError
        Trees are wanted, and scikit-learn is not installed.
    """
    if kind == "gp":
        process = fit(encoding, X, y)
        return lambda Z: process.predict(Z)[0]
    U = encoding.encode(X)
    if kind == "rbf":
        predict = _rbf(U, y)
    elif kind == "mlp":
        networks = train(rng, U, y, members=MEMBERS, widths=HIDDEN, epochs=EPOCHS, rate=RATE)
        return lambda Z: networks(encoding.encode(Z)).mean(axis=0)
    else:
        predict = _trees(rng, U, y)
    return lambda Z: predict(encoding.encode(Z))


def choose(rng: np.random.Generator, encoding: Encoding, X: Array, y: Array) -> tuple[Kind, float]:
    """The kind whose Kendall's tau of what it was not shown is best over folds, by mean less standard deviation.

    Returns
    -------
    kind, tau : str, float
        It, and its mean tau.
    """
    n = len(y)
    folds = rng.permutation(n) % min(FOLDS, max(n // 3, 2))  # three or more a fold, so that there is an order
    numbers = np.unique(folds)
    U = encoding.encode(X)
    guesses = dict.fromkeys(SWITCHED, np.empty(n))
    guesses["gp"] = fit(encoding, X, y).left_out(folds)
    shown = folds != numbers[:, None]
    networks = train(rng, U, y, members=len(shown), widths=HIDDEN, epochs=EPOCHS, rate=RATE, shown=shown)
    guesses["mlp"] = networks(U)[np.searchsorted(numbers, folds), np.arange(n)]
    guesses["rbf"] = np.empty(n)
    for fold in numbers.tolist():
        out = folds == fold
        guesses["rbf"][out] = _rbf(U[~out], y[~out])(U[out])
    taus = {kind: np.array([tau(y[folds == i], g[folds == i]) for i in numbers]) for kind, g in guesses.items()}
    best = max(taus, key=lambda kind: float(np.round(taus[kind].mean() - taus[kind].std(), 6)))
    return best, float(taus[best].mean())


def tau(a: Array, b: Array) -> float:
    """Kendall's tau-b of two (n,) series; 0 where one of them does not vary."""
    upper = np.triu_indices(len(a), 1)
    one, other = (np.sign(x[:, None] - x)[upper] for x in (a, b))
    pairs = float(np.count_nonzero(one)) * float(np.count_nonzero(other))
    return float(one @ other) / pairs**0.5 if pairs else 0.0


def _rbf(U: Array, y: Array) -> Predict:
    """Cubic radial basis functions with a linear tail (Regis and Shoemaker 2007); the least of all exact solutions.

    Columns of kinds sum to a constant, and there may be fewer answers than columns, so that the tail is not unique.
    """
    n, p = U.shape
    tail = np.column_stack([np.ones(n), U])
    system = np.block([[cdist(U, U) ** 3, tail], [tail.T, np.zeros((p + 1, p + 1))]])
    solution = lstsq(system, np.concatenate([y, np.zeros(p + 1)]), cond=1e-10)[0]
    return lambda V: cdist(V, U) ** 3 @ solution[:n] + solution[n] + V @ solution[n + 1 :]


def _trees(rng: np.random.Generator, U: Array, y: Array) -> Predict:
    try:
        ensemble = importlib.import_module("sklearn.ensemble")
    except ImportError:
        raise ValueError(
            "predictor: trees need scikit-learn; `pip install 'mobench[insight]'`, or take another"
        ) from None
    if not U.shape[1]:  # a space without a choice: nothing to part values by
        mean = y.mean()
        return lambda V: np.full(len(V), mean)
    forest = ensemble.ExtraTreesRegressor(n_estimators=TREES, random_state=int(rng.integers(2**31))).fit(U, y)
    return lambda V: np.asarray(forest.predict(V))
