"""GBHO: its model of the value function against scikit-learn's, its design, and the penalties that it finds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from _toy_runs import check_killed, toy
from _tuning import searched
from scipy.stats import qmc

import mobench
from mobench.harness.spec import RunSpec
from mobench.searchers.bilevel.gbho import LENGTHS, design, fitted, value

torch.set_num_threads(1)
OPTIONS = {"learning_rate": 0.3, "momentum": 0.5, "weight_decay": 0.0, "finalists": 0, "preference": 1.0}


def sampled(n, d):
    points = torch.from_numpy(design(n, d))
    return points, torch.sin(4 * points.sum(dim=1)) + points[:, 0] ** 2


def test_the_model_is_scikit_learns_process_with_the_likeliest_length():
    gaussian_process = pytest.importorskip("sklearn.gaussian_process")
    points, values = sampled(20, 2)
    model = fitted(points, values)
    kernels = [gaussian_process.kernels.RBF(length) for length in LENGTHS]
    y = (values - values.mean()).numpy()

    def profiled(kernel):
        """Log marginal likelihood at the likeliest variance."""
        K = kernel(points.numpy()) + 1e-8 * np.eye(len(y))
        return -len(y) / 2 * np.log(y @ np.linalg.solve(K, y)) - np.linalg.slogdet(K)[1] / 2

    best = kernels[int(np.argmax([profiled(kernel) for kernel in kernels]))]
    assert float(model["length"]) == pytest.approx(best.length_scale)
    oracle = gaussian_process.GaussianProcessRegressor(best, alpha=1e-8, optimizer=None).fit(points.numpy(), y)
    for at in ([0.2, 0.7], [0.5, 0.5], [1.1, -0.2]):
        told = float(value(model | {"points": points}, torch.tensor(at, dtype=torch.float64)))
        assert told == pytest.approx(float(oracle.predict([at])[0]) + float(values.mean()), abs=1e-5)


def test_the_model_passes_through_its_samples_and_has_a_gradient():
    points, values = sampled(25, 3)
    model = fitted(points, values) | {"points": points}
    told = torch.stack([value(model, point) for point in points])
    assert torch.allclose(told, values, atol=1e-4)
    at = torch.tensor([0.3, 0.4, 0.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: value(model, x), at)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_design_fills_the_cube_better_than_chance(d):
    chance = [qmc.discrepancy(np.random.default_rng(seed).random((25, d)), method="L2-star") for seed in range(20)]
    assert qmc.discrepancy(design(25, d), method="L2-star") < np.median(chance)


@pytest.mark.long
def test_it_finds_the_optimum_of_the_ridge_toy():
    """log-penalty -.686526, F = .018125 (docs/problems/toys/bilevel_toys.md); the bias is the multiplier's."""
    problem = toy("ridge")
    run = searched("gbho", problem, {"flops": 1e6}, steps=600, **OPTIONS)
    assert problem.alpha(run.recommended)[0, 0] == pytest.approx(-0.686526, abs=0.05)
    assert problem.score(run.recommended)[0, 0] == pytest.approx(0.018125, abs=2e-4)


def test_operations_are_not_its_matter():
    with pytest.raises(ValueError, match="gbho needs ContinuousSupernet"):
        mobench.run("gbho", "bilevel_toys:name=ridgenet", budget={"flops": 1000})


@pytest.mark.long
@pytest.mark.parametrize("at", [2, 9])
def test_a_killed_run_goes_on_to_the_same_log(at, tmp_path: Path, monkeypatch):
    options = {"samples": 5, "steps": 40, "preferences": 2, "learning_rate": 0.1}
    spec = RunSpec("tune_ridge", "gbho", 0, {"flops": 1e8}, {"features": "linear"}, options)
    check_killed(spec, at, tmp_path, monkeypatch)
