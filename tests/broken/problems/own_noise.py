"""Noise comes from a generator of its own."""

import numpy as np

from mobench import Values

from ._grid import Grid


class Broken(Grid):
    deterministic = False

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X) + np.random.default_rng().random((len(X), 2)), seconds=2.0)


def problem():
    return Broken()
