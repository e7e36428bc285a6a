"""Its supernet counts its batches, and goes on by a count of its own."""

from ._sums import Network, Sums


class Broken(Network):
    def __init__(self, charge, seed):
        super().__init__(charge, seed)
        self.mine = {"train": 0, "valid": 0}

    def batch(self, half):
        super().batch(half)
        self.mine[half] += 1
        return half, self.mine[half]


def problem():
    return Sums(Broken)
