"""A training is said to cost a hundredth of an answer."""

from mobench import Cost

from ._grid import Grid


class Broken(Grid):
    training = Cost(evaluations=1, seconds=0.02)


def problem():
    return Broken()
