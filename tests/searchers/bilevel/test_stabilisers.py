"""Stabilisers: robust early stopping, selection by perturbation, and what both cost and survive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from _toy_runs import FAST, PUBLISHED, RATES, check_resuming, go, recommended, toy

import mobench
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.problems._cells import space as cell
from mobench.problems._cells.supernet import CellSupernet, Options
from mobench.searchers._relaxed import selection as _selection
from mobench.searchers._relaxed import stopping as _stopping
from mobench.searchers._relaxed.search import Search, initial
from mobench.searchers._relaxed.settings import Stabilised

torch.set_num_threads(1)
SWEEP: dict[str, Any] = {"preferences": 1, "steps": 60, **FAST, **PUBLISHED, "alpha_rate": 0.1}


def opened(problem: str = "ridgenet", preference: float = 0.9, **settings: Any) -> tuple[Search, list[float]]:
    """A search on a toy with random logits and weights, and its ledger."""
    ledger: list[float] = []
    network = toy(problem).supernet(charge=lambda flops: ledger.append(flops), seed=0)
    share = np.array([preference, 1 - preference])[: len(toy(problem).objectives)]
    search = initial(network, Stabilised(**settings), share, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in (search.alpha, search.weights["w"]):
            value.add_(torch.randn(value.shape, generator=generator, dtype=torch.float64))
    return search, ledger


def cells(**settings: Any) -> Search:
    """A search on a supernet of cells of three channels."""
    skeleton = cell.Skeleton(inputs=2, size=8, classes=3, channels=3, cells=1, stages=1)
    half = torch.zeros(4, 2, 8, 8), torch.zeros(4, dtype=torch.int64)
    network = CellSupernet(
        skeleton, train=half, valid=half, charge=lambda flops: None, seed=0, options=Options(batch=4)
    )
    return initial(network, Stabilised(**settings), np.array([0.5, 0.5]), 0)


# early stopping -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "stops"), [(1.0, 1.0, False), (0.76, 1.0, False), (0.74, 1.0, True), (1.0, 0.1, False)]
)
def test_growth_is_that_of_means_of_five(before: float, now: float, stops: bool) -> None:
    spread = torch.tensor([-0.1, 0.1, 0.0, -0.2, 0.2], dtype=torch.float64)
    assert _stopping.grows_too_fast(torch.cat([before + spread, now + spread])) == stops
    assert not _stopping.grows_too_fast(torch.cat([before + spread, now + spread])[1:])


def test_the_curvature_is_the_spectral_norm_of_the_dense_hessian() -> None:
    search, ledger = opened()

    def loss(alpha: torch.Tensor) -> torch.Tensor:
        return search.network.valid_loss(search.weights, torch.softmax(alpha, -1), None)

    H = torch.autograd.functional.hessian(loss, search.alpha.detach()).reshape(12, 12)
    ledger.clear()
    found = _stopping.curvature(search, iterations=100)
    assert found == pytest.approx(float(torch.linalg.eigvalsh(H).abs().max()), rel=0.02)
    products = (sum(ledger) - 3) / 6  # beside a pass forward and backward
    assert products == int(products) <= 100


def test_the_curvature_of_the_quadratic_toy_is_rho_at_any_weights() -> None:
    """T1: the validation Hessian by alpha is rho I; the implicit one would be rho I + B'A^-2 B."""
    assert _stopping.curvature(opened("quadratic")[0]) == pytest.approx(0.1)


def test_growing_curvature_ends_a_search_at_the_alpha_of_five_marks_before() -> None:
    _, free, _ = go("darts", "ridgenet", {"flops": 1e9}, preference=0.05, **SWEEP)
    _, ended, _ = go("darts", "ridgenet", {"flops": 1e9}, preference=0.05, stop="eigenvalue", **SWEEP)
    curvatures = torch.tensor([record.content["eigenvalue"] for record in ended.records], dtype=torch.float64)
    last = len(curvatures)
    assert 10 <= last < 20 == len(free.records)
    assert [_stopping.grows_too_fast(curvatures[:n]) for n in range(10, last + 1)] == [False] * (last - 10) + [True]
    assert [record.content["stopped"] for record in ended.records] == [0.0] * (last - 1) + [1.0]
    assert ended.records[-1].content["entropy"] == free.records[last - 6].content["entropy"]
    assert recommended(ended).tolist() == np.array(free.recommended[last - 6].content).tolist()


