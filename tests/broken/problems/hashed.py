"""Answers depend on how this process hashes strings."""

from ._grid import Grid

OFFSET = hash("mobench") % 1000


class Broken(Grid):
    def score(self, X):
        return super().score(X) + OFFSET


def problem():
    return Broken()
