"""What it knows of a cost is about what it is."""

import numpy as np

from ._grid import Grid


class Broken(Grid):
    def known_costs(self, X):
        return np.column_stack([np.full(len(X), np.nan), 8.1 - X[:, 0] + X[:, 1]])


def problem():
    return Broken()
