"""RidgeNet's edges, operations and data, which the problem and its network share."""

from __future__ import annotations

import numpy as np

from mobench import Array

EDGES = 3
OPERATIONS = ("none", "linear", "cubic", "waves")
TERMS = (0, 1, 3, 4)
"""Weights of the operations: none; x; x, x^2, x^3; sin 3x, cos 3x, sin 6x, cos 6x."""
RIDGE = 0.01
TRAIN_OFFSET, VALID_OFFSET, SIZE = 0, 1000, 40


def data(offset: int) -> tuple[Array, Array]:
    """Columns (40, 25) and targets (40,) of one part; the first column is the intercept's."""
    j = np.arange(1, SIZE + 1) + offset
    x = 2.0 * np.modf(j[:, None] * np.sqrt([2.0, 3.0, 5.0]))[0] - 1.0
    noise = 0.2 * np.sin(12.9898 * j) * np.cos(78.233 * j)
    y = x[:, 0] + np.sin(3.0 * x[:, 1]) + 0.3 * x[:, 2] ** 2 + noise
    columns = [np.ones(SIZE)]
    for edge in range(EDGES):
        v = x[:, edge]
        columns += [v, v, v**2, v**3, np.sin(3.0 * v), np.cos(3.0 * v), np.sin(6.0 * v), np.cos(6.0 * v)]
    return np.column_stack(columns), y


OWNERS = np.array([(edge, op) for edge in range(EDGES) for op, terms in enumerate(TERMS) for _ in range(terms)])
"""(24, 2): edge and operation of each column after the intercept's."""
