"""One of its limits is infinite."""

from mobench import Objective

from ._grid import Grid


class Broken(Grid):
    objectives = (Objective("f1", limit=float("inf")), Objective("f2", unit="s"))


def problem():
    return Broken()
