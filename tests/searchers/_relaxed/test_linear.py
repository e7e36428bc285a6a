"""Linear algebra over weights: symmetry, oracles of numpy, limits, and the pitfalls of conjugate gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mobench.searchers._relaxed import linear as linear

torch.set_num_threads(1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def double(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def matrix(seed: int, n: int = 5, least: float = 0.2) -> torch.Tensor:
    """A random symmetric positive definite (n, n) matrix."""
    M = torch.randn((n, n), generator=generator(seed), dtype=torch.float64)
    return M @ M.T / n + least * torch.eye(n, dtype=torch.float64)


def split(x: torch.Tensor) -> linear.Vector:
    return {"a": x[:2].reshape(2, 1), "b": x[2:]}


def joined(x: linear.Weights) -> torch.Tensor:
    return torch.cat([x["a"].flatten(), x["b"]])


def multiplier(A: torch.Tensor) -> linear.Operator:
    return lambda v: split(A @ joined(v))


def net(weights: linear.Weights, alpha: torch.Tensor) -> torch.Tensor:
    """A small smooth net whose loss mixes weights and alpha in every way."""
    x = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(6, 2)
    y = torch.tanh(x @ weights["a"]).flatten() * alpha[0] + (x @ weights["b"][:2]) * alpha[1]
    return ((y - weights["b"][2] - torch.sin(x[:, 0])) ** 2).mean() + 0.01 * linear.pairing(weights, weights)


def point(seed: int) -> tuple[linear.Vector, torch.Tensor]:
    draws = torch.randn(7, generator=generator(seed), dtype=torch.float64)
    return linear.detached(split(draws[:5])), draws[5:].clone().requires_grad_()


@given(st.integers(0, 10**6))
def test_hessian_products_are_symmetric_and_equal_autograds_hessian(seed: int) -> None:
    weights, alpha = point(seed)
    slope = linear.gradient(net(weights, alpha), weights, graph=True)
    multiply = linear.product(slope, weights, damping=0.3)
    u, v = (linear.random_vector(weights, generator(seed + k)) for k in (1, 2))
    assert linear.dot(u, multiply(v)) == pytest.approx(linear.dot(v, multiply(u)), rel=1e-10, abs=1e-12)
    H = torch.autograd.functional.hessian(lambda w: net(split(w), alpha), joined(linear.detached(weights)))
    assert torch.allclose(joined(multiply(v)), H @ joined(v) + 0.3 * joined(v), atol=1e-12)


@given(st.integers(0, 10**6))
def test_mixed_products_agree_with_each_other_and_with_differences(seed: int) -> None:
    weights, alpha = point(seed)
    v, d = (
        linear.random_vector(weights, generator(seed + 1)),
        linear.random_vector({"d": alpha}, generator(seed + 2))["d"],
    )
    slope = linear.gradient(net(weights, alpha), weights, graph=True)
    exact = linear.mixed_product(slope, alpha, v)
    assert torch.allclose(linear.mixed_difference(net, weights, alpha, v, radius=1e-4), exact, atol=1e-6)
    transposed = linear.mixed_transposed(net, weights, alpha, d)
    assert linear.dot(v, transposed) == pytest.approx(float(exact @ d), rel=1e-9, abs=1e-12)
    h = 1e-6
    ends = [linear.gradient(net(weights, (alpha + s * h * d).detach()), weights) for s in (1, -1)]
    assert torch.allclose(joined(transposed), (joined(ends[0]) - joined(ends[1])) / (2 * h), atol=1e-6)


def test_the_mixed_difference_is_exact_for_quadratics_and_zero_for_a_zero_vector() -> None:
    B = torch.randn((5, 2), generator=generator(1), dtype=torch.float64)
    A = matrix(2)

    def f(w: linear.Weights, alpha: torch.Tensor) -> torch.Tensor:
        x = joined(w)
        return x @ A @ x / 2 - x @ B @ alpha

    weights, alpha = point(3)
    v = linear.random_vector(weights, generator(4))
    assert torch.allclose(linear.mixed_difference(f, weights, alpha, v), -B.T @ joined(v), atol=1e-12)
    assert (linear.mixed_difference(f, weights, alpha, linear.times(v, 0.0)) == 0).all()


def test_what_a_loss_does_not_depend_on_has_zero_derivatives() -> None:
    weights, alpha = point(0)
    for loss in (lambda w, a: w["a"].sum() ** 2, lambda w, a: (a**2).sum(), lambda w, a: torch.zeros(())):
        slope = linear.gradient(loss(weights, alpha), weights, graph=True)
        v = linear.random_vector(weights, generator())
        assert (linear.product(slope, weights)(v)["b"] == 0).all()
        assert (linear.mixed_product(slope, alpha, v) == 0).all()
        assert (linear.mixed_transposed(loss, weights, alpha, torch.ones_like(alpha))["a"] == 0).all()
    assert (linear.by_alpha(weights["a"].sum(), alpha) == 0).all()


@given(st.integers(0, 10**6))
def test_conjugate_gradients_solve_n_equations_in_n_products(seed: int) -> None:
    A, b = matrix(seed), torch.randn(5, generator=generator(seed + 1), dtype=torch.float64)
    solution = linear.conjugate_gradients(multiplier(A), split(b), iterations=12, tolerance=1e-10)
    assert torch.allclose(joined(solution.x), torch.linalg.solve(A, b), atol=1e-6)
    assert solution.residual <= 1e-10
    assert solution.products <= 10
    assert not solution.indefinite


def test_conjugate_gradients_return_the_newest_iterate_at_convergence() -> None:
    """Defect of a known library: the iterate before the last is returned. Here the first is exact, and 0 is not."""
    b = double([1.0, 2.0, 3.0, 4.0, 5.0])
    solution = linear.conjugate_gradients(multiplier(2 * torch.eye(5, dtype=torch.float64)), split(b), iterations=50)
    assert torch.equal(joined(solution.x), b / 2)
    assert solution.products == 1


def test_conjugate_gradients_stop_at_nonpositive_curvature() -> None:
    A = torch.diag(double([1.0, 2.0, 3.0, 4.0, -9.0]))
    b = double([1.0, 1.0, 1.0, 1.0, 1e-3])
    solution = linear.conjugate_gradients(multiplier(A), split(b), iterations=50, tolerance=1e-12)
    assert solution.indefinite
    assert torch.isfinite(joined(solution.x)).all()
    first = linear.conjugate_gradients(multiplier(-A), split(b))
    assert first.indefinite
    assert (joined(first.x) == 0).all()
    zero = linear.conjugate_gradients(multiplier(0 * A), split(b))
    assert zero.indefinite


def test_conjugate_gradients_start_where_they_are_told_and_end_at_once_where_nothing_is_to_do() -> None:
    A, b = matrix(1), double([1.0, -1.0, 2.0, 0.0, 1.0])
    x = split(torch.linalg.solve(A, b))
    solution = linear.conjugate_gradients(multiplier(A), split(b), start=x, tolerance=1e-10)
    assert solution.products == 1  # the residual of the start
    assert torch.equal(joined(solution.x), joined(x))
    nothing = linear.conjugate_gradients(multiplier(A), split(0 * b))
    assert (nothing.products, nothing.residual) == (0, 0.0)


def test_conjugate_gradients_solve_a_singular_consistent_system() -> None:
    A = torch.ones((2, 2), dtype=torch.float64)  # the lower level of the toy with many minima
    solution = linear.conjugate_gradients(
        lambda v: {"w": A @ v["w"]}, {"w": double([1.0, 1.0])}, iterations=50, tolerance=1e-12
    )
    assert solution.x["w"].tolist() == [0.5, 0.5]


@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_neumann_and_conjugate_gradients_agree_in_the_limit(seed: int) -> None:
    A, b = matrix(seed), torch.randn(5, generator=generator(seed + 1), dtype=torch.float64)
    step = 1.0 / float(torch.linalg.eigvalsh(A)[-1])
    series = linear.neumann(multiplier(A), split(b), step=step, terms=1500)
    solved = linear.conjugate_gradients(multiplier(A), split(b), iterations=20, tolerance=1e-12)
    assert torch.allclose(joined(series.x), joined(solved.x), atol=1e-6)


def test_neumann_sums_one_term_more_than_it_takes_products() -> None:
    A, b, eta = matrix(3), double([1.0, 2.0, 3.0, 4.0, 5.0]), 0.1
    M = torch.eye(5, dtype=torch.float64) - eta * A
    found = linear.neumann(multiplier(A), split(b), step=eta, terms=2)
    assert torch.allclose(joined(found.x), eta * (b + M @ b + M @ M @ b))
    assert found.products == 2
    assert torch.allclose(joined(linear.neumann(multiplier(A), split(b), step=eta, terms=0).x), eta * b)


@given(st.integers(0, 10**6))
def test_power_iteration_finds_the_largest_eigenvalue_with_its_sign(seed: int) -> None:
    A = matrix(seed) * (-1) ** seed
    largest = linear.largest_eigenvalue(
        multiplier(A), split(A[0]), generator=generator(seed), iterations=3000, tolerance=1e-13
    )
    values = torch.linalg.eigvalsh(A)
    assert largest == pytest.approx(float(values[values.abs().argmax()]), rel=1e-3)
    assert linear.largest_eigenvalue(multiplier(0 * A), split(A[0]), generator=generator()) == 0.0


def test_the_golden_eigenvalue_of_the_quadratic_toy() -> None:
    A = double([[2, 0.5], [0.5, 1]])
    found = linear.largest_eigenvalue(
        lambda v: {"w": A @ v["w"]}, {"w": A[0]}, generator=generator(1), iterations=100, tolerance=1e-12
    )
    assert found == pytest.approx(2.207107, abs=1e-6)


@pytest.mark.parametrize(
    ("log_penalty", "w", "F", "slope"),
    [
        (-2.0, (0.684442, 1.353228), 0.168562, -0.138199),
        (-1.0, None, 0.033470, -0.089621),
        (0.0, (0.410256, 0.948718), 0.133136, 0.372781),
        (1.0, None, 0.844745, 0.994536),
        (-0.686526, None, 0.018125, 0.0),
    ],
)
@pytest.mark.parametrize("solver", ["cg", "neumann"])
def test_the_ridge_toys_hypergradient(
    log_penalty: float, w: tuple[float, float] | None, F: float, slope: float, solver: str
) -> None:
    """T2: one regularisation parameter, exact weights; equal to finite differences of the solved lower level."""
    X, y = double([[1, 0], [1, 1], [0, 2]]), double([1, 2, 3])
    Xv, yv = double([[1, 2], [2, 1]]), double([3, 2])

    def solved(level: float) -> torch.Tensor:
        return torch.linalg.solve(X.T @ X / 3 + math.exp(level) * torch.eye(2, dtype=torch.float64), X.T @ y / 3)

    def upper(weights: torch.Tensor) -> torch.Tensor:
        return ((Xv @ weights - yv) ** 2).mean() / 2

    alpha = double(log_penalty).requires_grad_()
    weights = {"w": solved(log_penalty).requires_grad_()}
    f = ((X @ weights["w"] - y) ** 2).mean() / 2 + alpha.exp() * (weights["w"] ** 2).sum() / 2
    u = linear.gradient(upper(weights["w"]), weights)
    gradients = linear.gradient(f, weights, graph=True)
    multiply = linear.product(gradients, weights)
    if solver == "cg":
        v = linear.conjugate_gradients(multiply, u, tolerance=1e-14).x
    else:
        v = linear.neumann(multiply, u, step=0.3 if log_penalty < 1 else 0.15, terms=400).x
    h = -float(linear.mixed_product(gradients, alpha, v))
    assert float(upper(weights["w"].detach())) == pytest.approx(F, abs=1e-6)
    assert h == pytest.approx(slope, abs=2e-6)
    if w is not None:
        assert weights["w"].tolist() == pytest.approx(w, abs=1e-6)
    step = 1e-6
    difference = float(upper(solved(log_penalty + step)) - upper(solved(log_penalty - step))) / (2 * step)
    assert h == pytest.approx(difference, abs=1e-9)


def test_norms_are_numpys() -> None:
    v = linear.random_vector({"a": torch.zeros(3, 2), "b": torch.zeros(4)}, generator(3))
    flat = np.concatenate([x.numpy().ravel() for x in v.values()])
    assert linear.norm(v) == pytest.approx(np.linalg.norm(flat), rel=1e-6)
