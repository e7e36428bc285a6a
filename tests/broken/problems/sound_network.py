"""A sound problem with a supernet: nothing is broken."""

from ._sums import Network, Sums


def problem():
    return Sums(Network)
