"""Noise comes from numpy's global random state."""

import numpy as np

from mobench import Values

from ._grid import Grid


class Broken(Grid):
    deterministic = False

    def evaluate(self, X, *, fidelity, seeds):
        noise = np.random.rand(len(X), 2)  # noqa: NPY002 - the fault
        return Values(self.score(X) + noise, seconds=2.0)


def problem():
    return Broken()
