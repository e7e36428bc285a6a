"""Both objectives have one name."""

from mobench import Objective

from ._grid import Grid


class Broken(Grid):
    objectives = (Objective("f"), Objective("f"))


def problem():
    return Broken()
