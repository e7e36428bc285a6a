"""Bilevel searchers as users run them: outcomes on the toys, the ledger, the seed, resuming, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from _toy_runs import FAST, PUBLISHED, RATES, check_resuming, ends, go, recommended, toy

from mobench import Run, make_problem
from mobench.core.budget import parse_budget
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.searchers._relaxed import hypergradients as _hypergradients
from mobench.searchers._relaxed import linear as _linear
from mobench.searchers._relaxed.portrait import entropy, portrait
from mobench.searchers._relaxed.preferences import preferences
from mobench.searchers._relaxed.search import CLIP, clipped, initial
from mobench.searchers._relaxed.settings import Bilevel, BilevelAdam
from mobench.searchers._relaxed.units import cost_scales
from mobench.searchers.bilevel import darts, milenas

pytestmark = pytest.mark.long

torch.set_num_threads(1)
SEARCHERS = ("darts", "implicit", "auxiliary", "unrolled", "f2sa", "bome", "milenas")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("implicit", {"damping": 0.0, **RATES}),
        ("implicit", {"solver": "neumann", "products": 20, **RATES}),
        ("auxiliary", {"damping": 0.0, "step_size": "quadratic"}),
        ("auxiliary", {"norm": "inf", "inner_steps": 5}),
        ("unrolled", {"unroll": 20, **RATES}),
        ("f2sa", {"growth": 7.0, "multiplier": 10.0, "inner_steps": 5, **RATES}),
    ],
)
def test_the_quadratic_toy_is_solved(name: str, options: dict[str, Any]) -> None:
    """T1: the optimum's F is 0.173140; single-level answers are far from it."""
    found = ends(name, "quadratic", {"flops": 1e9}, steps=60, **FAST, **options)
    # unrolling is cut short as the learning rate falls: its answer is biased
    assert found[-1, 0] == pytest.approx(0.173140, abs=0.02 if name == "unrolled" else 2e-3)


@pytest.mark.parametrize("order", [1, 2])
def test_first_order_darts_ends_at_zero_whatever_the_data(order: int) -> None:
    """T1: its hypergradient is rho alpha; the one-step gradient sees a part of the response only."""
    _, history, _ = go("darts", "quadratic", {"flops": 1e9}, steps=150, order=order, **FAST, **RATES)
    alpha = toy("quadratic").alpha(recommended(history))[-1]
    assert (np.abs(alpha).max() < 0.05) == (order == 1)


SKIP = {"learning_rate": 0.01, "momentum": 0.0, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("name", "options", "collapses"),
    [
        ("darts", {"alpha_rate": 0.02, "alpha_decay": 0.0}, True),
        ("darts", {"alpha_rate": 0.02, "alpha_decay": 0.0, "order": 2}, True),
        ("milenas", {"alpha_rate": 0.02, "alpha_decay": 0.0}, True),
        ("implicit", {"alpha_rate": 0.02, "alpha_decay": 0.0, "inner_steps": 1}, False),
        ("auxiliary", {"inner_steps": 1}, False),
    ],
)
def test_who_collapses_to_the_skip(name: str, options: dict[str, Any], collapses: bool) -> None:
    """T5: F is 5e-3 at the skip (p = 0) and 5e-5 at the operation (p = 1)."""
    found = ends(name, "skip_collapse", {"flops": 1e9}, steps=300, **SKIP, **options)[-1, 0]
    assert found > 2e-3 if collapses else found < 2e-4


FRONT = {0.1: (1.837551, 0.043256), 0.3: (0.850489, 0.277204), 0.7: (0.150813, 0.921651), 0.9: (0.030212, 1.431373)}


@pytest.mark.parametrize("first", FRONT)
def test_a_preference_leads_to_its_point_of_the_front(first: float) -> None:
    """T6."""
    found = ends(
        "auxiliary", "quadratic_front", {"flops": 1e9}, steps=12, preference=first, inner_steps=15, radius=0.5,
        step_size="quadratic", damping=0.0, **FAST,
    )  # fmt: skip
    assert found[-1] == pytest.approx(FRONT[first], abs=0.01)


