"""Fidelities descend."""

from ._grid import Grid


class Broken(Grid):
    fidelities = (9, 3, 1)


def problem():
    return Broken()
