"""Architectures as numbers that a linear model can add up: one-hot codes of their genes."""

from __future__ import annotations

import numpy as np

from mobench import Array, Space


def one_hot(space: Space, X: Array) -> Array:
    """One-hot codes of (n, d) architectures by the rows that they are known by, (n, sum of cardinalities) float.

    Examples
    --------
    >>> one_hot(Space((2, 3)), np.array([[1, 0], [0, 2]])).tolist()
    [[0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 1.0]]
    """
    bounds = np.array(space.cardinalities)
    codes = np.zeros((len(X), int(bounds.sum())))
    codes[np.arange(len(X))[:, None], space.canonical(X) + np.cumsum(bounds) - bounds] = 1.0
    return codes
