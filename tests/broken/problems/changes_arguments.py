"""It works on the caller's array."""

from ._grid import Grid


class Broken(Grid):
    def score(self, X):
        F = super().score(X)
        X[:, 1] = 0
        return F


def problem():
    return Broken()