def test_what_an_early_end_leaves_goes_to_the_later_preferences() -> None:
    options = {**SWEEP, "preferences": 2, "steps": None}
    steps = {}
    for stop in ("never", "eigenvalue"):
        run, history, _ = go("darts", "ridgenet", {"flops": 1500}, stop=stop, **options)
        assert 1500 <= run.spent.flops < 1600
        firsts = [r.content["step"] for r in history.records if r.content["preference"][0] < 0.5]
        steps[stop] = max(firsts)
    assert steps["eigenvalue"] < steps["never"] == 125


@pytest.mark.parametrize(
    ("stop", "genes", "stops"),
    [
        ("skips", (cell.SKIP, cell.SKIP, 3, 3, 3, 3), True),
        ("skips", (cell.SKIP, cell.POOL, 3, 3, 3, 3), False),
        ("convolutions", (3, 3, 2, 3, 2, cell.SKIP), True),
        ("convolutions", (3, 3, 2, 3, cell.NONE, cell.SKIP), False),
        ("never", (3, 3, 3, 3, 3, 3), False),
    ],
)
def test_counts_of_operations_end_a_search(stop: str, genes: tuple[int, ...], stops: bool) -> None:
    search = cells(stop=stop)
    with torch.no_grad():
        search.alpha[torch.arange(6), torch.tensor(genes)] = 1.0
    assert _stopping.watch(search) == ({} if stop == "never" else {"stopped": float(stops)})
    assert (search.progress == 1.0) == stops


def test_an_order_that_stays_for_ten_marks_ends_a_search() -> None:
    search = cells(stop="ranking")
    orders = [(cell.CONV1, cell.CONV3), (cell.CONV3, cell.CONV1)]

    def watch(gene: int, first: int) -> dict[str, float]:
        with torch.no_grad():
            search.alpha[gene, list(orders[first])] = torch.tensor([2.0, 1.0])
            search.alpha[:, [cell.NONE, cell.SKIP, cell.POOL]] = torch.rand(6, 3, generator=search.generator) * 5
        return dict(_stopping.watch(search))

    for place in range(6):
        watch(place, 0)
    counts = [watch(3, 1)["stable"], *(watch(3, 1)["stable"] for _ in range(9))]
    assert counts == list(range(10))  # the others, operations without weights, may change places
    assert search.progress == 0.0
    assert watch(3, 1) == {"stable": 10.0, "stopped": 1.0}
    assert search.progress == 1.0


def test_an_order_that_changes_begins_to_count_anew() -> None:
    search = cells(stop="ranking")
    for mark in range(40):
        with torch.no_grad():
            search.alpha[2, cell.CONV1] = float(mark // 9 % 2) - 0.5
            search.alpha[2, cell.CONV3] = 0.0
        assert _stopping.watch(search)["stopped"] == 0.0


def test_the_order_counts_operations_with_weights() -> None:
    alpha = torch.tensor([[0.9, 0.1, 0.3, 0.2, 0.8], [0.0, 0.0, 0.1, 0.2, 0.0]])
    assert _stopping.ranking(alpha, cell.CHOICES[:2]).tolist() == [2, 3, 3, 2]


def test_rules_that_a_problem_cannot_meet_are_refused() -> None:
    with pytest.raises(ValueError, match=r"stop='ranking' orders operations with weights, .* a plain vector"):
        go("darts", "quadratic", {"flops": 100}, stop="ranking")
    with pytest.raises(ValueError, match=r"counts convolutions, and this problem has none .* none, linear, cubic"):
        go("milenas", "ridgenet", {"flops": 100}, stop="convolutions")
    with pytest.raises(
        ValueError, match="expected one of never, eigenvalue, skips, ranking, convolutions, found 'soon'"
    ):
        _stopping.check("soon", ())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="option 'stop'"):
        check_options(find("searcher", "darts"), {"stop": "soon"})
    with pytest.raises(ValueError, match="alpha is a plain vector"):
        go("darts", "quadratic", {"flops": 100}, selection="perturbation")


