"""Encodings, Gaussian processes, ensembles and improvements agree with theorems and with other libraries."""

from __future__ import annotations

import math

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, multivariate_normal

from mobench import Objective, Space, make_problem, violation
from mobench.searchers._models import gaussian, predictors
from mobench.searchers._models.encoding import bits, encodings, paths
from mobench.searchers._models.ensemble import train
from mobench.searchers._models.improvement import expected_improvement, greedy, rays
from mobench.searchers._models.values import comparable, units_of


def answered(name, n, seed=0, column=0, **options):
    problem = make_problem(name, options)
    X = problem.space.sample(np.random.default_rng(seed), n)
    return problem.space, X, problem.score(X)[:, column].astype(float)


def test_squared_distances_are_mismatches_of_kinds_and_shares_of_a_scale_of_sizes():
    space = Space((3, 4, 1), values=(("a", "b", "c"), (16, 32, 64, 128), (0,)))
    encoding = bits(space)
    U = encoding.encode(np.array([[0, 0, 0], [2, 3, 0], [1, 1, 0]]))
    squared = ((U[:, None] - U) ** 2) @ np.eye(3)[encoding.gene]
    assert squared[0, 1] == pytest.approx([1, 1, 0])
    assert squared[0, 2] == pytest.approx([1, 1 / 3, 0])
    assert squared[1, 2] == pytest.approx([1, 2 / 3, 0])


def test_paths_of_a_cell_are_its_series_of_operations():
    space = make_problem("nasbench201", {}).space
    # from 0 to 3 by operation 2, over 1 by 3 and 4, over 2 by 0 and 3, over 1 and 2 by 3, 1 and 3
    U = paths(space).encode(np.array([[3, 0, 1, 2, 4, 3]]))[0]
    assert len(U) == 5 + 25 + 125
    assert np.flatnonzero(U).tolist() == [2, 5 + 0 * 5 + 3, 5 + 3 * 5 + 4, 30 + 3 * 25 + 1 * 5 + 3]


def test_paths_need_edges():
    assert encodings(make_problem("nasbench201", {})) == ("one-hot", "path")
    assert encodings(make_problem("catsum", {})) == ("one-hot",)


def test_the_marginal_likelihood_is_scipys_and_its_slope_that_of_differences():
    space, X, y = answered("catsum", 25)
    encoding = bits(space)
    U, z = encoding.encode(X), (y - y.mean()) / y.std()
    theta = np.random.default_rng(1).normal(-1.0, 0.5, 8)
    value, slope = gaussian._log_likelihood(theta, encoding, U, z)
    covariance = gaussian._covariance(theta, encoding, U)
    assert value == pytest.approx(multivariate_normal(np.zeros(25), covariance).logpdf(z))
    for i, step in enumerate(1e-5 * np.eye(8)):
        ahead, behind = (gaussian._log_likelihood(theta + s, encoding, U, z)[0] for s in (step, -step))
        assert slope[i] == pytest.approx((ahead - behind) / 2e-5, rel=1e-4, abs=1e-6)


def test_the_posterior_is_that_of_scikit_learn():
    kernels = pytest.importorskip("sklearn.gaussian_process")
    space, X, y = answered("catsum", 60)
    model = gaussian.fit(bits(space), X, y)
    scale = np.exp(0.5 * model.theta[model.encoding.gene])
    kernel = kernels.kernels.ConstantKernel(np.exp(model.theta[-2])) * kernels.kernels.RBF(math.sqrt(0.5))
    noise = np.exp(model.theta[-1]) + gaussian.JITTER * np.exp(model.theta[-2])
    theirs = kernels.GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(
        model.U * scale, (y - model.centre) / model.spread
    )
    Z = space.sample(np.random.default_rng(2), 20)
    mean, deviation = theirs.predict(model.encoding.encode(Z) * scale, return_std=True)
    found = model.predict(Z)
    assert found[0] == pytest.approx(model.centre + model.spread * mean, rel=1e-6, abs=1e-6)
    assert found[1] == pytest.approx(model.spread * deviation, rel=1e-3, abs=1e-3)


def test_joint_draws_have_the_posteriors_mean_and_deviation():
    space, X, y = answered("fcnet", 40)
    model = gaussian.fit(bits(space), X, np.log(y))
    Z = space.sample(np.random.default_rng(3), 15)
    draws = model.sample(np.random.default_rng(4), Z, 20_000)
    mean, deviation = model.predict(Z)
    assert np.abs(draws.mean(axis=0) - mean).max() < 5 * deviation.max() / np.sqrt(20_000)
    assert draws.std(axis=0) == pytest.approx(deviation, rel=0.05, abs=1e-3 * model.spread)


