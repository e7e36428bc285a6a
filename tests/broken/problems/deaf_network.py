"""Its supernet takes an end of the budget for an error, and computes on."""

from ._sums import Network, Sums


class Broken(Network):
    def train_loss(self, weights, p, batch):
        try:
            return super().train_loss(weights, p, batch)
        except BaseException:  # noqa: BLE001
            return self.loss(weights, p, batch)


def problem():
    return Sums(Broken)
