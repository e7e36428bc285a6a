"""It has neither a front nor bounds, so no run can be scored."""

from ._grid import Grid


class Broken(Grid):
    front = None


def problem():
    made = Broken()
    return made
