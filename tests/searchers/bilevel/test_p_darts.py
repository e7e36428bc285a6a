"""P-DARTS: stages, what they drop and compute, the dropout of skips and their number, and that runs resume."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from _toy_runs import FAST, check_resuming, go, recommended, toy

from mobench import make_problem
from mobench.problems._cells.space import CONV1, CONV3, NONE, POOL, SKIP
from mobench.searchers._relaxed.search import Search, initial
from mobench.searchers.bilevel import p_darts

torch.set_num_threads(1)


def opened(**options: Any) -> tuple[Search, list[float]]:
    """A search on Motif's supernet, two cells a stage, and its ledger."""
    ledger: list[float] = []
    network = make_problem("motif", {"batch": 16}).supernet(charge=ledger.append, seed=0)
    return initial(network, p_darts.Options(**options), np.array([0.7, 0.3]), 0), ledger


@pytest.mark.parametrize(
    ("progress", "golden"), [(0.0, 0.7), (0.2, 0.56), (0.39999, 0.42), (0.4, 0.7), (0.6, 0.7 / math.e), (1.0, 0.0349)]
)
def test_dropout_falls_twice_within_a_stage(progress: float, golden: float) -> None:
    assert p_darts.dropped(0.7, progress) == pytest.approx(golden, abs=1e-4)


@pytest.mark.parametrize("restart", [False, True])
def test_a_stage_keeps_the_operations_of_the_largest_shares_and_begins_anew(restart: bool) -> None:
    search, _ = opened()
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[0.1, 0.5, 0.3, 0.4, 0.2]]).expand(6, 5))
        search.weights["classifier.weight"].add_(1.0)
        search.moments.add_(1.0)
    p_darts.enter(search, 1, 4, restart=restart)
    assert search.mask is not None
    assert search.mask.tolist() == [[False, True, True, True, True]] * 6
    assert torch.equal(search.alpha, search.network.initial_alpha())
    fresh = search.network.initial_weights()["classifier.weight"]
    assert torch.equal(search.weights["classifier.weight"], fresh if restart else fresh + 1.0)
    assert float(search.moments.abs().sum()) == 0
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[9.0, 0.1, 0.5, 0.3, 0.4]]).expand(6, 5))
    p_darts.enter(search, 2, 3, restart=restart)
    assert search.mask.tolist() == [[False, False, True, True, True]] * 6  # what is gone does not come back
    assert p_darts.architecture(search, skips=2).tolist() == [p_darts.architecture(search, skips=2)[0].tolist()]
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[9.0, 8.0, 0.1, 0.3, 0.2]]).expand(6, 5))
    assert p_darts.architecture(search, skips=2).tolist() == [[CONV3] * 6]


def test_what_no_architecture_is_made_of_goes_first() -> None:
    search, _ = opened(leave_out=("none", "skip_connect"))
    with torch.no_grad():
        search.alpha.copy_(torch.tensor([[0.5, 0.4, 0.3, 0.2, 0.1]]).expand(6, 5))
    p_darts.enter(search, 1, 3, restart=False)
    assert search.mask is not None
    assert search.mask[0].tolist() == [False, False, True, True, True]


def test_a_pass_pays_for_the_cells_and_operations_of_its_stage() -> None:
    search, ledger = opened()
    prices = search.network._prices["flops"]  # type: ignore[attr-defined]
    one, three = float(prices.operations[CONV1]), float(prices.operations[CONV3])
    for stage, share, each in ((0, 0.5, one + three), (1, 1.0, one + three), (2, 1.0, three)):
        if stage:
            with torch.no_grad():  # the next stage has no 1x1 convolution
                search.alpha.copy_(torch.tensor([[0.1, 0.4, 0.2 if stage == 1 else 0.0, 0.5, 0.3]]).expand(6, 5))
            p_darts.enter(search, stage, 4 - (stage - 1), restart=False)
        ledger.clear()
        relaxed = p_darts.without_skips(search, 0.0)
        h = p_darts.gradient(search, relaxed, p_darts.shallow(search, p_darts.DEPTHS[stage]))
        assert sum(ledger) == pytest.approx(3 * 16 * (prices.fixed + share * 6 * each))
        if search.mask is not None:
            assert bool((h[~search.mask] == 0).all())


