"""Its supernet's one-shot scores are free."""

from ._sums import Network, Sums


class Broken(Network):
    def one_shot(self, weights, X, *, batches):
        charge, self.charge = self.charge, lambda flops: None
        try:
            return super().one_shot(weights, X, batches=batches)
        finally:
            self.charge = charge


def problem():
    return Sums(Broken)
