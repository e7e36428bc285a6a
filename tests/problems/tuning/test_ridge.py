"""Ridge with a penalty a group: closed forms, golden numbers of two penalties, hypergradients, and searchers on it."""

import sys

import numpy as np
import pytest
import torch
from _tuning import by_differences, implicit, leaf, opened, searched

import mobench
from mobench import ContinuousNetwork, ContinuousSupernet, make_problem, nondominated
from mobench.problems._tuning import data as datasets
from mobench.problems._tuning.data import Data, Part
from mobench.problems._tuning.grid import Grid
from mobench.problems._tuning.ridge import Ridge
from mobench.testing import assert_passes, check_problem

SMALL = make_problem("tune_ridge:features=linear")
LARGE = make_problem("tune_ridge")
GOLDEN = Ridge(
    Data(
        Part(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]), np.array([1.0, 2.0, 3.0])),
        Part(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 2.0])),
        Part(np.array([[1.0, 2.0]]), np.array([3.0])),
        ("all",),
        np.array([0, 0]),
    )
)
"""The ridge of docs/problems/toys/bilevel_toys.md, whose upper level is half the mean squared error."""


def exact(problem, alpha):
    return {"w": leaf(problem.model.solve(alpha[None])[0])}


def analytic(model, alpha):
    """dF/dl_g = -e^l_g sum over the group of w* and H^-1 grad_w F, where F is the mean squared validation error."""
    data, w = model.data, model.solve(alpha[None])[0]
    X, X_v, penalties = data.train.inputs, data.valid.inputs, np.exp(alpha)[data.owners]
    slope = 2 * X_v.T @ (X_v @ w - data.valid.targets) / len(X_v)
    v = np.linalg.solve(X.T @ X / len(X) + np.diag(penalties), slope)
    return -np.bincount(data.owners, weights=penalties * w * v)


@pytest.mark.parametrize(
    ("l", "w", "F", "slope"),
    [
        (-2.0, (0.684442, 1.353228), 0.168562, -0.138199),
        (0.0, (0.410256, 0.948718), 0.133136, 0.372781),
        (-0.686526, None, 0.018125, 0.0),
    ],
)
def test_the_ridge_has_the_golden_weights_errors_and_slopes(l, w, F, slope):  # noqa: E741 - the card's symbol
    alpha = np.array([l])
    weights = GOLDEN.solve(alpha[None])
    if w is not None:
        np.testing.assert_allclose(weights[0], w, atol=5e-7)
    assert GOLDEN.error(weights, GOLDEN.data.valid)[0] / 2 == pytest.approx(F, abs=5e-7)
    assert analytic(GOLDEN, alpha)[0] / 2 == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("problem", [SMALL, LARGE], ids=["linear", "quadratic"])
def test_hypergradients_are_the_analytic_ones(problem):
    for alpha in problem.grid.alpha(problem.space.sample(np.random.default_rng(1), 3)):
        wanted = analytic(problem.model, alpha)
        np.testing.assert_allclose(implicit(problem, exact(problem, alpha), alpha), wanted, rtol=1e-8, atol=1e-8)


def test_the_analytic_hypergradient_is_that_of_differences():
    alpha = np.array([-2.0, -1.0, 0.5])
    np.testing.assert_allclose(by_differences(LARGE, alpha), analytic(LARGE.model, alpha), rtol=1e-6)


def test_exact_weights_are_stationary_and_losses_are_what_is_answered():
    network, x = opened(LARGE), np.array([[3, 9, 12]])
    alpha = LARGE.grid.alpha(x)[0]
    weights, p = exact(LARGE, alpha), torch.tensor(alpha)
    (slope,) = torch.autograd.grad(network.train_loss(weights, p, None), weights["w"])
    assert slope.abs().max() < 1e-12
    said = [network.valid_loss(weights, p, None).item(), *network.costs(p).tolist()]
    np.testing.assert_allclose(LARGE.evaluate(x).F[0], said, rtol=1e-10)
    assert network.discretise(p).tolist() == x.tolist()


def test_degrees_of_freedom_are_the_sum_of_shares_of_the_spectrum_under_one_penalty():
    alpha = np.full((1, 3), -1.5)
    X = LARGE.model.data.train.inputs
    d = np.linalg.svd(X, compute_uv=False) ** 2 / len(X)
    assert LARGE.model.costs(alpha, np.zeros((1, 64)))[0, 0] == pytest.approx((d / (d + np.exp(-1.5))).sum(), rel=1e-10)
    p = torch.tensor(alpha[0], requires_grad=True)
    assert torch.autograd.gradcheck(opened(LARGE).costs, p)