def test_common_descent_ends_on_the_front() -> None:
    """T6: the scalarised optimum with weights r, 1 - r has f_1' : f_2' as 1 - r : r, so each f_1 has its f_2."""
    from mobench.problems.toys.bilevel_toys import quadratic_optimum

    found = ends(
        "auxiliary", "quadratic_front", {"flops": 1e9}, steps=25, preferences=1, aggregation="min_norm", inner_steps=15,
        **FAST,
    )  # fmt: skip
    r = np.linspace(0.02, 0.98, 97)
    front = toy("quadratic_front").exact(quadratic_optimum((1 - r) / r))
    assert np.abs(front - found[-1]).max(axis=1).min() < 0.05


def test_a_sweep_gives_a_set_from_cheap_to_accurate() -> None:
    _, history, _ = go(
        "implicit",
        "quadratic_front",
        {"flops": 6000},
        preferences=4,
        inner_steps=3,
        damping=0.0,
        alpha_rate=0.1,
        **FAST,
    )
    F = toy("quadratic_front").score(recommended(history))
    assert len(F) == 4
    assert (np.diff(F[:, 0]) < 0).all()
    assert (np.diff(F[:, 1]) > 0).all()
    swept = [record.content["preference"][0] for record in history.records]
    assert sorted(set(swept)) == pytest.approx([0.05, 0.35, 0.65, 0.95])


def test_ridgenets_hypergradient() -> None:
    """Golden rows at alpha = 0 with the exact lower level; the first-order gradient is another."""
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    alpha, weights = network.initial_alpha(), network.initial_weights()

    def lower(w: _linear.Weights, a: torch.Tensor) -> torch.Tensor:
        return network.train_loss(w, torch.softmax(a, -1), None)

    def upper(w: _linear.Weights, a: torch.Tensor) -> torch.Tensor:
        return network.valid_loss(w, torch.softmax(a, -1), None)

    def solve(multiply: _linear.Operator, u: _linear.Vector) -> _linear.Solution:
        return _linear.conjugate_gradients(multiply, u, iterations=400, tolerance=1e-14)

    slope = _linear.gradient(lower(weights, alpha), weights, graph=True)
    move = solve(_linear.product(slope, weights), _linear.times(_linear.detached(slope, leaf=False), -1.0))
    weights = _linear.detached(_linear.plus(weights, move.x))
    assert float(upper(weights, alpha).detach()) == pytest.approx(0.048565, abs=1e-6)
    h, _ = _hypergradients.implicit_gradient(upper, lower, weights, alpha, solve=solve)
    golden = [
        [0.007756, -0.005974, -0.018372, 0.016590],
        [0.008228, 0.011659, 0.012557, -0.032445],
        [0.000346, 0.000732, 0.000676, -0.001754],
    ]
    assert h.numpy() == pytest.approx(np.array(golden), abs=2e-6)
    first = darts.hypergradient(upper, weights, alpha)
    assert first[0].tolist() == pytest.approx([0.019596, -0.005696, -0.020246, 0.006346], abs=2e-6)


@pytest.mark.parametrize("name", SEARCHERS)
def test_searchers_find_trade_offs_of_ridgenet_and_keep_to_the_budget(name: str) -> None:
    options: dict[str, Any] = {"preferences": 3, "learning_rate": 0.3, "weight_decay": 0.0}
    options |= {"products": 5} if name == "auxiliary" else {"alpha_rate": 0.1}
    run, history, reason = go(name, "ridgenet", {"flops": 1500}, **options)
    assert reason in ("finished", "budget: flops")
    assert 1500 <= run.spent.flops < 1500 + 400  # the last step may be finished
    assert run.spent.evaluations == 0
    X = recommended(history)
    assert 1 <= len(X) <= 3
    assert len(np.unique(X, axis=0)) == len(X)
    assert len(history.recommended) >= 5
    assert {"preference", "step", "entropy", "margin", "gradient"} <= set(history.records[-1].content)


