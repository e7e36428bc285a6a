"""An ensemble of small neural networks in numpy, trained side by side: one array holds a layer of all members."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from mobench import Array

__all__ = ["Ensemble", "train"]


@dataclass(frozen=True)
class Ensemble:
    """Rectified networks of one output each.

    Attributes
    ----------
    weights : list of Array
        A layer each, (e, k + 1, l): the last row is the bias.
    centre, spread : float
        What their outputs are multiplied by and shifted by.
    """

    weights: list[Array]
    centre: float
    spread: float

    def __call__(self, U: Array) -> Array:
        """What each member predicts of (k, p) encoded architectures; (e, k)."""
        H = np.broadcast_to(U, (len(self.weights[0]), *U.shape))
        found: Array = self.centre + self.spread * _forward(self.weights, H)[-1][:, :, 0]
        return found


def train(
    rng: np.random.Generator,
    U: Array,
    y: Array,
    *,
    members: int,
    widths: tuple[int, ...],
    epochs: int,
    rate: float,
    batch: int = 32,
    shown: Array | None = None,
) -> Ensemble:
    """Fit the members to (n,) values of (n, p) encoded architectures, by Adam on the mean absolute error.

    Members differ in their first weights (He et al. 2015) and in the order of their batches.

    Parameters
    ----------
    widths : tuple of int
        Units of the hidden layers.
    rate : float
        Adam's step (Kingma and Ba 2015; 0.9, 0.999, 1e-8), which falls to 0 along half a cosine.
    shown : Array, optional
        (members, n) bool, which values each member is shown; all of them if left out.
    """
    n, e = len(y), members
    centre, spread = float(np.median(y)), float(np.std(y)) or 1.0
    z = (y - centre) / spread
    sizes = (U.shape[1], *widths, 1)
    begun = [
        np.concatenate([rng.standard_normal((e, k, out)) * np.sqrt(2.0 / max(k, 1)), np.zeros((e, 1, out))], axis=1)
        for k, out in itertools.pairwise(sizes)
    ]
    every = np.concatenate([layer.ravel() for layer in begun])  # Adam's step takes all layers at once
    gradient, first, second = np.empty_like(every), np.zeros_like(every), np.zeros_like(every)
    weights, slopes = _views(every, begun), _views(gradient, begun)
    batches = max(-(-n // batch), 1)
    steps, rows = epochs * batches, np.arange(e)[:, None]
    order = np.empty((e, n), dtype=np.int64)
    for step in range(steps):
        if (part := step % batches) == 0:
            order = rng.random((e, n)).argsort(axis=1)
        taken = order[:, part::batches]
        layers = _forward(weights, U[taken])
        slope = np.sign(layers[-1][:, :, 0] - z[taken])
        if shown is not None:
            slope *= shown[rows, taken]
        now = rate * 0.5 * (1.0 + np.cos(np.pi * step / steps))
        _backward(weights, layers, slope[:, :, None] / taken.shape[1], slopes)
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        size = np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8
        every -= now / (1 - 0.9 ** (step + 1)) * first / size
    return Ensemble(weights, centre, spread)


def _views(every: Array, layers: list[Array]) -> list[Array]:
    """The parts of one vector in the shapes of layers."""
    ends = np.cumsum([layer.size for layer in layers])[:-1]
    return [part.reshape(layer.shape) for part, layer in zip(np.split(every, ends), layers, strict=True)]


def _forward(weights: list[Array], H: Array) -> list[Array]:
    """Inputs and outputs of all layers, (e, k, .) each."""
    layers = [H]
    for i, weight in enumerate(weights):
        H = layers[-1] @ weight[:, :-1] + weight[:, -1:]
        layers.append(np.maximum(H, 0.0) if i + 1 < len(weights) else H)
    return layers


def _backward(weights: list[Array], layers: list[Array], slope: Array, found: list[Array]) -> None:
    """Write to `found` the derivatives by the weights of each layer, given (e, k, 1) those by the outputs."""
    for i in reversed(range(len(weights))):
        below = layers[i]
        found[i][:, :-1] = below.transpose(0, 2, 1) @ slope
        found[i][:, -1:] = slope.sum(axis=1, keepdims=True)
        if i:
            slope = (slope @ weights[i][:, :-1].transpose(0, 2, 1)) * (below > 0)
