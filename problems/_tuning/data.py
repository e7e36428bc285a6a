"""Data sets of scikit-learn for the tuning problems: split by address, standardised, columns in named groups."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Any, Literal

import numpy as np

from mobench import Array, fingerprint

SPLIT = 442
"""Address of the splits, with the number of rows and that of the split."""
SHARES = (0.5, 0.25)
"""Shares of the rows that train and validate; the others test."""
Features = Literal["quadratic", "linear"]


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one part.

    Attributes
    ----------
    inputs : Array
        (n, p) columns, standardised by the training rows.
    targets : Array
        (n,) standardised numbers, or classes from 0 on.
    """

    inputs: Array
    targets: Array

    @cached_property
    def gram(self) -> Array:
        """X'X / n, (p, p)."""
        gram: Array = self.inputs.T @ self.inputs / len(self.inputs)
        return gram

    @cached_property
    def moments(self) -> Array:
        """X'y / n, (p,)."""
        moments: Array = self.inputs.T @ self.targets / len(self.inputs)
        return moments

    def squared_error(self, weights: Array) -> Array:
        """Mean squared error, (n,), of linear models with weights (n, p)."""
        residuals = np.matmul(self.inputs, weights[:, :, None])[:, :, 0] - self.targets
        errors: Array = (residuals**2).mean(axis=1)
        return errors


@dataclass(frozen=True, eq=False)
class Data:
    """A data set in three parts.

    Attributes
    ----------
    train, valid, test : Part
        What weights are fitted to, what a searcher sees, what is scored.
    groups : tuple of str
        Names of the groups of columns.
    owners : Array
        (p,) int64, the group of each column.
    """

    train: Part
    valid: Part
    test: Part
    groups: tuple[str, ...]
    owners: Array

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of all rows and of the groups."""
        parts = (self.train, self.valid, self.test)
        return fingerprint(*(values for part in parts for values in (part.inputs, part.targets)), self.owners)


@lru_cache(maxsize=8)
def diabetes(features: Features, split: int) -> Data:
    """Progression of diabetes in 442 patients (Efron, Hastie, Johnstone and Tibshirani 2004, "Least angle regression").

    Ten columns in the groups person (age, sex), body (index, blood pressure) and serum (six measurements); or the 64 of
    the paper's quadratic model: these, nine squares (sex has two values) and 45 products.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    found = load("diabetes", scaled=False)
    rows = _split(len(found.target), split)
    inputs = _standardised(found.data, rows[0])
    groups: tuple[str, ...] = ("person", "body", "serum")
    owners = np.repeat([0, 1, 2], [2, 2, 6])
    if features == "quadratic":
        sex = found.feature_names.index("sex")
        squares = np.delete(inputs, sex, axis=1) ** 2
        products = np.column_stack([inputs[:, i] * inputs[:, j] for i, j in combinations(range(inputs.shape[1]), 2)])
        groups = ("main", "squares", "products")
        owners = np.repeat([0, 1, 2], [inputs.shape[1], squares.shape[1], products.shape[1]])
        inputs = _standardised(np.column_stack([inputs, squares, products]), rows[0])
    targets = _standardised(found.target[:, None], rows[0])[:, 0]
    return _data(inputs, targets, rows, groups, owners)


@lru_cache(maxsize=8)
def breast_cancer(split: int) -> Data:
    """Whether 569 tumours are benign, by 30 measurements of cells' images (Street, Wolberg and Mangasarian 1993).

    Ten features in three groups: their means, standard errors, and means of the three worst cells.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    found = load("breast_cancer")
    rows = _split(len(found.target), split)
    inputs = _standardised(found.data, rows[0])
    owners = np.repeat([0, 1, 2], inputs.shape[1] // 3)
    return _data(inputs, found.target.astype(np.float64), rows, ("mean", "deviation", "worst"), owners)


def load(name: str, **options: Any) -> Any:
    """What ``sklearn.datasets.load_NAME`` gives; these come with the package, and nothing is fetched.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    try:
        module = importlib.import_module("sklearn.datasets")
    except ImportError:
        raise ValueError(
            f"the data set {name!r} comes with scikit-learn, which is not installed; pip install 'mobench[live]'"
        ) from None
    return getattr(module, f"load_{name}")(**options)


def _split(n: int, split: int) -> list[Array]:
    """Rows of the three parts, ascending."""
    drawn = np.random.default_rng([SPLIT, n, split]).permutation(n)
    return [np.sort(rows) for rows in np.split(drawn, (np.cumsum(SHARES) * n).astype(int))]


def _standardised(columns: Array, train: Array) -> Array:
    """Columns, (n, p), of which the training rows have mean 0 and variance 1."""
    known = columns[train]
    scaled: Array = (columns - known.mean(axis=0)) / known.std(axis=0)
    return scaled


def _data(inputs: Array, targets: Array, rows: list[Array], groups: tuple[str, ...], owners: Array) -> Data:
    train, valid, test = (Part(_kept(inputs[part]), _kept(targets[part])) for part in rows)
    return Data(train, valid, test, groups, _kept(owners.astype(np.int64)))


def _kept(values: Array) -> Array:
    """The values read-only: every run looks at the same."""
    values.setflags(write=False)
    return values
