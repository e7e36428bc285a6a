"""The auxiliary program's options: side constraints, mixtures of objectives, warm solves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from _toy_runs import FAST, check_resuming, ends, go, recommended, toy
from scipy.optimize import linprog

from mobench.searchers._relaxed import joint as _joint
from mobench.searchers._relaxed.search import Search, initial
from mobench.searchers._relaxed.settings import Settings
from mobench.searchers.bilevel import auxiliary

torch.set_num_threads(1)
SWEEP = {"steps": 25, "inner_steps": 15, "radius": 0.2, "damping": 0.0, **FAST}


def opened(first: float = 0.5) -> tuple[Search, _joint.Point]:
    """T6 at alpha = (0.5, -0.5) and its exact weights."""
    network = toy("quadratic_front").supernet(charge=lambda flops: None, seed=0)
    search = initial(network, Settings(weight_decay=0.0), np.array([first, 1 - first]), 0)
    search.weights["w"].data = torch.tensor([6 / 7, -3 / 7], dtype=torch.float64)
    relaxed = search.relax()
    point = _joint.Point(
        search.valid(relaxed), search.costs(relaxed), search.lower(relaxed), search.weights, search.alpha
    )
    return search, point


def test_a_limit_on_a_cost_is_a_row_of_the_linear_program() -> None:
    """The box program in (d_alpha, d_w), its response as equations and ``grad c . d_alpha <= (T - c) / radius``."""
    search, point = opened(1.0)
    joint = _joint.direction(
        point, mixture=lambda f, H: search.preference, ball="inf", limits=auxiliary._excess(search, (0.2,)), radius=0.2
    )
    A, B = np.array([[2, 0.5], [0.5, 1]]), np.array([[1.0, 0], [1, 1]])
    u = point.weights["w"].detach().numpy() - [1, 2]
    theirs = linprog(
        np.concatenate([np.zeros(2), u]),
        A_ub=[[0.5, -0.5, 0, 0]],  # the gradient of ||alpha||^2 / 2, which is 0.25 here
        b_ub=[(0.2 - 0.25) / 0.2],
        A_eq=np.hstack([-B, A]),
        b_eq=np.zeros(2),
        bounds=[(-1, 1)] * 2 + [(None, None)] * 2,
    )
    assert [*joint.alpha.tolist(), *joint.weights["w"].tolist()] == pytest.approx(theirs.x.tolist(), abs=1e-7)
    assert joint.alpha.tolist() == pytest.approx([0.5, 1.0])
    assert joint.slope == pytest.approx(theirs.fun)


def test_boxing_the_weights_too_turns_the_direction_of_alpha() -> None:
    """Why the weights' direction is left free: all four variables in [-1, 1] give another alpha, and a worse slope."""
    _, point = opened(1.0)
    joint = _joint.direction(point, mixture=lambda f, H: torch.tensor([1.0, 0.0], dtype=torch.float64), ball="inf")
    A, B = np.array([[2, 0.5], [0.5, 1]]), np.array([[1.0, 0], [1, 1]])
    u = point.weights["w"].detach().numpy() - [1, 2]
    boxed = linprog(np.concatenate([np.zeros(2), u]), A_eq=np.hstack([-B, A]), b_eq=np.zeros(2), bounds=[(-1, 1)] * 4)
    assert joint.alpha.tolist() == [1, 1]
    assert boxed.x[:2] != pytest.approx([1, 1], abs=0.1)
    assert boxed.fun > joint.slope + 0.1


def test_a_search_under_a_limit_ends_at_the_best_point_that_it_allows() -> None:
    """T6: on the front, size 0.277204 goes with distance 0.850489, and 0.582311 with 0.380116."""
    found = ends("auxiliary", "quadratic_front", {"flops": 1e9}, preference=1.0, limits=(0.277204,), **SWEEP)
    assert found[-1] == pytest.approx([0.850489, 0.277204], abs=0.03)


def test_a_search_that_starts_beyond_its_limit_goes_back_to_it() -> None:
    """RidgeNet: 3 x 2 weights are expected at first."""
    options = {"steps": 30, "inner_steps": 5, "radius": 1.0, **FAST}
    _, history, _ = go("auxiliary", "ridgenet", {"flops": 1e9}, preference=1.0, limits=(3.0,), **options)
    F = toy("ridgenet").score(recommended(history))
    assert 1 <= F[-1, 1] <= 5
    assert F[-1, 0] < 0.9
    free = ends("auxiliary", "ridgenet", {"flops": 1e9}, preference=1.0, **options)
    assert free[-1, 1] > F[-1, 1]


def test_limits_are_as_many_as_costs() -> None:
    with pytest.raises(ValueError, match="limits: expected 1, one an objective but the first, found 2"):
        go("auxiliary", "ridgenet", {"flops": 1000}, limits=(3.0, 4.0))


def test_epo_ends_where_the_weighted_objectives_are_equal() -> None:
    """T6, preference 1/2: the front's point with f_1 = f_2."""
    found = ends("auxiliary", "quadratic_front", {"flops": 1e9}, preference=0.5, aggregation="epo", **SWEEP)
    r = np.linspace(0.01, 0.99, 981)
    from mobench.problems.toys.bilevel_toys import quadratic_optimum

    front = toy("quadratic_front").exact(quadratic_optimum((1 - r) / r))
    middle = front[np.abs(front[:, 0] - front[:, 1]).argmin()]
    assert found[-1] == pytest.approx(middle, abs=0.15)
    assert np.abs(front - found[-1]).max(axis=1).min() < 0.02


def test_warm_solves_start_from_the_solution_before() -> None:
    search, point = opened()
    options = auxiliary.Options(solver="cg", products=2, damping=0.0, warm=True)
    solver = auxiliary._solver(search, options, {})

    def direction() -> _joint.Joint:
        return _joint.direction(point, mixture=lambda f, H: search.preference, prepare=solver)

    first, again = direction(), direction()
    assert first.products == 4
    assert again.products == 2  # one each, to see that nothing is left to do
    assert again.h.tolist() == pytest.approx(first.h.tolist())
    assert set(search.extra) == {"adjoint/w", "response/w"}


def test_a_killed_run_keeps_its_solutions(tmp_path: Path) -> None:
    options = {
        "solver": "cg",
        "warm": True,
        "aggregation": "epo",
        "preferences": 2,
        "steps": 6,
        "limits": (6.0,),
        "inner_steps": 2,
    }
    check_resuming("auxiliary", options, 4, tmp_path)
