"""Spectra of a symmetric matrix, damping that fits them, and solves that stay right where the matrix is indefinite."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mobench import Array
from mobench.searchers._relaxed.linear import (
    Operator,
    Solution,
    Vector,
    Weights,
    norm,
    plus,
    random_vector,
    times,
)

SPECTRUM = 10
"""Products behind an estimate of both ends of a spectrum."""
TOLERANCE, COARSE = 1e-3, 0.1
"""Relative residual up to which a polynomial solves where its products suffice, and where they do not."""


@dataclass(frozen=True)
class Spectrum:
    """Both ends of a matrix's spectrum, as far as some products tell.

    Attributes
    ----------
    least, largest : float
        The outermost Ritz values: the true ends lie beyond them.
    below, above : float
        How far off an eigenvalue next to each may be: the Ritz vectors' residuals.
    products : int
        What it cost.
    """

    least: float
    largest: float
    below: float
    above: float
    products: int

    def damping(self, factor: float) -> float:
        """What is added to the matrix: `factor` times the magnitude of its least eigenvalue where that is negative."""
        return factor * max(-self.least, 0.0)


@dataclass(frozen=True)
class Tridiagonal:
    """A matrix seen from a Krylov space: ``A V = V T + off[-1] v e'``.

    Attributes
    ----------
    basis : Tensor
        V transposed, (k, n): orthonormal rows.
    diagonal, off : Array
        (k,) of T; the last of `off` leads out of the space, 0 where the space is invariant.
    """

    basis: Tensor
    diagonal: Array
    off: Array

    @property
    def T(self) -> Array:
        """(k, k)."""
        inner = self.off[:-1]
        matrix: Array = np.diag(self.diagonal) + np.diag(inner, 1) + np.diag(inner, -1)
        return matrix

    def spectrum(self) -> Spectrum:
        """The ends that the space shows."""
        values, vectors = np.linalg.eigh(self.T)
        residuals = abs(self.off[-1] * vectors[-1])
        return Spectrum(
            float(values[0]), float(values[-1]), float(residuals[0]), float(residuals[-1]), len(self.diagonal)
        )


class _Lanczos:
    """Lanczos's recursion with full orthogonalisation, a product a step: rounding must not double what it found."""

    def __init__(self, multiply: Operator, b: Weights) -> None:
        self._multiply, self._like = multiply, b
        flat = torch.cat([value.detach().flatten() for value in b.values()])
        self.length = float(flat.norm())
        self._next = flat / self.length if self.length else flat
        self._rows: list[Tensor] = []
        self._diagonal: list[float] = []
        self._off: list[float] = []
        self.ended = self.length == 0.0

    def step(self) -> None:
        """Take one product; `ended` afterwards where nothing new is left."""
        v = self._next
        self._rows.append(v)
        q = torch.cat([value.flatten() for value in self._multiply(shaped(v, self._like)).values()])
        self._diagonal.append(float(q @ v))
        V = torch.stack(self._rows)
        for _ in range(2):
            q = q - V.T @ (V @ q)
        off = float(q.norm())
        size = max(map(abs, (*self._diagonal, *self._off)))
        self.ended = len(self._rows) == len(v) or not off > 10 * torch.finfo(v.dtype).eps * size
        self._off.append(0.0 if self.ended else off)
        self._next = v if self.ended else q / off

    def found(self) -> Tridiagonal:
        """What is known after the steps so far, at least one."""
        return Tridiagonal(torch.stack(self._rows), np.array(self._diagonal), np.array(self._off))


def shaped(flat: Tensor, like: Weights) -> Vector:
    """A vector (n,) by the names and in the shapes of `like`."""
    parts = torch.split(flat, [value.numel() for value in like.values()])
    return {name: part.view(value.shape) for (name, value), part in zip(like.items(), parts, strict=True)}


def spectrum(multiply: Operator, like: Weights, *, generator: torch.Generator, products: int = SPECTRUM) -> Spectrum:
    """Both ends of a spectrum, by Lanczos's method from a random vector in the shapes of `like`."""
    lanczos = _Lanczos(multiply, random_vector(like, generator))
    while not lanczos.ended and len(lanczos._rows) < products:
        lanczos.step()
    return lanczos.found().spectrum()


