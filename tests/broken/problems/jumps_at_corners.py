"""Its supernet's mixtures are not what its paths are."""

from ._sums import Network, Sums


class Broken(Network):
    def loss(self, weights, p, batch):
        mixed = bool(((p > 0) & (p < 1)).any())
        return super().loss(weights, p, batch) * (1 + mixed)


def problem():
    return Sums(Broken)