# selection by perturbation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preference", [1.0, 0.7])
def test_the_worth_of_an_operation_is_the_loss_without_it_less_the_cost_of_it(preference: float) -> None:
    search, ledger = opened(preference=preference)
    search.scales = torch.tensor([12.0], dtype=torch.float64)
    p = torch.softmax(search.alpha.detach(), -1)
    found = _selection.losses_without(search, 1, p)
    assert sum(ledger) == 4 * _selection.BATCHES
    for op, cost in enumerate((0, 1, 3, 4)):
        without = p.clone()
        without[1, op] = 0.0
        rest = float(((p[[0, 2]]) @ torch.tensor([0.0, 1, 3, 4], dtype=torch.float64)).sum())
        loss = float(search.network.valid_loss(search.weights, without, None).detach())
        assert float(found[op]) == pytest.approx(preference * loss - (1 - preference) * (rest + cost) / 12)


def test_genes_are_decided_one_by_one_for_the_operation_that_is_missed_most() -> None:
    search, _ = opened(preference=1.0)
    decided = torch.full((3,), -1)
    while (decided < 0).any():
        p = _selection.mixture(torch.softmax(search.alpha.detach(), -1), decided)
        worth = [_selection.losses_without(search, gene, p) for gene in range(3)]
        before = decided.clone()
        _selection.decide(search, int((decided >= 0).sum()) + 1)
        decided = search.extra["decided"]
        (gene,) = torch.nonzero(decided != before).flatten().tolist()
        assert int(decided[gene]) == int(worth[gene].argmax())
    assert search.network.discretise(search.alpha)[0].tolist() == decided.tolist()
    shares = _selection.mixture(torch.softmax(search.alpha, -1), decided)
    assert shares.tolist() == torch.nn.functional.one_hot(decided, 4).tolist()


def test_selection_takes_the_last_quarter_of_a_search() -> None:
    run, history, _ = go("darts", "ridgenet", {"flops": 1e9}, selection="perturbation", **SWEEP)
    decided = [record.content.get("decided", 0) for record in history.records]
    assert decided == [0] * 15 + [1, 2, 3, 3, 3]
    assert run.spent.flops == 45 * 6 + 15 * 3 + 3 * 4 * _selection.BATCHES  # steps, training, and 12 comparisons


def test_what_was_selected_is_what_is_found_and_nothing_else_is_compared() -> None:
    sweep = {**SWEEP, "selection": "perturbation"}
    one, many = (go("darts", "ridgenet", {"flops": 1e9}, **sweep | {"candidates": n}) for n in (1, 8))
    assert recommended(many[1]).tolist() == recommended(one[1]).tolist()
    assert many[0].spent == one[0].spent


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_coarse_searches_decide_all_genes_too(steps: int) -> None:
    _, history, reason = go("darts", "ridgenet", {"flops": 1e9}, selection="perturbation", **{**SWEEP, "steps": steps})
    assert reason == "finished"
    assert history.records[-1].content["step"] == steps


def test_selection_keeps_to_the_budget() -> None:
    run, history, reason = go(
        "implicit", "ridgenet", {"flops": 2000}, selection="perturbation", **{**SWEEP, "steps": None, "preferences": 3}
    )
    assert 2000 <= run.spent.flops < 2400
    assert reason in ("finished", "budget: flops")
    assert 1 <= len(recommended(history)) <= 3


# partial connections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["darts", "unrolled", "implicit", "milenas"])
def test_partial_connections_make_a_step_cheaper(name: str) -> None:
    spent = {}
    for share in (1, 2):
        options = {"partial_channels": share, "preferences": 1, "steps": 2, "finalists": 0}
        result = mobench.run(name, "motif:batch=16", budget={"trainings": 1}, **options)
        spent[share] = result.history.total["flops"]
    assert spent[2] < spent[1]


def test_partial_connections_need_channels() -> None:
    with pytest.raises(ValueError, match="partial_channels: a toy has no channels"):
        go("darts", "ridgenet", {"flops": 100}, partial_channels=4)


@pytest.mark.parametrize(
    "options",
    [
        {"stop": "eigenvalue", "preferences": 2, "steps": 24},
        {"stop": "ranking", "preferences": 2, "steps": 24},
        {"selection": "perturbation", "preferences": 2, "steps": 12},
        {"relaxation": "dirichlet", "selection": "perturbation", "stop": "eigenvalue", "preferences": 2, "steps": 24},
    ],
    ids=["stop", "ranking", "selection", "all"],
)
@pytest.mark.parametrize("at", [3, 9, 17])
def test_killed_runs_go_on_to_the_same_end(options: dict[str, Any], at: int, tmp_path: Path) -> None:
    check_resuming("darts", {**FAST, **RATES, **options}, at, tmp_path)