def test_values_left_out_are_predicted_as_by_a_process_that_never_saw_them():
    space, X, y = answered("fcnet", 30)
    encoding, y = bits(space), np.log(y)
    model, folds = gaussian.fit(encoding, X, y), np.arange(30) % 5
    found, z = model.left_out(folds), (y - model.centre) / model.spread
    for fold in range(5):
        out = folds == fold
        K = gaussian._covariance(model.theta, encoding, model.U)
        expected = K[np.ix_(out, ~out)] @ np.linalg.solve(K[np.ix_(~out, ~out)], z[~out])
        assert found[out] == pytest.approx(model.centre + model.spread * expected)


@pytest.mark.parametrize("y", [np.zeros(6), np.full(6, 1e9), np.array([0.0, 0, 0, 0, 0, 1e-12])])
def test_a_process_of_equal_values_predicts_them(y):
    X = Space((2, 3)).all()
    mean, deviation = gaussian.fit(bits(Space((2, 3))), X, y).predict(X)
    assert mean == pytest.approx(y, abs=1e-6)
    assert np.isfinite(deviation).all()


@pytest.mark.parametrize("kind", ["gp", "mlp", "rbf", "trees"])
def test_a_hundred_answers_rank_the_others_of_a_linear_problem(kind):
    if kind == "trees":
        pytest.importorskip("sklearn")
    space, X, y = answered("catsum", 400)
    predict = predictors.fitted(kind, np.random.default_rng(0), bits(space), X[:100], y[:100])
    assert kendalltau(y[100:], predict(X[100:]))[0] > (0.5 if kind == "trees" else 0.85)


def test_trees_without_scikit_learn_say_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    space, X, y = answered("catsum", 10)
    with pytest.raises(ValueError, match="pip install"):
        predictors.fitted("trees", np.random.default_rng(0), bits(space), X, y)


def test_switching_chooses_what_ranks_the_rest_best():
    space, X, y = answered("catsum", 80)
    kind, tau = predictors.choose(np.random.default_rng(0), bits(space), X, y)
    assert kind in ("gp", "rbf")  # exact for sums, as networks are not
    assert tau > 0.95


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=12))
def test_tau_is_scipys(pairs):
    a, b = np.array(pairs, dtype=float).T
    expected = kendalltau(a, b)[0] if len(set(a)) > 1 and len(set(b)) > 1 else 0.0
    assert predictors.tau(a, b) == pytest.approx(expected)


def test_members_see_only_what_they_are_shown():
    rng = np.random.default_rng(0)
    U = np.eye(4)[rng.integers(0, 4, 60)]
    y = U @ np.array([0.0, 1.0, 2.0, 3.0])
    shown = np.stack([y < 2.5, y < 9.0])
    blind, seeing = train(rng, U, y, members=2, widths=(20,), epochs=200, rate=0.05, shown=shown)(np.eye(4))
    assert np.abs(seeing - [0, 1, 2, 3]).max() < 0.2
    assert abs(blind[3] - 3) > 0.3
    assert np.abs(blind[:3] - [0, 1, 2]).max() < 0.2


def test_an_ensemble_follows_its_stream():
    space, X, y = answered("catsum", 40)
    U = bits(space).encode(X)
    one, other = (
        train(np.random.default_rng(5), U, y, members=3, widths=(8, 8), epochs=5, rate=0.01)(U) for _ in range(2)
    )
    assert one.tolist() == other.tolist()


def test_expected_improvement_is_the_mean_of_draws():
    mean, deviation = np.array([0.3, 1.0, -2.0, 0.5, 2.0]), np.array([0.5, 2.0, 1.0, 0.0, 0.0])
    found = expected_improvement(mean, deviation, 0.7)
    z = np.random.default_rng(0).standard_normal((500_000, 1))
    assert found == pytest.approx(np.maximum(0.7 - mean - deviation * z, 0.0).mean(axis=0), abs=6e-3)
    assert found[3:].tolist() == pytest.approx([0.2, 0.0])


@pytest.mark.parametrize(("m", "error"), [(1, 1e-6), (2, 0.01), (3, 0.02), (5, 0.04)])
def test_the_hypervolume_along_rays_is_the_exact_one(m, error):
    rng = np.random.default_rng(m)
    F = rng.random((12, m))
    reference = np.full(m, 1.1)
    lines = rays(rng, 2000, reference)
    found = lines.volume(lines.lengths(F).max(axis=0))
    assert found == pytest.approx(moocore.hypervolume(F, ref=reference), rel=error)


