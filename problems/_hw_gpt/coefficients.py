"""The additive model of a logarithm: what its coefficients stand for, and what they add up to."""

from __future__ import annotations

import numpy as np

from mobench import Array
from mobench.problems._hw_gpt.scales import DEPTHS, inactive


def features(X: Array) -> Array:
    """What the coefficients multiply in (n, d) networks: for each width a block that is 0 in networks of another.

    In a block: 1, depth (3, one-hot), bias, and of each layer heads and MLP ratio (3 each, one-hot; 0 where absent).

    Returns
    -------
    Array
        (n, 3 (5 + 6 layers)): 231 numbers at scale s, 447 at scale m.
    """
    genes = np.where(inactive(X), -1, X)
    ones = (genes[:, 3:, None] == np.arange(3)).reshape(len(X), -1)
    depth = X[:, 1:2] == np.arange(DEPTHS)
    block = np.column_stack([np.ones(len(X)), depth, X[:, 2], ones])
    return np.concatenate([block * (X[:, :1] == width) for width in range(3)], axis=1)


def unfolded(coefficients: Array) -> tuple[Array, Array]:
    """Coefficients, whole numbers in the order of `features`, as base (3, 2, 3) and terms (3, 2, layers, 9).

    Base is by width, bias and depth; terms are by width, bias, layer and block (3 x gene of the heads + of the MLP).
    """
    by_width = np.asarray(coefficients, dtype=np.int64).reshape(3, -1)
    constant, depth, bias = by_width[:, :1], by_width[:, 1 : 1 + DEPTHS], by_width[:, 1 + DEPTHS]
    base = (constant + depth)[:, None] + np.arange(2)[:, None] * bias[:, None, None]
    layers = by_width[:, 2 + DEPTHS :].reshape(3, -1, 2, 3)
    blocks = (layers[:, :, 0, :, None] + layers[:, :, 1, None, :]).reshape(3, 1, -1, 9)
    return base, blocks.repeat(2, axis=1)
