"""Its supernet computes what it is asked to without a share, and does not charge that."""

from mobench.live.meter import metered

from ._sums import Network, Sums


class Broken(Network):
    def train_loss(self, weights, p, batch, *, computed=None):
        return metered(lambda: self.loss(weights, p, batch), flops=float((p != 0).sum()), charge=self.charge)

    def valid_loss(self, weights, p, batch, *, computed=None):
        return self.train_loss(weights, p, batch, computed=computed)


def problem():
    return Sums(Broken)
