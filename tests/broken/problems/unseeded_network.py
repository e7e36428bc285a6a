"""Its supernet's weights are drawn from torch's global stream."""

import torch

from ._sums import Network, Sums


class Broken(Network):
    def initial_weights(self, *, partial_channels=1):
        return {"w": torch.rand(2, 3).requires_grad_()}


def problem():
    return Sums(Broken)
