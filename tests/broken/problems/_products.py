"""A sound supernet of products with matrices: a mixture computes every operation that has a share."""

import torch

from mobench import Values
from mobench.live.meter import metered

from ._sums import Network, Sums

IMAGES, WIDTH = 32, 64


class Chain(Sums):
    """Dearer operations take longer to train."""

    def evaluate(self, X, *, fidelity=None, seeds=None):
        return Values(self.score(X), flops=30.0 * self.score(X)[:, 1])


class Products(Network):
    """Two layers, in each a weighted sum of what up to three stacks of matrices make of images."""

    def initial_weights(self, *, partial_channels=1):
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.randn(2, 3, 3, WIDTH, WIDTH, generator=generator) / WIDTH**0.5
        return {"w": drawn.requires_grad_()}

    def loss(self, weights, p, batch):
        x = torch.full((IMAGES, WIDTH), self.noise(batch))
        for stacks, shares in zip(weights["w"], p, strict=True):
            parts = []
            for depth, share in enumerate(shares):
                if share != 0:
                    y = x
                    for matrix in stacks[depth, : depth + 1]:
                        y = y @ matrix
                    parts.append(share * y)
            x = sum(parts)
        return (x**2).mean()

    def price(self, p):
        """Multiply-adds of a pass: an operation has one matrix, or two, or three."""
        return float(IMAGES * WIDTH**2 * ((p != 0) * torch.arange(1, 4)).sum())

    def train_loss(self, weights, p, batch):
        return metered(lambda: self.loss(weights, p, batch), flops=self.price(p.detach()), charge=self.charge)
