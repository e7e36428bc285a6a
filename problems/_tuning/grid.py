"""A box of logarithms of penalties, and the grid on it: the space of black-box searchers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobench import Array, Space


@dataclass(frozen=True)
class Grid:
    """Equal steps of the natural logarithm of each penalty.

    Attributes
    ----------
    names : tuple of str
        (d,) penalties.
    low, high : tuple of float
        The box, (d,) each.
    levels : int
        Points a penalty, both ends included.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    levels: int

    @property
    def space(self) -> Space:
        """The grid's rows."""
        return Space((self.levels,) * len(self.names), self.names)

    def alpha(self, X: Array) -> Array:
        """Logarithms of penalties, (n, d), of grid rows (n, d)."""
        low, high = np.array(self.low), np.array(self.high)
        logarithms: Array = low + (high - low) * (np.asarray(X) / (self.levels - 1))
        return logarithms

    def rows(self, alpha: Array) -> Array:
        """Nearest grid rows, (n, d) int64, of logarithms (n, d); what lies outside the box is clipped to it."""
        low, high = np.array(self.low), np.array(self.high)
        share = (np.clip(alpha, low, high) - low) / (high - low)
        nearest: Array = np.rint(share * (self.levels - 1)).astype(np.int64)
        return nearest

    @classmethod
    def cube(cls, names: tuple[str, ...], low: float, high: float, levels: int) -> Grid:
        """A grid with the same ends for every penalty."""
        return cls(names, (low,) * len(names), (high,) * len(names), levels)

    def decode(self, X: Array) -> list[str]:
        """Penalties in digits, ``main 0.0111, squares 1``."""
        return [
            ", ".join(f"{name} {penalty:.3g}" for name, penalty in zip(self.names, row, strict=True))
            for row in np.exp(self.alpha(X))
        ]
