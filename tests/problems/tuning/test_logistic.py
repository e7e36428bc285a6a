"""Logistic regression with a penalty a group: stationary weights, scikit-learn's, hypergradients, and searchers."""

import numpy as np
import pytest
import torch
from _tuning import by_differences, implicit, leaf, opened, searched
from sklearn.linear_model import LogisticRegression

import mobench
from mobench import make_problem, nondominated

PROBLEM = make_problem("tune_logistic")
MODEL = PROBLEM.model


def exact(alpha):
    weights = MODEL.solve(alpha[None])[0]
    return {"w": leaf(weights[:-1]), "b": leaf(weights[-1:])}


def test_weights_are_stationary_on_the_whole_grid():
    alpha = PROBLEM.grid.alpha(PROBLEM.space.all()[::7])
    weights = MODEL.solve(alpha)
    X, y, n = MODEL.data.train.inputs, MODEL.data.train.targets, len(MODEL.data.train.targets)
    residual = 1 / (1 + np.exp(-(weights[:, :-1] @ X.T + weights[:, -1:]))) - y
    slope = residual @ X / n + np.exp(alpha)[:, MODEL.data.owners] * weights[:, :-1]
    assert np.abs(slope).max() < 1e-12
    assert np.abs(residual.mean(axis=1)).max() < 1e-12  # the intercept has no penalty


def test_under_one_penalty_the_weights_are_those_of_scikit_learn():
    penalty, train = 0.01, MODEL.data.train
    theirs = LogisticRegression(C=1 / (penalty * len(train.targets)), solver="newton-cholesky", tol=1e-12)
    theirs.fit(train.inputs, train.targets)
    ours = MODEL.solve(np.log(np.full((1, 3), penalty)))[0]
    np.testing.assert_allclose(ours, [*theirs.coef_[0], *theirs.intercept_], atol=1e-7)


@pytest.mark.parametrize("alpha", [(-6.0, -4.0, -5.0), (-3.0, 1.0, -7.0), (2.0, -5.5, -2.5)])
def test_hypergradients_are_the_analytic_ones(alpha):
    """dF/dl_g = -e^l_g sum over the group of w* and H^-1 grad_w F, H the Hessian of the training loss."""
    alpha = np.array(alpha)
    weights, data = MODEL.solve(alpha[None])[0], MODEL.data
    X, X_v = (np.column_stack([part.inputs, np.ones(len(part.inputs))]) for part in (data.train, data.valid))
    q, q_v = (1 / (1 + np.exp(-columns @ weights)) for columns in (X, X_v))
    penalties = np.append(np.exp(alpha)[data.owners], 0.0)
    H = X.T @ ((q * (1 - q))[:, None] * X) / len(X) + np.diag(penalties)
    v = np.linalg.solve(H, X_v.T @ (q_v - data.valid.targets) / len(X_v))
    wanted = -np.bincount(data.owners, weights=(penalties * weights * v)[:-1])
    np.testing.assert_allclose(implicit(PROBLEM, exact(alpha), alpha), wanted, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(by_differences(PROBLEM, alpha), wanted, rtol=1e-5, atol=1e-9)


def test_losses_are_what_is_answered_and_the_second_objective_is_the_curvature_at_even_odds():
    network, x = opened(PROBLEM), np.array([[3, 5, 7]])
    p = torch.tensor(PROBLEM.grid.alpha(x)[0], requires_grad=True)
    said = [network.valid_loss(exact(p.detach().numpy()), p, None).item(), *network.costs(p).tolist()]
    np.testing.assert_allclose(PROBLEM.evaluate(x).F[0], said, rtol=1e-10)
    assert torch.autograd.gradcheck(network.costs, p)
    weights = network.initial_weights()
    (slope,) = torch.autograd.grad(network.train_loss(weights, p, None), weights["w"], create_graph=True)
    H = torch.stack([torch.autograd.grad(s, weights["w"], retain_graph=True)[0] for s in slope])
    D = torch.diag(p.detach().exp()[torch.tensor(MODEL.data.owners)])
    assert torch.trace(torch.linalg.solve(H, H - D)).item() == pytest.approx(said[1], rel=1e-10)


def test_nothing_dominates_the_front_which_is_of_test_losses():
    X, F = PROBLEM.front()
    some = PROBLEM.score(PROBLEM.space.all()[::5])
    assert nondominated(np.concatenate([F, some]))[: len(F)].all()
    assert (PROBLEM.score(X) == F).all()
    assert (PROBLEM.evaluate(X).F[:, 0] != F[:, 0]).all()  # seen is not scored


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("implicit", {"inner_steps": 10, "alpha_rate": 0.3, "alpha_decay": 0.0, "steps": 60}),
        ("auxiliary", {"inner_steps": 20, "radius": 1.0, "steps": 20}),
    ],
)
def test_bilevel_searchers_come_near_the_least_validation_loss(name, options):
    losses = PROBLEM.evaluate(PROBLEM.space.all()).F[:, 0]
    common = {"preference": 1.0, "learning_rate": 0.5, "weight_decay": 0.0, "finalists": 0}
    run = searched(name, PROBLEM, {"flops": 1e10}, **common, **options)
    found = PROBLEM.evaluate(run.recommended).F[0, 0]
    assert found - losses.min() < 0.02 * (losses.max() - losses.min())


def test_a_black_box_finds_most_of_the_front_on_the_grid():
    assert mobench.run("nsga2", "tune_logistic", budget=300, seed=0).hypervolume() > 0.9
