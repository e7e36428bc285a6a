"""The front is a wish."""

from ._grid import Grid


class Broken(Grid):
    def front(self):
        X, F = super().front()
        return X, F - 0.5


def problem():
    return Broken()
