"""What it says to know of its costs is not what it answers."""

import numpy as np

from ._grid import Grid


class Guessed(Grid):
    def known_costs(self, X):
        F = np.asarray(self.score(X))
        return np.column_stack([np.full((len(F), F.shape[1] - 1), np.nan), F[:, -1:] + 1.0])


def problem():
    return Guessed()
