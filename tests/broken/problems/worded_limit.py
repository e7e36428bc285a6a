"""One of its limits is a text."""

from mobench import Objective

from ._grid import Grid


class Broken(Grid):
    objectives = (Objective("f1", limit="3"), Objective("f2", unit="s"))


def problem():
    return Broken()
