"""How much each gene decides: functional ANOVA of a random forest on what runs were answered (Hutter et al. 2014).

The forest is scikit-learn's. The variances are taken of its predictions at uniform architectures (Sobol' 1993; total
effects by Jansen 1999), at a cost that does not grow with the number of answers. Optuna's evaluator, which walks
through the trees, took fifty times as long for 2,000 answers, and was farther from the truth on Motif, which is known.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.pooled import answers_of, one_problem
from mobench.core.space import Array, Space
from mobench.scoring.result import Result

__all__ = ["FEWEST", "gene_importances", "importances"]

FEWEST = 20
"""Architectures without which no forest is grown."""
MOST = 2000
"""Architectures, drawn at random, of which a forest is grown."""
POINTS = 2048
"""Uniform architectures at which forests are asked."""
TREES, RESAMPLES = 30, 20
CONFIDENCE = 0.9


def gene_importances(results: Result | Sequence[Result]) -> pd.DataFrame:
    """How much of each objective's variance over the space each gene explains, as the answers of runs tell.

    Parameters
    ----------
    results : Result or sequence of Result
        Runs on one problem; their answers at full fidelity are taken together, the mean of several of one
        architecture.

    Returns
    -------
    pandas.DataFrame
        A row an objective and gene: ``objective``, ``gene``; ``alone``, the share of the variance that the gene
        explains by itself; ``total``, that with all interactions it is part of; ``alone_low`` to ``total_high``, 90 %
        intervals over resampled architectures; ``fit``, the share of the variance of answers that the forest foretells
        for architectures it was not grown with, below which nothing is known; ``architectures``, how many there were.

    Raises
    ------
    ValueError
        The runs are on different problems, or hold fewer than 20 architectures.
    ImportError
        scikit-learn is not installed.

    Notes
    -----
    What is measured is the forest, over the whole space: of a region that no searcher asked about it says little. The
    intervals are about which architectures were asked, and not about the forest's own bias, for which see ``fit``.
    """
    runs, problem = one_problem(results)
    X, F = answers_of(runs)
    if len(X) < FEWEST:
        raise ValueError(f"importances: expected at least {FEWEST} different architectures, found {len(X)}")
    tables = []
    for objective, values in zip(problem.objectives, F.T, strict=True):
        table = importances(X, values, problem.space)
        table.insert(0, "objective", objective.name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def importances(X: Array, y: Array, space: Space, *, seed: int = 0) -> pd.DataFrame:
    """Importances of genes for one quantity: the columns of `gene_importances` from ``gene`` on.

    Parameters
    ----------
    X, y : Array
        (n, d) different architectures, and their (n,) values.
    space : Space
        Theirs.
    seed : int
        Of the forests, the points and the resamples; equal ones give equal tables.
    """
    rng = np.random.default_rng(seed)
    if len(X) > MOST:
        chosen = rng.choice(len(X), MOST, replace=False)
        X, y = X[chosen], y[chosen]
    y = _sized(np.asarray(y, dtype=np.float64))
    points = _points(space, rng)
    forest = _forest(3 * TREES, seed, oob_score=True).fit(_encoded(X, space), y)
    effects = _effects(forest, points, space)
    spread = []
    for round_ in range(RESAMPLES):
        rows = rng.integers(0, len(X), size=len(X))
        spread.append(_effects(_forest(TREES, seed + 1 + round_).fit(_encoded(X[rows], space), y[rows]), points, space))
    low, high = np.quantile(spread, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    low, high = np.minimum(low, effects), np.maximum(high, effects)
    columns = {
        name: column
        for row, kind in enumerate(("alone", "total"))
        for name, column in ((kind, effects[row]), (f"{kind}_low", low[row]), (f"{kind}_high", high[row]))
    }
    fit = float(forest.oob_score_) if np.ptp(y) > 0 else 0.0
    return pd.DataFrame({"gene": space.names, **columns, "fit": fit, "architectures": len(X)})


def _sized(y: Array) -> Array:
    """The same values between -1 and 1, which leaves shares of variance as they are: squares of others may be none."""
    y = y / (np.abs(y).max() or 1.0)
    y = y - y.mean()
    sized: Array = y / (np.abs(y).max() or 1.0)
    return sized


def _forest(trees: int, seed: int, **more: Any) -> Any:
    try:
        ensemble = importlib.import_module("sklearn.ensemble")
    except ImportError:
        raise ImportError("importances: needs scikit-learn; pip install 'mobench[insight]'") from None
    return ensemble.RandomForestRegressor(trees, random_state=seed, **more)


def _encoded(X: Array, space: Space) -> Array:
    """Architectures for a forest, (n, sum of cardinalities): one column a value of a gene, since values have no order.

    Genes of more than two dozen values are widths and the like: one column, by size.
    """
    columns = []
    for j, count in enumerate(space.cardinalities):
        columns.append(X[:, [j]] == np.arange(count) if count <= 24 else X[:, [j]])
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _points(space: Space, rng: np.random.Generator) -> list[Array]:
    """Uniform architectures, and for each gene the same ones with that gene drawn anew."""
    base = space.sample(rng, POINTS)
    found = [base]
    for j in range(base.shape[1]):
        other = base.copy()
        other[:, j] = rng.permutation(base[:, j])
        found.append(other)
    return found


def _effects(forest: Any, points: list[Array], space: Space) -> Array:
    """Shares of the variance of a forest's predictions: alone and total of each gene, (2, d)."""
    base = points[0]
    f = forest.predict(_encoded(space.canonical(base), space))
    mean, variance = f.mean(), f.var()
    f = f - mean
    if not variance > 0:
        return np.zeros((2, base.shape[1]))
    alone, total = [], []
    for j, other in enumerate(points[1:]):
        counts = np.bincount(base[:, j])
        means = np.bincount(base[:, j], weights=f)[counts > 0] / counts[counts > 0]
        chance = (
            (len(means) - 1) * variance / len(f)
        )  # what means of so many points differ by, of a gene without effect
        alone.append(max(float((counts[counts > 0] * means**2).sum() / len(f) - chance), 0.0))
        g = forest.predict(_encoded(space.canonical(other), space)) - mean
        total.append(float(((f - g) ** 2).mean() / 2))
    shares: Array = np.array([alone, total]) / variance
    return shares
