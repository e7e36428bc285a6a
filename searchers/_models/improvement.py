"""What an answer would improve: the expected improvement of a number, and of a hypervolume seen along many rays."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from mobench import Array

__all__ = ["Rays", "expected_improvement", "greedy", "rays"]


def expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """E max(best - y, 0) of normal y with (k,) means and standard deviations; (k,) (Jones et al. 1998, equation 15)."""
    gap = best - mean
    u = np.divide(gap, deviation, out=np.zeros_like(gap), where=deviation > 0)
    density = np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)
    return np.where(deviation > 0, gap * ndtr(u) + deviation * density, np.maximum(gap, 0.0))


class Rays:
    """Rays from a reference point through what dominates it; the hypervolume is a mean over them.

    A set Y dominates c_m E_w max_{y in Y} min_j ((r_j - y_j) / w_j)_+^m of the space below r, with w uniform on the
    positive part of the unit sphere and c_m the volume of that part of the ball (Deng and Zhang 2019).

    Attributes
    ----------
    directions : Array
        (l, m) unit vectors w.
    reference : Array
        (m,) the point r.
    """

    def __init__(self, directions: Array, reference: Array) -> None:
        self.directions, self.reference = directions, reference
        m = directions.shape[1]
        self._steep = (1.0 / directions).astype(np.float32)  # single precision is as good as hundreds of rays are
        self._m, self._constant = m, math.pi ** (m / 2) / (2**m * math.gamma(m / 2 + 1))

    def lengths(self, F: Array) -> Array:
        """How far each of (..., m) points reaches along each ray, to the power of m; (..., l)."""
        gap = np.maximum(self.reference - F, 0.0).astype(np.float32)
        least: Array = gap[..., :1] * self._steep[:, 0]
        for j in range(1, self._m):
            np.minimum(least, gap[..., j : j + 1] * self._steep[:, j], out=least)
        found: Array = least.copy() if self._m > 1 else least
        for _ in range(self._m - 1):  # a product is ten times as fast as a power
            found *= least
        return found

    def volume(self, lengths: Array) -> Array:
        """Volume of what reaches (..., l) far along the rays; (...)."""
        found: Array = self._constant * lengths.mean(axis=-1, dtype=np.float64)
        return found


def rays(rng: np.random.Generator, n: int, reference: Array) -> Rays:
    """`n` rays in directions that are even on the sphere: a Kronecker lattice, shifted at random, made normal."""
    m = len(reference)
    root = _plastic(m)
    lattice = (rng.random(m) + np.arange(1, n + 1)[:, None] * root ** -np.arange(1.0, m + 1)) % 1.0
    normal = np.abs(ndtri(np.clip(lattice, 1e-9, 1 - 1e-9))) + 1e-9
    return Rays(normal / np.linalg.norm(normal, axis=1, keepdims=True), np.asarray(reference, dtype=float))


def _plastic(m: int) -> float:
    """The root above 1 of x^(m + 1) = x + 1: its powers make lattices of low discrepancy (the plastic number for 2)."""
    x = 2.0
    for _ in range(50):
        x = (1.0 + x) ** (1.0 / (m + 1))
    return x


def greedy(front: Array, lengths: Array, n: int) -> list[int]:
    """The up to `n` points that add most to a front, one after the other, each given those before it.

    Parameters
    ----------
    front : Array
        (s, l) how far the front reaches in each of s draws.
    lengths : Array
        (s, k, l) how far each of k points does.

    Returns
    -------
    list of int
        Different points, best first; at least one, and further ones only if they add something. Where nothing does, the
        one that dominates most: it is within limits if any is.
    """
    best, chosen = front.copy(), list[int]()
    open_ = np.ones(lengths.shape[1], dtype=bool)
    while len(chosen) < min(n, lengths.shape[1]):
        gains = np.array([np.maximum(one - now, 0.0).sum(axis=1) for one, now in zip(lengths, best, strict=True)])
        gain = np.where(open_, gains.mean(axis=0), -1.0)
        pick = int(gain.argmax())
        if gain[pick] <= 0:
            if chosen:
                break
            pick = int(lengths.sum(axis=(0, 2)).argmax())
        chosen.append(pick)
        open_[pick] = False
        best = np.maximum(best, lengths[:, pick])
    return chosen