def solve(
    multiply: Operator, b: Weights, *, damping: float, iterations: int, tolerance: float = 1e-3
) -> tuple[Solution, Spectrum]:
    """Solve ``(A + delta I) x = b`` with ``delta = damping |lambda_min|`` where A has negative eigenvalues, else 0.

    The solution is Galerkin's in the Krylov space of A and b, which is that of conjugate gradients where these exist
    (Paige and Saunders 1975). A shift leaves the space as it is, so the same products show lambda_min and solve.
    Directions of the space along which the shifted matrix is not positive are left out, and `Solution.indefinite`
    says so.

    Parameters
    ----------
    iterations : int
        Most products.
    tolerance : float
        Enough for ``||b - (A + delta I) x|| / ||b||``.
    """
    lanczos = _Lanczos(multiply, b)
    if lanczos.ended:
        return Solution(times(b, 0.0), 0, 0.0), Spectrum(0.0, 0.0, 0.0, 0.0, 0)
    rounding = max(torch.finfo(value.dtype).eps for value in b.values())
    for _ in range(iterations):
        lanczos.step()
        seen = lanczos.found()
        ends = seen.spectrum()
        y, residual, left_out = _galerkin(seen, ends.damping(damping), 100 * rounding)
        if lanczos.ended or residual <= tolerance:
            break
    x = shaped((lanczos.length * torch.as_tensor(y).to(seen.basis)) @ seen.basis, b)
    return Solution(x, ends.products, residual, indefinite=left_out), ends


def _galerkin(seen: Tridiagonal, shift: float, rounding: float) -> tuple[Array, float, bool]:
    """Coordinates of the solution for a unit right-hand side, its residual, and whether negative curvature is left out.

    What is zero up to rounding is left out, too: the solution is the shortest.
    """
    values, vectors = np.linalg.eigh(seen.T + shift * np.eye(len(seen.diagonal)))
    zero = rounding * max(abs(values).max(), np.finfo(float).tiny)
    kept = values > zero
    y: Array = vectors[:, kept] @ (vectors[0, kept] / values[kept])
    lost = vectors[0, ~kept]  # e_1 along what is left out
    residual = math.hypot(float(np.linalg.norm(lost)), float(seen.off[-1] * y[-1]))
    return y, residual, bool((values < -zero).any())


@dataclass(frozen=True)
class Polynomial:
    """A fixed polynomial P that is close to ``1 / (lambda + shift)`` on a spectrum: ``P(A) b`` for any b.

    Since P is the same for every right-hand side and P(A) is symmetric, ``a . P(A) b = b . P(A) a`` holds exactly,
    however coarse the solve is. Conjugate gradients have another polynomial for each right-hand side. Taken along from
    one to another, theirs is steep next to isolated eigenvalues, so rounding makes it useless; Chebyshev's, the least
    largest residual on an interval, is not (Golub and Varga 1961).

    Attributes
    ----------
    low, high : float
        The interval of the shifted spectrum.
    shift : float
        Added to the matrix.
    degree : int
        Products of each application.
    """

    low: float
    high: float
    shift: float
    degree: int

    @classmethod
    def fitting(cls, ends: Spectrum, *, damping: float, products: int, tolerance: float = TOLERANCE) -> Polynomial:
        """The polynomial of least degree that solves to `tolerance`, or of degree `products` if that does not.

        Eigenvalues that so few products do not solve even to `COARSE` lie below the interval: they are damped.
        """
        shift = ends.damping(damping)
        high = ends.largest + ends.above + shift
        if not high > 0.0:
            return cls(0.0, 0.0, shift, 0)
        digits = math.acosh(1.0 / tolerance)
        resolved = high * (math.acosh(1.0 / COARSE) / (2.0 * products)) ** 2  # 2 / sqrt(condition) a product
        low = min(max(ends.least - ends.below + shift, resolved), high)
        ratio = (high + low) / (high - low) if low < high else math.inf
        degree = 1 if math.isinf(ratio) else math.ceil(digits / math.acosh(ratio))
        return cls(low, high, shift, min(degree, products))

    def solve(self, multiply: Operator, b: Weights) -> Solution:
        """``P(A) b`` by Chebyshev's semi-iteration; its residual is exact.

        `Solution.indefinite` says that the residual has grown: the spectrum reaches beyond the interval.
        """
        x, r, length = times(b, 0.0), {name: value.detach().clone() for name, value in b.items()}, norm(b)
        if not self.degree or not length:
            return Solution(x, 0, float(length > 0.0), indefinite=length > 0.0)
        middle, half = (self.high + self.low) / 2.0, (self.high - self.low) / 2.0
        d, rho = times(r, 1.0 / middle), half / middle
        for k in range(self.degree):
            if k:
                rho, before = 1.0 / (2.0 * middle / half - rho) if half else 0.0, rho
                d = plus(times(d, rho * before), r, 2.0 * rho / half if half else 1.0 / middle)
            x = plus(x, d)
            r = plus(plus(r, multiply(d), -1.0), d, -self.shift)
        residual = norm(r) / length
        return Solution(x, self.degree, residual, indefinite=residual > 1.0)
