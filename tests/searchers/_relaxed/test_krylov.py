"""Spectra, damping that fits them, and solves of indefinite systems, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mobench.searchers._relaxed import krylov
from mobench.searchers._relaxed import linear as linear
from mobench.searchers._relaxed.krylov import Polynomial, Spectrum
from mobench.searchers._relaxed.linear import Operator, Vector, Weights, dot

torch.set_num_threads(1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def with_eigenvalues(values: list[float], *, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    n = len(values)
    Q, _ = torch.linalg.qr(torch.randn((n, n), generator=generator(seed), dtype=torch.float64))
    return (Q @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ Q.T).to(dtype)


def split(v: Tensor) -> Vector:
    return {"a": v[:2].reshape(1, 2), "b": v[2:]}


def joined(v: Weights) -> Tensor:
    return torch.cat([v["a"].flatten(), v["b"]])


def multiplier(A: Tensor) -> Operator:
    return lambda v: split(A @ joined(v))


def vector(n: int, seed: int, dtype: torch.dtype = torch.float64) -> Vector:
    return split(torch.randn(n, generator=generator(seed), dtype=torch.float64).to(dtype))


SUPERNET = [-1.0, -0.6, *np.linspace(-0.3, 0.3, 34).tolist(), 0.9, 2.0, 6.0, 17.0]
"""Like a Hessian on a real supernet: a bulk around zero, some negative curvature, isolated large eigenvalues."""


@pytest.mark.parametrize("seed", range(4))
def test_both_ends_of_a_spectrum_are_found_within_their_bounds(seed: int) -> None:
    A = with_eigenvalues(SUPERNET, seed=seed)
    ends = krylov.spectrum(multiplier(A), split(A[0]), generator=generator(seed + 9), products=10)
    assert ends.products == 10
    assert ends.largest == pytest.approx(17.0, rel=1e-3)
    assert -1.0 <= ends.least <= -0.6
    assert ends.least - ends.below <= -1.0 + 0.1
    whole = krylov.spectrum(multiplier(A), split(A[0]), generator=generator(seed), products=100)
    assert whole.products <= 40  # an invariant space ends it
    assert (whole.least, whole.largest) == pytest.approx((-1.0, 17.0))


def test_a_space_that_is_exhausted_ends_the_recursion() -> None:
    A = torch.diag(torch.tensor([2.0, 2.0, 5.0, 5.0], dtype=torch.float64))
    ends = krylov.spectrum(multiplier(A), split(A[0]), generator=generator())
    assert (ends.least, ends.largest, ends.products) == (pytest.approx(2.0), pytest.approx(5.0), 2)
    assert krylov.spectrum(multiplier(0 * A), split(A[0]), generator=generator()).products == 1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("damping", [1.5, 4.0])
def test_an_indefinite_system_is_solved_with_the_damping_that_it_shows(seed: int, damping: float) -> None:
    A, b = with_eigenvalues(SUPERNET, seed=seed), vector(40, seed)
    solution, ends = krylov.solve(multiplier(A), b, damping=damping, iterations=40, tolerance=1e-8)
    shift = ends.damping(damping)
    assert shift == pytest.approx(damping, rel=0.2)
    assert not solution.indefinite
    exact = torch.linalg.solve(A + shift * torch.eye(40, dtype=torch.float64), joined(b))
    torch.testing.assert_close(joined(solution.x), exact, rtol=1e-6, atol=1e-7)
    rest = linear.norm(split(joined(b) - A @ joined(solution.x) - shift * joined(solution.x))) / linear.norm(b)
    assert solution.residual == pytest.approx(rest, abs=1e-9)


@pytest.mark.parametrize("iterations", [1, 3, 8])
def test_it_is_conjugate_gradients_on_positive_definite_systems(iterations: int) -> None:
    A, b = with_eigenvalues(list(np.linspace(0.5, 9.0, 12))), vector(12, 3)
    ours, _ = krylov.solve(multiplier(A), b, damping=1.5, iterations=iterations, tolerance=0.0)
    theirs = linear.conjugate_gradients(multiplier(A), b, iterations=iterations, tolerance=0.0)
    torch.testing.assert_close(joined(ours.x), joined(theirs.x))
    assert (ours.products, ours.residual) == (theirs.products, pytest.approx(theirs.residual))


def test_a_singular_system_has_the_shortest_answer_and_an_undamped_indefinite_one_says_so() -> None:
    A = with_eigenvalues([0.0, 0.0, 1.0, 3.0])
    b = vector(4, 1)
    solution, _ = krylov.solve(multiplier(A), b, damping=1.5, iterations=10)
    torch.testing.assert_close(joined(solution.x), torch.linalg.pinv(A) @ joined(b))
    assert not solution.indefinite
    B = with_eigenvalues([-1.0, -0.5, 1.0, 3.0])
    undamped, _ = krylov.solve(multiplier(B), b, damping=0.0, iterations=10)
    assert undamped.indefinite
    assert undamped.residual > 0.1
    nothing, _ = krylov.solve(multiplier(A), split(0 * joined(b)), damping=1.5, iterations=10)
    assert (nothing.products, nothing.residual) == (0, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_fitting_polynomial_solves_every_right_hand_side_to_its_tolerance(seed: int) -> None:
    A = with_eigenvalues(SUPERNET, seed=seed)
    ends = krylov.spectrum(multiplier(A), split(A[0]), generator=generator(seed))
    polynomial = Polynomial.fitting(ends, damping=1.5, products=40)
    assert polynomial.shift == pytest.approx(1.5, rel=0.2)
    assert polynomial.degree < 40
    for b in (vector(40, seed), vector(40, seed + 50), split(A[0] * 1e3)):
        solution = polynomial.solve(multiplier(A), b)
        rest = linear.norm(split(joined(b) - A @ joined(solution.x) - polynomial.shift * joined(solution.x)))
        assert solution.residual == pytest.approx(rest / linear.norm(b))
        assert solution.residual < 2e-3
        assert solution.products == polynomial.degree
        assert not solution.indefinite


@pytest.mark.parametrize("degree", [1, 2, 7])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_however_coarse_it_is_symmetric(degree: int, dtype: torch.dtype) -> None:
    """``a . P b = b . P a``: why the promised slope is the true one. Two conjugate gradients miss it by far."""
    A = with_eigenvalues(SUPERNET, dtype=dtype)
    ends = krylov.spectrum(multiplier(A), split(A[0]), generator=generator())
    polynomial = Polynomial.fitting(ends, damping=1.5, products=degree)
    assert polynomial.degree == degree
    a, b = vector(40, 1, dtype), vector(40, 2, dtype)
    scale = linear.norm(a) * linear.norm(b)
    pairs = [dot(one, polynomial.solve(multiplier(A), other).x) / scale for one, other in ((a, b), (b, a))]
    assert pairs[0] == pytest.approx(pairs[1], abs=1e-13 if dtype == torch.float64 else 3e-6)
    if degree == 2:
        shifted = multiplier(A + polynomial.shift * torch.eye(40, dtype=dtype))
        x, y = (linear.conjugate_gradients(shifted, v, iterations=2).x for v in (a, b))
        assert abs(dot(a, y) - dot(b, x)) / scale > 1e-3


def test_a_spectrum_beyond_the_interval_is_said() -> None:
    A, b = with_eigenvalues(SUPERNET), vector(40, 1)
    wrong = Polynomial.fitting(Spectrum(-0.1, 2.0, 0.0, 0.0, 0), damping=1.5, products=20)
    solution = wrong.solve(multiplier(A), b)
    assert solution.indefinite
    assert solution.residual > 1.0


def test_a_matrix_that_is_zero_or_a_multiple_of_one_has_its_own_polynomial() -> None:
    zero = Polynomial.fitting(Spectrum(0.0, 0.0, 0.0, 0.0, 1), damping=1.5, products=20)
    solution = zero.solve(multiplier(torch.zeros(4, 4, dtype=torch.float64)), vector(4, 0))
    assert (solution.residual, solution.indefinite, float(joined(solution.x).norm())) == (1.0, True, 0.0)
    three = Polynomial.fitting(Spectrum(3.0, 3.0, 0.0, 0.0, 1), damping=1.5, products=20)
    b = vector(4, 0)
    exact = three.solve(multiplier(3.0 * torch.eye(4, dtype=torch.float64)), b)
    torch.testing.assert_close(joined(exact.x), joined(b) / 3.0)
    assert exact.products == 1
