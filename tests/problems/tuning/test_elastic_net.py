"""The elastic net with a penalty a group: optimal weights, scikit-learn's, smooth losses, hypergradients, searchers."""

import numpy as np
import pytest
import torch
from _tuning import by_differences, implicit, leaf, opened, searched
from sklearn.linear_model import ElasticNet as Theirs

import mobench
from mobench import Supernet, make_problem
from mobench.testing import assert_passes, check_problem

COUNTED = make_problem("tune_elastic_net")
LEARNED = make_problem("tune_elastic_net:columns=false")
MODEL = LEARNED.model
ALPHAS = [(-4.0, -3.0, -2.5, -4.0), (-6.0, -1.5, -3.0, -2.0), (-1.0, -5.0, -6.0, -6.5)]


def factors(w):
    """The least u and v whose product is w."""
    return {"u": leaf(np.sqrt(np.abs(w))), "v": leaf(np.sign(w) * np.sqrt(np.abs(w)))}


def test_weights_are_optimal_on_the_whole_grid():
    """A correlation is its penalty with the weight's sign where a column is in use, and no more where it is not."""
    alpha = COUNTED.grid.alpha(COUNTED.space.all())
    w, (first, second) = MODEL.solve(alpha), (np.exp(alpha[:, :-1])[:, MODEL.data.owners], np.exp(alpha[:, -1:]))
    X, y, n = MODEL.data.train.inputs, MODEL.data.train.targets, len(MODEL.data.train.targets)
    correlations = (y - w @ X.T) @ X / n - second * w
    np.testing.assert_allclose(correlations[w != 0], (first * np.sign(w))[w != 0], atol=1e-12)
    assert (np.abs(correlations) <= first + 1e-10).all()
    assert not w[(COUNTED.space.all()[:, :3] == 10).all(axis=1)].any()


@pytest.mark.parametrize(("first", "second"), [(0.1, 0.05), (0.3, 0.001), (0.01, 0.5)])
def test_under_one_penalty_the_weights_are_those_of_scikit_learn(first, second):
    theirs = Theirs(alpha=first + second, l1_ratio=first / (first + second), tol=1e-14, max_iter=100_000)
    theirs.fit(MODEL.data.train.inputs, MODEL.data.train.targets)
    ours = MODEL.solve(np.log([[first, first, first, second]]))[0]
    np.testing.assert_allclose(ours, theirs.coef_, atol=1e-9)
    assert ((ours == 0) == (theirs.coef_ == 0)).all()


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_smooth_loss_has_the_same_minimum_and_value(alpha):
    alpha = np.array(alpha)
    w, data = MODEL.solve(alpha[None])[0], MODEL.data
    network, p, weights = opened(LEARNED), torch.tensor(alpha), factors(w)
    loss = network.train_loss(weights, p, None)
    fit = ((data.train.inputs @ w - data.train.targets) ** 2).mean() / 2
    penalty = np.exp(alpha[:-1])[data.owners] @ np.abs(w) + np.exp(alpha[-1]) * w @ w / 2
    assert loss.item() == pytest.approx(fit + penalty, rel=1e-12)
    slopes = torch.autograd.grad(loss, list(weights.values()))
    assert max(slope.abs().max() for slope in slopes) < 1e-12
    assert network.valid_loss(weights, p, None).item() == pytest.approx(MODEL.error(w[None], data.valid)[0], rel=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_hypergradients_are_the_analytic_ones(alpha):
    """Of the columns A in use: -e^l_g sum sign(w*) v of each group, and -e^l_2 w*.v; (G + e^l_2 I)_AA v = grad_A F."""
    alpha = np.array(alpha)
    w, data = MODEL.solve(alpha[None])[0], MODEL.data
    A, X, X_v = np.flatnonzero(w), data.train.inputs, data.valid.inputs
    assert 0 < len(A) < len(w)
    slope = 2 * X_v.T @ (X_v @ w - data.valid.targets) / len(X_v)
    H = (X.T @ X / len(X))[np.ix_(A, A)] + np.exp(alpha[-1]) * np.eye(len(A))
    v = np.linalg.solve(H, slope[A])
    by_group = np.bincount(data.owners[A], weights=np.sign(w[A]) * v, minlength=3)
    wanted = -np.exp(alpha) * np.append(by_group, w[A] @ v)
    np.testing.assert_allclose(implicit(LEARNED, factors(w), alpha), wanted, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(by_differences(LEARNED, alpha, 1e-6), wanted, rtol=1e-5, atol=1e-8)


def test_columns_count_for_black_boxes_and_a_supernet_has_none():
    x = np.array([[3, 6, 6, 2]])
    w = MODEL.solve(COUNTED.grid.alpha(x))
    assert COUNTED.evaluate(x).F[0].tolist() == [LEARNED.evaluate(x).F[0, 0], np.count_nonzero(w)]
    assert not isinstance(COUNTED, Supernet)
    assert isinstance(LEARNED, Supernet)
    assert opened(LEARNED).costs(opened(LEARNED).initial_alpha()).shape == (0,)


def test_the_front_has_one_point_a_number_of_columns():
    F = COUNTED.front()[1]
    assert len(set(F[:, 1].tolist())) == len(np.unique(F, axis=0))
    assert F[:, 1].min() == 0
    assert mobench.run("nsga2", "tune_elastic_net", budget=300, seed=0).hypervolume() > 0.9


@pytest.mark.long
def test_the_conformance_kit_passes_with_the_supernet():
    assert_passes(check_problem(lambda: LEARNED))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("implicit", {"inner_steps": 20, "alpha_rate": 0.2, "alpha_decay": 0.0, "steps": 60}),
        ("auxiliary", {"inner_steps": 20, "radius": 0.5, "steps": 40}),
    ],
)
def test_bilevel_searchers_come_near_the_least_validation_error(name, options):
    errors = LEARNED.evaluate(LEARNED.space.all()).F[:, 0]
    common = {"learning_rate": 0.2, "momentum": 0.5, "weight_decay": 0.0, "finalists": 0, "preferences": 1}
    run = searched(name, LEARNED, {"flops": 1e9}, **common, **options)
    found = LEARNED.evaluate(run.recommended).F[0, 0]
    assert found - errors.min() < 0.02 * (errors.max() - errors.min())
