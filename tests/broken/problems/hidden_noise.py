"""Answers depend on their seeds, and it is not said."""

from mobench import Values

from ._grid import Grid


class Broken(Grid):
    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X) + (seeds % 7)[:, None].astype(float), seconds=2.0)


def problem():
    return Broken()
