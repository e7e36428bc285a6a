"""Which solver ends where: ridge, tolls, many lower-level minima, and RidgeNet's relaxations with exact weights."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from _toy_runs import FAST, RATES, ends, go, recommended, toy
from torch import Tensor

from mobench.problems._toys import ridgenet_data as ridgenet
from mobench.searchers._relaxed import hypergradients as _hypergradients
from mobench.searchers._relaxed.linear import Operator, Solution, Vector, Weights

torch.set_num_threads(1)

IMPLICIT: dict[str, Any] = {"damping": 0.0, "inner_steps": 10, **FAST, **RATES}
JOINT: dict[str, Any] = {"damping": 0.0, "inner_steps": 10, "step_size": "quadratic", **FAST}


@pytest.mark.parametrize(
    ("name", "options"), [("implicit", IMPLICIT), ("auxiliary", JOINT), ("f2sa", {"multiplier": 50.0, **FAST, **RATES})]
)
def test_the_ridge_penalty_is_found(name: str, options: dict[str, Any]) -> None:
    """T2: the optimum is -0.686526, where F is 0.018125; at the start, 0, F is 0.133136."""
    found = ends(name, "ridge", {"flops": 1e9}, steps=60, **options)
    assert found[-1, 0] == pytest.approx(0.018125, abs=5e-4)


@pytest.mark.parametrize(("name", "options"), [("darts", {**FAST, **RATES}), ("milenas", {**FAST, **RATES})])
def test_methods_without_the_weights_response_leave_the_ridge_penalty_where_it_is_or_make_it_worse(
    name: str, options: dict[str, Any]
) -> None:
    """T2: F does not depend on the penalty directly."""
    assert ends(name, "ridge", {"flops": 1e9}, steps=60, **options)[-1, 0] >= 0.133


@pytest.mark.parametrize(("problem", "toll", "revenue"), [("toll", 1.5, 1.125), ("toll_saturated", 4.0, 4.0)])
@pytest.mark.parametrize(("name", "options"), [("implicit", IMPLICIT), ("auxiliary", JOINT)])
def test_the_toll_is_set(name: str, options: dict[str, Any], problem: str, toll: float, revenue: float) -> None:
    """T3: in the interior, and on the kink at which the route stops being full."""
    _, history, _ = go(name, problem, {"flops": 1e9}, steps=80, **options)
    X = recommended(history)[-1:]
    assert toy(problem).alpha(X)[0, 0] == pytest.approx(toll, abs=0.15)  # steps hop over the kink
    assert -toy(problem).score(X)[0, 0] == pytest.approx(revenue, abs=0.15)


@pytest.mark.parametrize(
    ("name", "options"), [("implicit", {**IMPLICIT, "solver": "neumann", "products": 20}), ("auxiliary", JOINT)]
)
def test_where_the_lower_level_has_many_minima_the_answer_from_zero_is_found(
    name: str, options: dict[str, Any]
) -> None:
    """T4: F = 0.25 at alpha = 1 for weights that gradient descent reaches from zero; the optimistic 0 is not seen."""
    assert ends(name, "non_unique", {"flops": 1e9}, steps=60, **options)[-1, 0] == pytest.approx(0.25, abs=5e-3)


# RidgeNet with exact weights ------------------------------------------------------------------------------------------

(P, Y), (V, Z) = ([torch.from_numpy(a) for a in ridgenet.data(o)] for o in (0, 1000))
OWNERS = torch.from_numpy(ridgenet.OWNERS)
CELLS = torch.tensor(list(itertools.product(range(4), repeat=3)))
MASKS = torch.cat([torch.ones(64, 1), (CELLS[:, OWNERS[:, 0]] == OWNERS[:, 1]).double()], dim=1).double()
COSTS = torch.tensor(ridgenet.TERMS, dtype=torch.float64)


def mixed(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """One network, (1, 25) columns scaled by their shares, with probability 1."""
    p = torch.softmax(alpha, dim=1)
    return torch.cat([p.new_ones(1), p[OWNERS[:, 0], OWNERS[:, 1]]])[None], p.new_ones(1)


def sampled(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """All 64 cells, (64, 25) columns on or off, and their probabilities: the exact expectation of one-hot paths."""
    p = torch.softmax(alpha, dim=1)
    return MASKS, p[torch.arange(3), CELLS].prod(dim=1)


def ended(
    networks: Callable[[Tensor], tuple[Tensor, Tensor]], r: float, *, rate: float, steps: int
) -> tuple[Any, float]:
    """Descend ``r F + (1 - r) cost / 12`` on alpha from 0 with exact weights; the cell at the end, and its F there."""

    def error(columns: tuple[Tensor, Tensor], w: Tensor, data: Tensor, target: Tensor) -> Tensor:
        scales, share = columns
        return share @ ((data @ (scales * w).T - target[:, None]) ** 2).mean(dim=0)

    def lower(weights: Weights, alpha: Tensor) -> Tensor:
        return error(networks(alpha), weights["w"], P, Y) / 2 + ridgenet.RIDGE * (weights["w"] ** 2).sum() / 2

    def upper(weights: Weights, alpha: Tensor) -> Tensor:
        cost = (torch.softmax(alpha, dim=1) @ COSTS).sum() / 12
        return r * error(networks(alpha), weights["w"], V, Z) + (1 - r) * cost

    alpha = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    for _ in range(steps + 1):
        scales, share = (x.detach() for x in networks(alpha))
        H = torch.einsum("n,nk,nl->kl", share, scales, scales) * (P.T @ P / len(Y))
        H = H + ridgenet.RIDGE * torch.eye(25, dtype=torch.float64)
        weights = {"w": torch.linalg.solve(H, (share @ scales) * (P.T @ Y / len(Y))).requires_grad_()}

        def solve(multiply: Operator, u: Vector, H: Tensor = H) -> Solution:
            return Solution({"w": torch.linalg.solve(H, u["w"])}, 0, 0.0)

        value = error(networks(alpha), weights["w"], V, Z)
        h, _ = _hypergradients.implicit_gradient(upper, lower, weights, alpha, solve=solve)
        cell = alpha.detach().argmax(dim=1)
        with torch.no_grad():
            alpha -= rate * h
    return tuple(cell.tolist()), float(value.detach())


def test_mixtures_find_the_best_cell_when_cost_does_not_count() -> None:
    assert ended(mixed, 1.0, rate=2.0, steps=300)[0] == (2, 3, 2)


def test_mixtures_report_a_low_error_for_a_cheap_poor_cell_when_it_does() -> None:
    """The weights make up for small shares: F is 0.0212 in the supernet and above 0.5 standing alone."""
    cell, F = ended(mixed, 0.9, rate=2.0, steps=300)
    error, cost = toy("ridgenet").score(np.array([cell]))[0]
    assert F == pytest.approx(0.0212, abs=5e-4)
    assert (cost, error > 0.5) == (1, True)


@pytest.mark.parametrize(
    ("r", "cell"), [(0.9, (1, 3, 0)), (0.7, (1, 2, 0)), (0.5, (1, 1, 0)), (0.3, (1, 1, 0)), (0.1, (0, 0, 0))]
)
def test_one_hot_paths_end_on_the_true_front(r: float, cell: tuple[int, ...]) -> None:
    assert ended(sampled, r, rate=30.0, steps=120)[0] == cell
    assert list(cell) in toy("ridgenet").front()[0].tolist()


def test_one_hot_paths_miss_the_best_cell_when_cost_does_not_count() -> None:
    cell, _ = ended(sampled, 1.0, rate=30.0, steps=120)
    assert cell == (2, 3, 3)
    assert toy("ridgenet").score(np.array([cell]))[0, 0] == pytest.approx(0.0178, abs=1e-4)
