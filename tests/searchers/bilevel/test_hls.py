"""Hyper local search: its linear program against known slopes, its line search, and what it tunes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from _toy_runs import check_resuming, toy
from _tuning import searched

from mobench import make_problem
from mobench.searchers.bilevel.hls import longest_fall, program, stationarity

A0 = (0.5, -0.5)
H = np.array([-2.072449, -2.784694])
"""Hypergradient of the quadratic toy at A0 (docs/problems/toys/bilevel_toys.md)."""


def at_the_response():
    """Gradient of the upper level by alpha and w, and the rows of the lower level's Hessian, at exact weights."""
    network = toy("quadratic").supernet(charge=lambda flops: None, seed=0)
    alpha = torch.tensor(A0, dtype=torch.float64, requires_grad=True)
    w = torch.tensor(np.linalg.solve([[2, 0.5], [0.5, 1]], [1.5, 0.0]), requires_grad=True)
    upper = network.valid_loss({"w": w}, alpha, None)
    cost = np.concatenate([g.numpy() for g in torch.autograd.grad(upper, [alpha, w])])
    return cost, stationarity(lambda weights, p: network.train_loss(weights, p, None), {"w": w}, alpha, most=9)


def test_rows_are_the_mixed_and_the_second_derivatives():
    _, rows = at_the_response()
    np.testing.assert_allclose(rows, [[-1, 0, 2, 0.5], [-1, -1, 0.5, 1]], atol=1e-12)


def test_with_room_for_the_weights_the_slope_is_the_one_norm_of_the_hypergradient_and_its_signs_the_direction():
    cost, rows = at_the_response()
    x, slope = program(cost, rows, bounds=np.array([1.0, 1.0, 100.0, 100.0]), slack=1e-9)
    step = x / np.abs(x[:2]).max()
    np.testing.assert_allclose(step[:2], -np.sign(H), atol=1e-6)
    np.testing.assert_allclose(rows @ step, 0, atol=1e-8)
    assert slope / np.linalg.norm(x) * np.linalg.norm(step) == pytest.approx(-4.857143, abs=1e-5)
    assert np.linalg.norm(x) == pytest.approx(1.0)


def test_a_box_that_binds_the_weights_turns_the_direction():
    cost, rows = at_the_response()
    x, slope = program(cost, rows, bounds=np.array([1.0, 1.0, 1.0, 1.0]), slack=1e-9)
    assert not np.allclose(x[:2] / np.abs(x[:2]).max(), -np.sign(H))
    assert -np.linalg.norm(H) < slope < 0


def test_drawn_rows_are_rows_of_the_whole():
    network = make_problem("tune_ridge").supernet(charge=lambda flops: None, seed=0)
    weights, alpha = network.initial_weights(), network.initial_alpha()

    def rows(most):
        generator = torch.Generator().manual_seed(0)
        lower = lambda weights, p: network.train_loss(weights, p, None)  # noqa: E731
        return stationarity(lower, weights, alpha, most=most, generator=generator)

    whole, few = rows(64), rows(10)
    assert (whole.shape, few.shape) == ((64, 67), (10, 67))
    assert (few[:, None] == whole[None]).all(axis=2).any(axis=1).all()


@pytest.mark.parametrize("least", [0.03, 0.1, 0.37, 5.0, 40.0])
def test_the_line_search_finds_the_least_value_however_far(least):
    assert longest_fall(lambda t: (t - least) ** 2, 0.1) == pytest.approx(least, rel=0.02, abs=1e-3)


def test_the_line_search_stays_where_nothing_falls():
    assert longest_fall(lambda t: t, 0.1) == 0.0


@pytest.mark.parametrize("reference", ["tune_ridge:features=linear", "tune_elastic_net:columns=false"])
def test_it_tunes_penalties_to_the_least_validation_error(reference):
    problem = make_problem(reference)
    errors = problem.evaluate(problem.space.all()).F[:, 0]
    options = {"preference": 1.0, "learning_rate": 0.2, "weight_decay": 0.0, "finalists": 0, "steps": 25}
    run = searched("hls", problem, {"flops": 1e9}, **options)
    found = problem.evaluate(run.recommended).F[0, 0]
    assert found - errors.min() < 0.01 * (errors.max() - errors.min())


def test_it_finds_the_optimum_of_the_ridge_toy():
    """log-penalty -.686526, F = .018125 (docs/problems/toys/bilevel_toys.md)."""
    problem = toy("ridge")
    options = {"learning_rate": 0.3, "momentum": 0.5, "weight_decay": 0.0, "finalists": 0, "preferences": 1}
    run = searched("hls", problem, {"flops": 1e6}, steps=60, **options)
    assert problem.alpha(run.recommended)[0, 0] == pytest.approx(-0.686526, abs=0.01)
    assert problem.score(run.recommended)[0, 0] == pytest.approx(0.018125, abs=1e-5)


def test_a_killed_run_goes_on_to_the_same_log(tmp_path: Path):
    options = {"learning_rate": 0.3, "steps": 20, "preferences": 2, "inner_steps": 3, "finalists": 2, "rows": 10}
    check_resuming("hls", options, 7, tmp_path)
