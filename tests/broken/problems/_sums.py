"""A sound problem with a supernet: two genes of three operations; a weight each, noise for images."""

import numpy as np
import torch

from mobench import Cost, Objective, Space, Values
from mobench.live.meter import metered

OPERATIONS = (("a", "b", "c"),) * 2


class Sums:
    """Its error is the squared distance of the genes' sum from 2, its cost the sum."""

    space = Space((3, 3))
    objectives = (Objective("error"), Objective("cost"))
    training = Cost(evaluations=1, flops=30.0)
    deterministic = True
    operations = OPERATIONS

    def __init__(self, network):
        self.network = network

    def evaluate(self, X, *, fidelity=None, seeds=None):
        return Values(self.score(X), flops=30.0)

    def score(self, X):
        total = np.asarray(X).sum(axis=1).astype(float)
        return np.column_stack([(total - 2.0) ** 2, 1.0 + total])

    def front(self):
        X = self.space.all()
        X = X[X.sum(axis=1) <= 2]
        return X, self.score(X)

    def supernet(self, *, charge, seed):
        return self.network(charge, seed)


class Network:
    """Its loss is the squared distance of the weights' mean under p from a batch's noise."""

    operations = OPERATIONS

    def __init__(self, charge, seed):
        self.charge, self.seed, self.drawn = charge, seed, {"train": 0, "valid": 0}

    def initial_alpha(self):
        return torch.zeros(2, 3, requires_grad=True)

    def initial_weights(self, *, partial_channels=1):
        drawn = np.random.default_rng([self.seed, 3]).standard_normal((2, 3))
        return {"w": torch.tensor(drawn, dtype=torch.float32, requires_grad=True)}

    def batch(self, half):
        number = self.drawn[half]
        self.drawn[half] = number + 1
        return half, number

    def train_batch(self):
        return self.batch("train")

    def valid_batch(self):
        return self.batch("valid")

    def noise(self, batch):
        half, number = batch
        return float(np.random.default_rng([self.seed, 2, half == "valid", number]).standard_normal())

    def loss(self, weights, p, batch):
        return ((weights["w"] * p).sum() - self.noise(batch)) ** 2

    def train_loss(self, weights, p, batch):
        return metered(lambda: self.loss(weights, p, batch), flops=1.0, charge=self.charge)

    def valid_loss(self, weights, p, batch):
        return self.train_loss(weights, p, batch)

    def costs(self, p):
        return 1.0 + (p * torch.arange(3.0)).sum()[None]

    def one_shot(self, weights, X, *, batches):
        found = []
        for x in np.asarray(X):
            for _ in range(batches):
                self.charge(1.0)
            p = torch.eye(3)[torch.as_tensor(x)]
            found.append(np.mean([self.loss(weights, p, ("valid", n)).item() for n in range(batches)]))
        return np.array(found)

    def discretise(self, alpha):
        return alpha.detach().argmax(dim=1).numpy()[None]
