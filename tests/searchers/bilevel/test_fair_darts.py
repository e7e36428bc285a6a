"""FairDARTS: sigmoids that do not compete, the zero-one loss, and what a step costs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from _toy_runs import FAST, check_resuming, go, recommended, toy

from mobench.searchers._relaxed.search import Search, initial
from mobench.searchers.bilevel import fair_darts

torch.set_num_threads(1)


def opened(preference: float = 0.7, problem: str = "ridgenet") -> tuple[Search, list[float]]:
    ledger: list[float] = []
    network = toy(problem).supernet(charge=ledger.append, seed=0)
    search = initial(network, fair_darts.Options(), np.array([preference, 1.0 - preference]), 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in (search.alpha, search.weights["w"]):
            value.add_(torch.randn(value.shape, generator=generator, dtype=torch.float64))
    return search, ledger


def test_an_operation_takes_nothing_from_another() -> None:
    search, _ = opened()
    real = fair_darts.present(search)
    with torch.no_grad():
        before = fair_darts.shares(search.alpha, real)
        search.alpha[1, 2] += 3.0
        change = fair_darts.shares(search.alpha, real) - before
    assert torch.nonzero(change).tolist() == [[1, 2]]


@pytest.mark.parametrize(("sigmoid", "golden"), [(0.5, 0.0), (0.85, -0.1225), (0.15, -0.1225), (1 - 1e-9, -0.25)])
def test_the_zero_one_loss_is_least_at_zero_and_one(sigmoid: float, golden: float) -> None:
    alpha = torch.full((3, 4), math.log(sigmoid / (1 - sigmoid)), dtype=torch.float64)
    assert float(fair_darts.zero_one(alpha, torch.ones(3, 4, dtype=torch.bool))) == pytest.approx(golden)


@pytest.mark.parametrize("problem", ["ridgenet", "ragged"])
def test_what_stands_for_no_operation_and_what_does_not_exist_have_no_sigmoid(problem: str) -> None:
    search, _ = opened(problem=problem)
    real = fair_darts.present(search)
    counts = [4, 4, 4] if problem == "ridgenet" else [3, 4, 2]
    assert real.tolist() == [[0 < op < count for op in range(4)] for count in counts]
    assert bool((fair_darts.shares(search.alpha, real)[~real] == 0).all())
    with torch.no_grad():
        before = fair_darts.zero_one(search.alpha, real)
        search.alpha[~real] = 7.0
        assert torch.equal(fair_darts.zero_one(search.alpha, real), before)
    assert bool((fair_darts.gradient(search, real, 10.0)[~real] == 0).all())
    sums = fair_darts.chances(search, real).sum(dim=1)
    assert torch.allclose(sums, torch.ones_like(sums))


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_the_gradient_is_that_of_error_costs_and_zero_one_loss(weight: float) -> None:
    search, ledger = opened()
    search.scales, search.extra["unit"] = torch.tensor([12.0], dtype=torch.float64), torch.tensor(2.0)
    h = fair_darts.gradient(search, fair_darts.present(search), weight)
    assert ledger == [1.0, 2.0]

    def total(alpha: torch.Tensor) -> float:
        sigma = 1 / (1 + torch.exp(-alpha))
        sigma[:, 0] = 0.0
        loss = search.network.valid_loss(search.weights, sigma, None).detach()
        one = 1 - (1 - sigma).prod(dim=1)
        costs = one * (sigma @ torch.tensor([0.0, 1.0, 3.0, 4.0], dtype=torch.float64)) / sigma.sum(dim=1)
        zero_one = -((sigma[:, 1:] - 0.5) ** 2).mean()
        return float(0.7 * loss / 2.0 + 0.3 * costs.sum() / 12.0 + weight * zero_one)

    for place in np.ndindex(3, 4):
        shift = torch.zeros(3, 4, dtype=torch.float64)
        shift[place] = 1e-6
        alpha = search.alpha.detach()
        assert float(h[place]) == pytest.approx((total(alpha + shift) - total(alpha - shift)) / 2e-6, abs=1e-7)


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, [3, 0, 1]), (0.85, [0, 0, 1]), (0.0, [3, 2, 1])])
def test_a_gene_of_which_nothing_passes_the_threshold_is_without(threshold: float, expected: list[int]) -> None:
    search, _ = opened()
    with torch.no_grad():
        search.alpha.copy_(
            torch.tensor([[9.0, -1.0, 0.5, 1.0], [9.0, -3.0, -0.1, -2.0], [-9.0, 2.0, 0.1, 0.0]], dtype=torch.float64)
        )
    assert fair_darts.architecture(search, threshold=threshold).tolist() == [expected]


def test_a_gene_that_is_to_have_an_operation_has_one() -> None:
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    search = initial(network, fair_darts.Options(leave_out=("none", "linear")), np.array([0.7, 0.3]), 0)
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[0.0, -1.0, -3.0, -2.0]] * 3, dtype=torch.float64))
    assert fair_darts.architecture(search, threshold=0.5).tolist() == [[3, 3, 3]]


def test_a_step_costs_two_mixtures() -> None:
    run, _, _ = go("fair_darts", "ridgenet", {"flops": 1e9}, steps=5, preferences=1, warm_up=0.0)
    assert run.spent.flops == 5 * 6


def test_the_zero_one_loss_decides_what_the_error_leaves_open() -> None:
    """After as many steps sigmoids are farther from one half with it, and its record says so."""
    left = {}
    for weight in (0.0, 10.0):
        options = {"steps": 100, "preference": 0.9, "zero_one": weight, "alpha_rate": 0.05, "warm_up": 0.0, **FAST}
        _, history, _ = go("fair_darts", "ridgenet", {"flops": 1e9}, **options)
        left[weight] = history.records[-1].content["zero_one"]
    assert -0.25 <= left[10.0] < left[0.0] - 0.05


def test_ridgenet_is_searched() -> None:
    _, history, _ = go("fair_darts", "ridgenet", {"flops": 6000}, learning_rate=0.3, weight_decay=0.0)
    F = toy("ridgenet").score(recommended(history))
    assert F[:, 0].min() < 0.2
    assert len(np.unique(F[:, 1])) >= 2


@pytest.mark.parametrize("at", [3, 26])
def test_killed_runs_go_on_to_the_same_end(at: int, tmp_path: Path) -> None:
    check_resuming("fair_darts", {"preferences": 2, "steps": 20, **FAST}, at, tmp_path)
