"""Its supernet's costs have the wrong sign."""

from ._sums import Network, Sums


class Broken(Network):
    def costs(self, p):
        return -super().costs(p)


def problem():
    return Sums(Broken)
