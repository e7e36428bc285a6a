"""Modules with choices as users write them, and random ones: what the tests of `mobench.live` look at."""

import numpy as np
import torch
from torch import nn

from mobench.live.blocks import ElasticHeads, ElasticMLP
from mobench.live.genes import Gene
from mobench.live.layers import (
    Choice,
    ElasticBatchNorm,
    ElasticConstant,
    ElasticConv2d,
    ElasticDepth,
    ElasticLayerNorm,
    ElasticLinear,
    Repeat,
)


class Inverted(nn.Module):
    """MobileNet's block."""

    def __init__(self, name, inputs, outputs, *, stride=1):
        super().__init__()
        hidden = Gene(f"{name}.expand", 2, 4, 6) * inputs
        self.widen = nn.Sequential(ElasticConv2d(inputs, hidden), ElasticBatchNorm(hidden), nn.ReLU6())
        filtering = ElasticConv2d(hidden, kernel=Gene(f"{name}.kernel", 3, 5, 7), stride=stride)
        self.filter = nn.Sequential(filtering, ElasticBatchNorm(hidden), nn.ReLU6())
        self.narrow = nn.Sequential(ElasticConv2d(hidden, outputs), ElasticBatchNorm(outputs))
        self.keeps = inputs is outputs and stride == 1

    def forward(self, x):
        y = self.narrow(self.filter(self.widen(x)))
        return x + y if self.keeps else y


class Chain(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        a, b = Gene("width1", 8, 16), Gene("width2", 16, 24, 32)
        self.stem = nn.Sequential(ElasticConv2d(1, a, kernel=3), ElasticBatchNorm(a), nn.ReLU6())
        self.one = Choice("one", block=Inverted("one_", a, a), skip=nn.Identity())
        self.down = Inverted("down", a, b, stride=2)
        self.two = Repeat(Gene("depth", 0, 1, 2, 3), lambda i: Inverted(f"two{i}", b, b))
        self.head = ElasticLinear(b, classes)

    def forward(self, x):
        return self.head(self.two(self.down(self.one(self.stem(x)))).mean(dim=(2, 3)))


class Block(nn.Module):
    def __init__(self, name, width):
        super().__init__()
        self.attention = nn.Sequential(
            ElasticLayerNorm(width), ElasticHeads(width, Gene(f"{name}.heads", 1, 2, 4), size=8)
        )
        self.mlp = nn.Sequential(
            ElasticLayerNorm(width), ElasticMLP(width, Gene(f"{name}.ratio", 1, 1.5, 2) * width, activation=nn.GELU)
        )

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.mlp(x)


class Transformer(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        w = Gene("width", 16, 24, 32)
        self.patches = nn.Sequential(ElasticConv2d(1, w, kernel=3, stride=2, bias=True), nn.Flatten(2))
        self.positions = ElasticConstant(16, w)
        self.blocks = Repeat(Gene("depth", 1, 2, 3), lambda i: Block(f"block{i}", w))
        self.norm, self.head = ElasticLayerNorm(w), ElasticLinear(w, classes)

    def forward(self, x):
        x = self.blocks(self.patches(x).transpose(1, 2) + self.positions())
        return self.head(self.norm(x).mean(dim=1))


class OnPixels(nn.Sequential):
    """Parts for tokens (n, t, c), on an image's pixels."""

    def forward(self, x):
        return super().forward(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:])


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


def random_module(rng):
    """Nested choices, depths, widths and kernels, drawn; for images (n, 2, h, w)."""
    count = [0]

    def name(letter):
        count[0] += 1
        return f"{letter}{count[0]}"

    def gene(*options):
        return Gene(name("g"), *options)

    def width():
        return [4, gene(2, 3, 5), gene(1, 4), gene(0.5, 1, 2) * 4][rng.integers(4)]

    def part(w, level):
        kind = rng.integers(10 if level else 7)
        if kind == 0:
            h = [width(), gene(1, 2.5, 3) * w][rng.integers(2)]
            first = ElasticConv2d(w, h, kernel=gene(1, 3, 5), bias=bool(rng.integers(2)))
            return nn.Sequential(first, ElasticBatchNorm(h), nn.Softplus(), ElasticConv2d(h, w))
        if kind == 1:
            return nn.Sequential(ElasticConv2d(w, kernel=gene(3, 7)), nn.Sigmoid())
        if kind == 2:
            return ElasticBatchNorm(w)
        if kind == 3:
            return nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Tanh())
        if kind == 4:
            return OnPixels(ElasticLayerNorm(w), ElasticHeads(w, gene(1, 2, 3), size=4))
        if kind == 5:
            return OnPixels(ElasticMLP(w, gene(1, 1.5, 3) * w, activation=nn.GELU), ElasticLayerNorm(w))
        if kind == 6:
            h = width()
            return OnPixels(ElasticLinear(w, h), nn.Tanh(), ElasticLinear(h, w, bias=False))
        if kind == 7:
            return Residual(part(w, level - 1))
        if kind == 8:
            longer = nn.Sequential(part(w, level - 1), part(w, 0))
            return Choice(name("c"), a=part(w, level - 1), b=nn.Identity(), c=longer)
        depths = ([0, 1, 3], [1, 2, 3], [2, 3])[rng.integers(3)]
        return ElasticDepth(gene(*depths), *(part(w, level - 1) for _ in range(3)))

    a, b = width(), width()
    return nn.Sequential(
        ElasticConv2d(2, a, kernel=gene(1, 3)),
        *(part(a, 2) for _ in range(2)),
        ElasticConv2d(a, b, kernel=gene(1, 3), stride=2),
        *(part(b, 2) for _ in range(2)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        ElasticLinear(b, 3),
    )


def noisy(space, seed=1):
    """Weights with norms and biases away from 1 and 0."""
    g = torch.Generator().manual_seed(seed)
    return {
        name: (w + 0.1 * torch.randn(w.shape, generator=g)).detach().requires_grad_()
        for name, w in space.weights().items()
    }


def random_p(space, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.random(space.mask.shape) * space.mask
    return torch.tensor(p / p.sum(1, keepdims=True))


def touched(space, p):
    """The same shares up to 1e-300, with every option in the support, so that a mixture is computed."""
    return torch.where(torch.tensor(space.mask), p.clamp(min=1e-300), p)


class Digits(nn.Module):
    """A small perceptron on images of 8x8: trains in milliseconds."""

    def __init__(self, classes=4):
        super().__init__()
        width = Gene("width", 4, 8, 16)
        self.body = nn.Sequential(nn.Flatten(), ElasticLinear(64, width), nn.ReLU())
        self.deep = Repeat(Gene("depth", 0, 1, 2), lambda i: self.layer(f"layer{i}", width))
        self.head = ElasticLinear(width, classes)

    def layer(self, name, width):
        hidden = Gene(f"{name}.ratio", 0.5, 1) * width
        return Residual(nn.Sequential(ElasticBatchNorm(width, dims=1), ElasticMLP(width, hidden, activation=nn.ReLU)))

    def forward(self, x):
        return self.head(self.deep(self.body(x)))


def stripes(n=400, seed=0):
    """Noisy 8x8 waves of four directions, and which of them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=n)
    i, j = np.mgrid[:8, :8]
    angle, phase = (np.pi * y / 4)[:, None, None], rng.uniform(0, 6.3, (n, 1, 1))
    x = np.sin(1.3 * (i * np.cos(angle) + j * np.sin(angle)) + phase) + 0.7 * rng.standard_normal((n, 8, 8))
    return x[:, None].astype(np.float32), y
