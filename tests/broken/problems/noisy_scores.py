"""Scores are drawn anew."""

import numpy as np

from ._grid import Grid


class Broken(Grid):
    def evaluate(self, X, *, fidelity, seeds):
        return Grid().evaluate(X, fidelity=fidelity, seeds=seeds)

    def score(self, X):
        return super().score(X) + np.random.default_rng().random((len(X), 2))


def problem():
    return Broken()
