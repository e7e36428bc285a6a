"""Effective degrees of freedom of linear models: how many columns are in use under penalties."""

from __future__ import annotations

import numpy as np

from mobench import Array


def degrees_of_freedom(gram: Array, penalties: Array) -> Array:
    """Trace of G (G + D)^-1, (n,), of G, (p, p), and the diagonals of D, (n, p).

    Hastie, Tibshirani and Friedman 2009, "The elements of statistical learning", equation 3.50.
    """
    systems = gram + diagonals(penalties)
    shares = np.linalg.solve(systems, np.broadcast_to(gram, systems.shape))
    freedom: Array = np.trace(shares, axis1=1, axis2=2)
    return freedom


def diagonals(penalties: Array) -> Array:
    """Diagonal matrices, (n, p, p), of (n, p) rows."""
    matrices: Array = penalties[:, :, None] * np.eye(penalties.shape[1])
    return matrices
