"""It has something to say of its own data."""

from ._grid import Grid


class Broken(Grid):
    remarks = ("3 of 12 rows lack a value and are left out",)


def problem():
    return Broken()