def test_the_front_is_that_of_the_whole_grid_by_test_errors():
    X, F = SMALL.front()
    everything = SMALL.score(SMALL.space.all())
    assert (everything[nondominated(everything)] == F).all()
    assert (SMALL.ranges[0] == everything.min(axis=0)).all()
    assert (SMALL.score(X) == F).all()
    assert (SMALL.evaluate(X).F[:, 0] != F[:, 0]).all()  # seen is not scored
    assert (SMALL.evaluate(X).F[:, 1] == F[:, 1]).all()


def test_parts_are_disjoint_standardised_by_the_training_rows_and_others_with_another_split():
    data = LARGE.model.data
    assert [len(part.targets) for part in (data.train, data.valid, data.test)] == [221, 110, 111]
    np.testing.assert_allclose(data.train.inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train.inputs.std(axis=0), 1, atol=1e-12)
    rows = np.concatenate([part.inputs for part in (data.train, data.valid, data.test)])
    assert len(np.unique(rows, axis=0)) == 442
    assert np.bincount(data.owners).tolist() == [10, 9, 45]
    assert make_problem("tune_ridge:split=1").fingerprint != LARGE.fingerprint
    with pytest.raises(ValueError, match="read-only"):
        data.train.inputs[0] = 0


def test_each_pass_is_charged_its_multiply_adds():
    till = []
    network = LARGE.supernet(charge=till.append, seed=0)
    weights = network.initial_weights()
    network.train_loss(weights, network.initial_alpha(), network.train_batch()).backward()
    network.valid_loss(weights, network.initial_alpha(), network.valid_batch())
    assert till == [221 * 64, 2 * 221 * 64, 110 * 64]
    assert LARGE.training.flops == pytest.approx(221 * 64**2 + 221 * 64 + 64**3 / 3 + 64**2 + 110 * 64)


def test_its_network_is_continuous_and_starts_by_address():
    assert isinstance(SMALL, ContinuousSupernet)
    assert isinstance(opened(SMALL), ContinuousNetwork)
    starts = [opened(SMALL, seed).initial_alpha().detach() for seed in (0, 0, 1)]
    assert (starts[0] == starts[1]).all()
    assert (starts[0] != starts[2]).all()
    with pytest.raises(ValueError, match="partial_channels"):
        opened(SMALL).initial_weights(partial_channels=2)


def test_the_grid_gives_back_its_rows_and_clips():
    grid = Grid(("a", "b"), (-9.0, -4.0), (3.0, 0.0), 17)
    X = grid.space.all()
    assert (grid.rows(grid.alpha(X)) == X).all()
    assert grid.rows(np.array([[-99.0, 99.0]])).tolist() == [[0, 16]]
    assert grid.decode(np.array([[12, 16]])) == ["a 1, b 1"]


def test_without_scikit_learn_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ValueError, match=r"'diabetes' comes with scikit-learn, .* pip install 'mobench\[live\]'"):
        datasets.load("diabetes")


def test_the_conformance_kit_passes():
    assert_passes(check_problem(lambda: make_problem("tune_ridge:features=linear")))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("implicit", {"inner_steps": 20, "products": 20, "alpha_rate": 0.2, "steps": 60}),
        ("unrolled", {"unroll": 20, "alpha_rate": 0.3, "steps": 40}),
        ("auxiliary", {"inner_steps": 20, "radius": 1.0, "steps": 30}),
    ],
)
def test_bilevel_searchers_come_near_the_least_validation_error(name, options):
    best, worst = (float(one(SMALL.evaluate(SMALL.space.all()).F[:, 0])) for one in (np.min, np.max))
    common = {"preference": 1.0, "learning_rate": 0.2, "momentum": 0.5, "weight_decay": 0.0, "finalists": 0}
    run = searched(name, SMALL, {"flops": 1e9}, **common, **options)
    found = SMALL.evaluate(run.recommended).F[0, 0]
    assert found - best < 0.02 * (worst - best)


@pytest.mark.parametrize("name", ["darts", "f2sa", "mgda"])
def test_every_searcher_of_a_plain_vector_trains_its_finalists_within_the_budget(name):
    result = mobench.run(name, "tune_ridge:features=linear", budget={"flops": 3e6}, seed=0)
    assert result.spent.evaluations >= 1
    assert result.hypervolume() > 0


def test_a_black_box_finds_most_of_the_front_on_the_grid():
    assert mobench.run("nsga2", "tune_ridge:features=linear", budget=300, seed=0).hypervolume() > 0.9
