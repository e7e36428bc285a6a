"""Steepest directions in a ball under linear constraints: by hand, by duality, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from mobench.searchers._relaxed.ball import steepest, steepest_free


def double(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("ball", "h", "rows", "room", "d"),
    [
        ("2", [1, 1], [[-1, 0]], [0.2], [-0.2, -(0.96**0.5)]),
        ("2", [3, 4], [[-1, 0]], [0.7], [-0.6, -0.8]),  # the constraint does not bind
        ("2", [1, 0], [[-1, 0]], [0.5], [-0.5, 0]),  # and the ball does not either
        ("2", [1, 1], [[-1, 0], [0, -1]], [0.1, 0.2], [-0.1, -0.2]),
        ("2", [1, 0], [[0, 1]], [-0.6], [-0.8, -0.6]),  # first back to what is allowed
        ("2", [0, 0], [[0, 2]], [-1], [0, -0.5]),
        ("inf", [1, 2], [[-1, -1]], [0.5], [0.5, -1]),
        ("inf", [1, 2], [[1, 0]], [-0.5], [-1, -1]),
        ("1", [1, 2], [[0, -1]], [0.25], [-0.75, -0.25]),
        ("2", [0, 1], [[1, 0]], [-2], [-1, 0]),  # out of reach: straight back
        ("inf", [0, 1], [[1, 0]], [-2], [-1, 0]),
        ("1", [0, 1], [[3, 1]], [-5], [-1, 0]),
    ],
)
def test_programs_solved_by_hand(ball: str, h: object, rows: object, room: object, d: object) -> None:
    found = steepest(double(h), ball, rows=double(rows), room=double(room))  # type: ignore[arg-type]
    assert found.tolist() == pytest.approx(d, abs=1e-6)


@given(st.integers(0, 10**6), st.sampled_from(["2", "inf", "1"]))
@settings(max_examples=60)
def test_directions_agree_with_sequential_quadratic_programming(seed: int, ball: str) -> None:
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(2, 7)), int(rng.integers(1, 4))
    h, G = rng.normal(size=n), rng.normal(size=(k, n))
    b = rng.uniform(0.0, 1.0, k) * np.linalg.norm(G, axis=1) - rng.uniform(0.0, 0.1)
    d = steepest(double(h), ball, rows=double(G), room=double(b)).numpy()  # type: ignore[arg-type]
    length = {"2": np.linalg.norm(d), "inf": np.abs(d).max(), "1": np.abs(d).sum()}[ball]
    assert length <= 1 + 1e-7
    if (G @ d > b + 1e-7).any():  # not to be met within the ball
        assert (b < 0).any()
        return
    if ball == "2":
        inside = [{"type": "ineq", "fun": lambda x: 1.0 - x @ x, "jac": lambda x: -2.0 * x}]
        theirs = minimize(
            lambda x: h @ x,
            0.5 * d,
            jac=lambda x: h,
            method="SLSQP",
            constraints=[*inside, {"type": "ineq", "fun": lambda x: b - G @ x, "jac": lambda x: -G}],
            options={"maxiter": 500, "ftol": 1e-12},
        )
        if theirs.success:
            assert h @ d == pytest.approx(theirs.fun, abs=1e-6)
    # no feasible point of many is better
    X = rng.normal(size=(500, n))
    lengths = {"2": np.linalg.norm(X, axis=1), "inf": np.abs(X).max(axis=1), "1": np.abs(X).sum(axis=1)}[ball]
    X *= (rng.uniform(size=500) ** (1 / n) / lengths)[:, None]
    allowed = (X @ G.T <= b).all(axis=1)
    assert (X[allowed] @ h >= h @ d - 1e-7).all()


def test_without_constraints_that_bind_the_direction_is_the_free_one() -> None:
    h = double([[1.0, -2.0], [0.5, 0.0]])
    for ball in ("2", "inf", "1"):
        free = steepest_free(h, ball)
        far = steepest(h, ball, rows=torch.ones(1, 4, dtype=torch.float64), room=double([10.0]))
        assert far.tolist() == free.tolist() == steepest(h, ball).tolist()
        assert not steepest_free(torch.zeros(2, 3), ball).any()
