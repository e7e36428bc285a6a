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
    with torch.no_grad():
        before = fair_darts.shares(search.alpha, None)
        search.alpha[1, 2] += 3.0
        change = fair_darts.shares(search.alpha, None) - before
    assert torch.nonzero(change).tolist() == [[1, 2]]


@pytest.mark.parametrize(("sigmoid", "golden"), [(0.5, 0.0), (0.85, -0.1225), (0.15, -0.1225), (1 - 1e-9, -0.25)])
def test_the_zero_one_loss_is_least_at_zero_and_one(sigmoid: float, golden: float) -> None:
    alpha = torch.full((3, 4), math.log(sigmoid / (1 - sigmoid)), dtype=torch.float64)
    assert float(fair_darts.zero_one(alpha, None)) == pytest.approx(golden)


def test_what_does_not_exist_has_no_part_in_either() -> None:
    search, _ = opened(problem="ragged")
    mask = search.mask
    assert mask is not None
    assert bool((fair_darts.shares(search.alpha, mask)[~mask] == 0).all())
    with torch.no_grad():
        before = fair_darts.zero_one(search.alpha, mask)
        search.alpha[~mask] = 7.0
        assert torch.equal(fair_darts.zero_one(search.alpha, mask), before)
    assert bool((fair_darts.gradient(search, 10.0)[~mask] == 0).all())


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_the_gradient_is_that_of_error_costs_and_zero_one_loss(weight: float) -> None:
    search, ledger = opened()
    search.scales, search.extra["unit"] = torch.tensor([12.0], dtype=torch.float64), torch.tensor(2.0)
    h = fair_darts.gradient(search, weight)
    assert ledger == [1.0, 2.0]

    def total(alpha: torch.Tensor) -> float:
        sigma = 1 / (1 + torch.exp(-alpha))
        loss = search.network.valid_loss(search.weights, sigma, None).detach()
        expected = (sigma / sigma.sum(dim=1, keepdim=True)) @ torch.tensor([0.0, 1.0, 3.0, 4.0], dtype=torch.float64)
        zero_one = -((sigma - 0.5) ** 2).sum() / 12
        return float(0.7 * loss / 2.0 + 0.3 * expected.sum() / 12.0 + weight * zero_one)

    for place in np.ndindex(3, 4):
        shift = torch.zeros(3, 4, dtype=torch.float64)
        shift[place] = 1e-6
        alpha = search.alpha.detach()
        assert float(h[place]) == pytest.approx((total(alpha + shift) - total(alpha - shift)) / 2e-6, abs=1e-7)


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
