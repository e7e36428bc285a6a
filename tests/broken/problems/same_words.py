"""All architectures read alike."""

from ._grid import Grid


class Broken(Grid):
    def decode(self, X):
        return ["a network"] * len(X)


def problem():
    return Broken()
