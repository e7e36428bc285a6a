"""An answer pays its asker."""

from mobench import Values

from ._grid import Grid


class Broken(Grid):
    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.score(X), seconds=X[:, 0] - 1.0)


def problem():
    return Broken()
