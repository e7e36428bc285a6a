"""The noise of its scores is less than nothing."""

from ._grid import Grid


class Broken(Grid):
    def standard_errors(self, X):
        return -0.1 * self.score(X)


def problem():
    return Broken()