def test_what_is_dominated_for_sure_improves_nothing():
    lines = rays(np.random.default_rng(0), 256, np.array([1.1, 1.1]))
    front = lines.lengths(np.array([[0.2, 0.8], [0.5, 0.5], [0.8, 0.2]])).max(axis=0)
    gains = np.maximum(lines.lengths(np.array([[0.6, 0.6], [0.5, 0.5], [2.0, 0.0], [0.4, 0.4]])) - front, 0).sum(axis=1)
    assert gains[:3].tolist() == [0, 0, 0]
    assert gains[3] > 0


def test_with_one_objective_the_choice_is_that_of_noisy_expected_improvement():
    """The mean over joint draws of what is below the best of the front; its closed form where the front is sure."""
    rng = np.random.default_rng(0)
    mean, deviation = rng.random(30), 0.3 * rng.random(30)
    draws = mean + deviation * rng.standard_normal((200_000, 30))
    front = 0.4 + 0.1 * rng.standard_normal((200_000, 3))
    lines = rays(rng, 1, np.array([3.0]))
    gain = np.maximum(front.min(axis=1, keepdims=True) - draws, 0.0).mean(axis=0)
    reach = lines.lengths(front[..., None]).max(axis=1)
    assert greedy(reach, lines.lengths(draws[..., None]), 1) == [int(gain.argmax())]
    sure = lines.lengths(np.full((len(draws), 1), 0.4))
    closed = expected_improvement(mean, deviation, 0.4)
    assert greedy(sure, lines.lengths(draws[..., None]), 1) == [int(closed.argmax())]


def test_picks_differ_and_each_counts_for_the_next():
    lines = rays(np.random.default_rng(0), 512, np.array([1.0, 1.0]))
    F = np.array([[0.1, 0.5], [0.11, 0.5], [0.5, 0.1], [0.9, 0.9]])
    lengths = np.stack([lines.lengths(F)] * 3)
    assert greedy(np.zeros((3, 512)), lengths, 2) == [0, 2]  # not the second, which adds nothing to the first
    assert greedy(np.zeros((3, 512)), lengths, 9) == [0, 2]
    assert greedy(np.full((3, 512), 9.0), lengths, 3) == [0]  # nothing improves: one all the same


def test_units_put_the_front_between_0_and_1_and_limits_bound_the_reference():
    F = np.array([[1.0, 100.0], [10.0, 10.0], [100.0, 1.0], [1000.0, 1000.0]])
    log = (Objective("a", scale="log"), Objective("b", scale="log"))
    units, front = units_of(F, log, 0.1)
    assert front.tolist() == [True, True, True, False]
    assert units(comparable(F, log))[:3] == pytest.approx(np.array([[0, 1], [0.5, 0.5], [1, 0]]))
    assert units.reference == pytest.approx([1.1, 1.1])
    limited, front = units_of(F, (log[0], Objective("b", scale="log", limit=10.0)), 0.1)
    assert front.tolist() == [False, True, True, False]
    assert limited.reference[1] == pytest.approx(1.0)


@pytest.mark.parametrize("margin", [0.0, 1.0])
@pytest.mark.parametrize("limit", [None, 0.5])
def test_an_architecture_as_costly_as_any_seen_scores_if_its_error_is_the_least(margin: float, limit: float | None):
    rng = np.random.default_rng(0)
    objectives = (Objective("error"), Objective("params"), Objective("energy", scale="log", limit=limit))
    for _ in range(20):
        F = rng.lognormal(sigma=2.0, size=(20, 3))
        F[:2] = [[2e-4, 1e-4, 1e-4], [1e-4, 2e-4, 2e-4]]  # the front is small, what is behind it far away
        ideal = F * [0.0, 1.0, 1.0]
        units, _ = units_of(F, objectives, margin, all_costs=True)
        scores = rays(rng, 64, units.reference).lengths(units(comparable(ideal, objectives))).sum(axis=1) > 0
        assert scores.tolist() == (violation(ideal, objectives) == 0).tolist()
        by_front, _ = units_of(F, objectives, margin)
        assert (by_front.reference < units.reference).any()


def test_logarithms_of_what_is_to_be_maximised_keep_its_order():
    G = comparable(-np.array([[1.0], [10.0], [100.0]]), (Objective("speed", maximise=True, scale="log"),))
    assert np.diff(G[:, 0]) == pytest.approx([-np.log(10)] * 2)