@pytest.mark.parametrize("relaxation", ["gumbel", "concrete", "reinmax", "dirichlet"])
@pytest.mark.parametrize("name", SEARCHERS)
def test_searchers_sample_by_their_seed(name: str, relaxation: str) -> None:
    before = torch.random.get_rng_state()
    logs = [
        go(name, "ridgenet", {"flops": 400}, seed=seed, preferences=1, relaxation=relaxation)[1].records
        for seed in (1, 1, 2)
    ]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert logs[0] == logs[1]
    assert logs[0] != logs[2]


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("at", [2, 17])
def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_end(name: str, at: int, tmp_path: Path) -> None:
    check_resuming(name, {"preferences": 2, "relaxation": "gumbel", "steps": 12}, at, tmp_path)


@pytest.mark.parametrize("flops", [1, 6, 7])
def test_a_budget_of_a_step_ends_in_good_order(flops: float) -> None:
    run, history, reason = go("darts", "ridgenet", {"flops": flops}, preferences=3, warm_up=0.0)
    assert reason == "budget: flops"
    assert run.spent.flops <= flops + 5
    assert len(recommended(history)) == 1


def test_steps_limit_a_search_where_the_budget_does_not() -> None:
    run, history, reason = go("darts", "ridgenet", 10, steps=30, preferences=2, **PUBLISHED)
    assert reason == "finished"
    assert history.records[-1].content["step"] == 30
    assert run.spent.flops == 2 * 30 * (2 * 3)  # forward and backward of both levels


@pytest.mark.parametrize(
    ("name", "options", "price"),
    [
        ("darts", {}, 3 + 3),
        ("darts", {"order": 2}, 3 + 3 + 2 * 3 + 3),
        ("milenas", {}, 2 * 3 + 3),
        ("unrolled", {"unroll": 4}, 4 * (3 + 6) + 3),
        ("implicit", {"solver": "idarts"}, 4 * 3 + 3 + 3 + 2 * 6 + 2 * 3),
        ("implicit", {"solver": "neumann", "products": 4}, 4 * 3 + 3 + 3 + (3 + 4) * 6 + 6),
        ("f2sa", {}, 9 + 9),
        ("bome", {"inner_steps": 4}, 4 * 3 + 2 * 3 + 3),
    ],
)
def test_a_step_costs_what_it_computes(name: str, options: dict[str, Any], price: float) -> None:
    """In forward passes of one loss: a backward pass is 2, one through a gradient 6."""
    run, _, _ = go(name, "ridgenet", {"flops": 1e9}, steps=5, preferences=1, learning_rate=0.1, **PUBLISHED, **options)
    assert run.spent.flops == 5 * price


def test_model_size_based_search_keeps_one_architecture_a_number_of_operations_with_weights() -> None:
    _, history, _ = go("milenas", "ridgenet", {"flops": 1500}, keep="sizes", relaxation="gumbel", alpha_rate=0.3)
    sizes = [sum(op > 0 for op in x) for x in recommended(history).tolist()]
    assert len(sizes) >= 2
    assert sizes == sorted(set(sizes))


def test_the_best_of_a_size_is_the_one_with_the_least_one_shot_error() -> None:
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    search = initial(network, milenas.Options(), np.array([0.5, 0.5]), 0)
    with torch.no_grad():
        search.weights["w"].normal_(generator=torch.Generator().manual_seed(0))
    X = toy("ridgenet").space.all()
    for x in X:
        kept = milenas.best_of_each_size(search, x[None], batches=1)
    errors, sizes = network.one_shot(search.weights, X, batches=1), (X > 0).sum(axis=1)
    assert kept.tolist() == [X[sizes == n][errors[sizes == n].argmin()].tolist() for n in range(4)]


def test_a_search_that_diverges_says_so() -> None:
    """MiLeNAS on T1 with little weight on validation: the training loss is unbounded below in alpha."""
    _, history, _ = go("milenas", "quadratic", {"flops": 1e9}, steps=200, mixing=1.0, **FAST, **RATES)
    alpha = toy("quadratic").alpha(recommended(history))[-1]
    assert np.abs(alpha).max() == 4.0  # the edge of the box
    with pytest.raises(FloatingPointError, match="lower alpha_rate or learning_rate"):
        go("darts", "ridgenet", {"flops": 1e9}, steps=40, learning_rate=1e300, momentum=0.0, warm_up=0.0)


