"""Different networks are said to be the same."""

from mobench import Space

from ._grid import Grid


class Broken(Grid):
    space = Space((9, 4), classes=lambda X: X[:, 1] + 0)


def problem():
    return Broken()
