"""Noise is declared, and there is none."""

from ._grid import Grid


class Broken(Grid):
    deterministic = False


def problem():
    return Broken()
