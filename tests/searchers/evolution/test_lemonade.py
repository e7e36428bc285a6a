"""LEMONADE: children inherit what their parents learned, the population is a front, and a kill changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from _toy_runs import check_killed

import mobench
from mobench import Cost, Run, make_problem, nondominated
from mobench.harness.spec import RunSpec
from mobench.searchers.evolution import lemonade

RIDGENET = "bilevel_toys:name=ridgenet"
FAST = {"learning_rate": 0.3, "momentum": 0.0, "weight_decay": 0.0, "batches": 1}


def test_the_population_is_nondominated_by_error_and_exact_cost() -> None:
    result = mobench.run("lemonade", RIDGENET, budget={"trainings": 12}, seed=1, finalists=0, **FAST)
    X = np.array(result.history.recommended[-1].content)
    cost = result.problem.score(X)[:, 1]
    assert len(X) > 2
    assert len(np.unique(cost)) == len(X), "of two as expensive ones one is better"
    assert result.history.recommended[-1].spent["flops"] <= result.limit.flops


def test_children_are_neighbours_and_begin_with_their_parents_weights() -> None:
    given = []

    class Network:
        def initial_alpha(self):
            return torch.zeros(3, 4, dtype=torch.double)

        def initial_weights(self):
            return {"w": torch.zeros(2, dtype=torch.double, requires_grad=True)}

        def costs(self, p):
            return p[:, 1:].sum()[None]

        def morph(self, weights, parent, child):
            given.append((weights["w"].clone(), parent, child))
            return {"w": weights["w"] + 1.0}

    run = Run(make_problem("bilevel_toys", {"name": "ridgenet"}), limit=Cost(1e9, 1e9, 1e9, 1e9), seed=2)
    X = np.array([[0, 1, 2], [3, 3, 3]])
    own = [{"w": torch.full((2,), float(i), dtype=torch.double)} for i in range(2)]
    members = lemonade.Members(X, np.array([[1.0, 2.0], [0.5, 3.0]]), own, run.space.key(X))
    children, weights = lemonade._offspring(run, Network(), members, lemonade.Options())
    assert len(children) == len(weights) == 5
    for (w, parent, _), child, begun in zip(given, children, weights, strict=True):
        i = int(np.flatnonzero((X == parent).all(axis=1))[0])
        assert w.tolist() == [i, i]
        assert begun["w"].tolist() == [i + 1, i + 1]
        assert (child != parent).sum() == 1
        assert run.space.key(child[None])[0] not in members.known


def test_inherited_weights_of_networks_without_morphisms_are_copies() -> None:
    weights = {"w": torch.zeros(2)}
    own = lemonade._inherited(object(), weights, np.zeros(3), np.ones(3))
    own["w"] += 1.0
    assert weights["w"].tolist() == [0.0, 0.0]


def test_a_child_is_trained_for_its_share_and_no_more() -> None:
    problem = make_problem("bilevel_toys", {"name": "ridgenet"})
    run = Run(problem, limit=Cost(1e9, 1e9, 1e9, 1e9), seed=2)
    weights = lemonade._fresh(run.supernet)
    options = lemonade.Options(**FAST)
    x = np.array([1, 2, 0])
    before = lemonade._value(run.supernet, weights, x, 1)
    start = run.spent.flops
    lemonade._train(run, run.supernet, weights, x, 60.0, options)
    assert 60.0 <= run.spent.flops - start < 60.0 + 12.0
    after = lemonade._value(run.supernet, weights, x, 1)
    assert after[0] < before[0]
    assert after[1] == before[1]


def test_finalists_are_trained_from_scratch_before_the_budget_ends() -> None:
    result = mobench.run("lemonade", RIDGENET, budget={"trainings": 12}, seed=1, finalists=4, **FAST)
    assert len(result.history.X) == 4
    assert nondominated(result.history.F).any()


@pytest.mark.parametrize("at", [1, 4])
def test_a_run_that_is_killed_goes_on_to_the_same_log(at: int, tmp_path, monkeypatch) -> None:
    spec = RunSpec(RIDGENET.partition(":")[0], "lemonade", 3, {"trainings": 12}, {"name": "ridgenet"}, FAST)
    check_killed(spec, at, tmp_path, monkeypatch)


def test_it_needs_weights_and_a_budget_of_compute() -> None:
    with pytest.raises(ValueError, match="CategoricalSupernet"):
        mobench.run("lemonade", "catsum", budget=10)
    with pytest.raises(ValueError, match="a budget of trainings or flops"):
        mobench.run("lemonade", RIDGENET, budget={"evaluations": 10})