def test_a_problem_without_a_supernet_is_refused_with_the_reason() -> None:
    problem = make_problem("catsum", {})
    with pytest.raises(ValueError, match="needs = "):
        find("searcher", "darts")(Run(problem, limit=parse_budget(10, problem.training)))


@pytest.mark.parametrize(
    ("option", "value"), [("preference", 1.5), ("relaxation", "hard"), ("learning_rate", 0.0), ("order", 3)]
)
def test_bad_options_are_refused(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"option '{option}'"):
        check_options(find("searcher", "darts"), {option: value})


# the parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_preferences_lie_on_the_simplex_and_differ(m: int, count: int) -> None:
    R = preferences(m, Bilevel(preferences=count))
    assert R.shape == (1 if m == 1 else count, m)
    assert R.sum(axis=1) == pytest.approx(np.ones(len(R)))
    assert R.min() >= 0.05 / m
    assert len(np.unique(R.round(6), axis=0)) == len(R)
    one = preferences(m, Bilevel(preference=0.7))
    assert one.shape == (1, m)
    assert one[0, 0] == (1.0 if m == 1 else 0.7)


def test_costs_are_measured_in_units_of_their_range() -> None:
    problem = toy("ridgenet")
    network = problem.supernet(charge=lambda flops: None, seed=0)
    scale = cost_scales(network, problem.space, 2, network.initial_alpha())
    assert 8 <= float(scale[0]) <= 12  # costs of 50 random cells, of 0 to 12


def test_the_steps_are_those_of_torchs_optimisers() -> None:
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    search = initial(network, BilevelAdam(alpha_rate=0.1, weight_decay=0.2), np.array([0.5, 0.5]), 0)
    alpha = search.alpha.detach().clone().requires_grad_()
    w = search.weights["w"].detach().clone().requires_grad_()
    adam = torch.optim.Adam([alpha], lr=0.1, betas=(0.5, 0.999), weight_decay=1e-3)
    sgd = torch.optim.SGD([w], lr=search.rate, momentum=0.9, weight_decay=0.2)
    for k in range(5):
        alpha.grad, h = torch.cos(alpha.detach() + k), torch.cos(search.alpha.detach() + k)
        adam.step()
        search.step_alpha(h)
        search.count += 1
        w.grad = None
        network.train_loss({"w": w}, torch.softmax(alpha.detach(), -1), None).backward()
        sgd.step()
        search.train(search.lower(search.relax()))
        assert torch.allclose(search.alpha, alpha, atol=1e-12)
        assert torch.allclose(search.weights["w"], w, atol=1e-12)
    assert search.rate == 0.025
    search.progress = 1.0
    assert search.rate == pytest.approx(0.001)


def test_clipping_and_entropy() -> None:
    long = {"a": torch.full((4,), 10.0)}
    assert _linear.norm(clipped(long)) == pytest.approx(CLIP)
    short = {"a": torch.ones(2)}
    assert clipped(short)["a"].tolist() == [1, 1]
    assert entropy(torch.zeros(3, 4)) == pytest.approx(np.log(4))


def test_the_portrait_of_alpha() -> None:
    alpha = torch.tensor([[0.0, np.log(3.0)], [np.log(3.0), 0.0], [0.0, 9.0], [0.0, 50.0]])
    genes = (("skip_connect", "nor_conv_3x3"),) * 4
    found = portrait(alpha[:2], genes[:2])
    quarters = -(np.log(0.25) + 3 * np.log(0.75)) / 4
    assert found == {"entropy": pytest.approx(quarters, abs=1e-6), "margin": pytest.approx(0.5), "skips": 0.5}
    assert portrait(alpha, genes)["skips"] == 0.25
    assert set(portrait(alpha, (("none", "linear"),) * 4)) == {"entropy", "margin"}