def test_the_whole_depth_is_the_network_and_half_of_it_has_a_cell_a_stage() -> None:
    search, _ = opened()
    p, batch = torch.softmax(search.alpha.detach(), -1), search.network.valid_batch()
    losses = {
        share: float(search.network.valid_loss(p_darts.shallow(search, share)(search.weights), p, batch).detach())
        for share in (0.25, 0.5, 0.55, 1.0)
    }
    assert losses[1.0] == losses[0.55] == float(search.network.valid_loss(search.weights, p, batch).detach())
    assert losses[0.25] == losses[0.5] != losses[1.0]
    names = {name.partition(".")[0] for name in p_darts.shallow(search, 0.25)(search.weights)}
    assert {name for name in names if name.startswith("cell")} == {"cell0", "cell2"}


def test_cells_that_take_no_part_are_not_trained() -> None:
    search, _ = opened()
    before = {name: weight.detach().clone() for name, weight in search.weights.items()}
    deep, lower = p_darts.shallow(search, 0.25), search.lower(p_darts.without_skips(search, 0.0))
    search.train(lambda weights, alpha: lower(deep(weights), alpha))
    changed = {
        name.partition(".")[0] for name, weight in search.weights.items() if not torch.equal(weight, before[name])
    }
    assert {name for name in changed if name.startswith("cell")} == {"cell0", "cell2"}


def test_dropout_leaves_the_mean_and_touches_skips_alone() -> None:
    search, _ = opened()
    soft = torch.softmax(search.alpha.detach(), -1)
    draws = torch.stack([p_darts.without_skips(search, 0.7)(search.alpha.detach()) for _ in range(4000)])
    others = [NONE, CONV1, CONV3, POOL]
    assert torch.equal(draws[:, :, others], soft[:, others].expand(4000, 6, 4))
    assert torch.allclose(draws[:, :, SKIP].mean(dim=0), soft[:, SKIP], atol=0.03)
    assert float((draws[:, :, SKIP] == 0).double().mean()) == pytest.approx(0.7, abs=0.02)


def test_skips_beyond_two_become_the_next_best() -> None:
    search, _ = opened()
    with torch.no_grad():
        search.alpha.zero_()
        search.alpha[:, SKIP] = torch.tensor([1.0, 6.0, 2.0, 5.0, 3.0, 0.0])
        search.alpha[:, POOL] = 0.5
        search.alpha[5, CONV3] = 4.0
    assert p_darts.architecture(search, skips=2).tolist() == [[POOL, SKIP, POOL, SKIP, POOL, CONV3]]
    assert p_darts.architecture(search, skips=6).tolist() == [[SKIP, SKIP, SKIP, SKIP, SKIP, CONV3]]


def test_a_run_goes_through_three_stages_and_alpha_rests_at_their_beginnings() -> None:
    run, history, _ = go("p_darts", "ridgenet", {"flops": 1e9}, steps=300, preferences=1, warm_up=0.0)
    stages = [record.content["stage"] for record in history.records]
    assert stages == sorted(stages)
    assert set(stages) == {0.0, 1.0, 2.0}
    assert run.spent.flops == pytest.approx(300 * 3 + 180 * 3, abs=9)  # two fifths of each stage are without alpha


def test_the_first_step_of_alpha_in_a_stage_is_as_long_as_adams_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long alpha has rested, an entry moves by about the rate: moments of nothing are corrected as such."""
    moved, step = [], Search.step_alpha

    def watched(search: Search, h: torch.Tensor, **options: Any) -> None:
        before = search.alpha.detach().clone()
        step(search, h, **options)
        moved.append(float((search.alpha.detach() - before).abs().max()))

    monkeypatch.setattr(Search, "step_alpha", watched)
    go("p_darts", "ridgenet", {"flops": 1e9}, steps=30, preferences=1, warm_up=0.0, alpha_rate=0.1)
    assert 0.09 < max(moved) < 0.13
    assert len(moved) == pytest.approx(18, abs=2)


def test_ridgenet_is_searched() -> None:
    options = {"learning_rate": 0.3, "weight_decay": 0.0, "keep": [3, 2]}
    _, history, _ = go("p_darts", "ridgenet", {"flops": 6000}, **options)
    F = toy("ridgenet").score(recommended(history))
    assert F[:, 0].min() < 0.2
    assert len(np.unique(F[:, 1])) >= 2


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("at", [3, 9, 16, 30])
def test_killed_runs_go_on_to_the_same_end(at: int, restart: bool, tmp_path: Path) -> None:
    check_resuming("p_darts", {"preferences": 2, "steps": 40, "restart": restart, **FAST}, at, tmp_path)
