"""Each of its limits can be kept, but not both at once."""

from mobench import Objective

from ._grid import Grid


class Broken(Grid):
    objectives = (Objective("f1", limit=3.0), Objective("f2", unit="s", limit=4.0))


def problem():
    return Broken()
