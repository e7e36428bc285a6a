"""Finalists: what weight sharing found is trained before the budget ends, so that it scores at its budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from _learners import learners
from _toy_runs import toy

import mobench
from mobench import Array, Cost, Objective, Space, Values
from mobench.core.budget import parse_budget
from mobench.core.problem import Problem
from mobench.harness.door import Run
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.searchers._relaxed.finalists import best_first, train_best, train_recommended
from mobench.testing.trial import trial

pytestmark = pytest.mark.long

RIDGENET, TRAINING = "bilevel_toys:name=ridgenet", 300
ONE_SHOT = {"spos", "random_weight_sharing", "enas", "smash", "ghn"}
LEARNING = learners(toy("ridgenet"))


@pytest.mark.parametrize("name", ["spos", "darts", "scalarization"])
def test_three_trainings_on_motif_score_at_three_trainings(name: str) -> None:
    result = mobench.run(name, "motif:batch=256", budget={"trainings": 3})
    assert 1 <= len(result.history.X) <= 5
    assert (result.history.fidelity == 0).all()
    assert result.history.total["flops"] <= result.limit.flops
    assert result.hypervolume() > 0.0
    assert result.hypervolume() == result.curve(axis="trainings")["hypervolume"].iloc[-1]


@pytest.mark.parametrize("name", LEARNING)
def test_what_is_delivered_was_trained_and_paid_from_the_reserve(name: str) -> None:
    result = mobench.run(name, RIDGENET, budget={"flops": 5000}, learning_rate=0.3)
    trained = {tuple(x) for x in result.history.X.tolist()}
    assert 1 <= len(trained) <= 5
    assert result.reason == "finished"
    assert result.history.total["flops"] <= 5000
    assert {tuple(x) for x in result.delivered().tolist()} <= trained
    on_the_way, last = result.history.recommended[-2:]
    assert trained <= {tuple(x) for note in result.history.recommended for x in note.content.tolist()} | set(
        map(tuple, result.history.records[-1].content.get("one_shot_X", []))
    )
    assert on_the_way.answers == 0  # recommendations went before, for the curve beyond the budget
    assert {tuple(x) for x in last.content.tolist()} <= trained
    ended_early = name in ONE_SHOT or name == "lemonade"  # which know the whole of a small space before
    assert ended_early or on_the_way.spent["flops"] >= 5000 - 1.05 * 5 * TRAINING - 400


@pytest.mark.parametrize("name", ["spos", "darts", "modnas"])
def test_without_finalists_nothing_is_trained_and_the_budget_is_learnings(name: str) -> None:
    result = mobench.run(name, RIDGENET, budget={"flops": 1000}, finalists=0, **_long(name))
    assert len(result.history.X) == 0
    assert 990 <= result.history.total["flops"] <= 1010


@pytest.mark.parametrize("name", ["spos", "darts", "modnas"])
def test_a_budget_smaller_than_its_reserve_learns_with_half_and_trains_what_the_rest_pays(name: str) -> None:
    for flops, most in ((400, 0), (1000, 1), (1500, 2)):
        result = mobench.run(name, RIDGENET, budget={"flops": flops}, **_long(name))
        learned = result.history.recommended[-1 if not most else -2].spent["flops"]
        assert flops / 2 - 10 <= learned <= flops / 2 + 10
        assert len(result.history.X) <= most
        assert result.history.total["flops"] <= flops
    assert len(result.history.X) >= 1


def _long(name: str) -> dict[str, Any]:
    """One-shot searchers end by themselves where all is scored: they train for most of their budget."""
    return {"training_share": 0.97} if name == "spos" else {}


def test_no_more_is_kept_than_there_are_answers_to_be_had() -> None:
    result = mobench.run("spos", RIDGENET, budget={"flops": 3000, "evaluations": 2}, **_long("spos"))
    assert result.reason == "budget: evaluations"
    assert len(result.history.X) == 2
    assert result.history.recommended[-2].spent["flops"] > 3000 - 2 * TRAINING - 0.03 * 3000


def test_where_steps_limit_a_search_its_finalists_are_trained_after_it() -> None:
    result = mobench.run("darts", RIDGENET, budget=10, steps=30, preferences=3)
    assert result.reason == "finished"
    assert 1 <= result.history.total["evaluations"] <= 3
    assert result.hypervolume() > 0.0


@pytest.mark.parametrize("name", ["spos", "darts", "modnas"])
@pytest.mark.parametrize("flops", [3000.0, 1000.0])  # which pays for all of them, and for one
def test_a_run_killed_while_its_finalists_are_trained_goes_on_to_the_same_log(
    name: str, flops: float, tmp_path: Path
) -> None:
    search, problem, budget = find("searcher", name), toy("ridgenet"), {"flops": flops}
    options = check_options(search, {})
    uninterrupted = trial(search, problem, budget, options=options, path=tmp_path / "whole.jsonl").well()
    whole = uninterrupted.lines
    first = next(number for number, line in enumerate(whole) if "X" in orjson.loads(line))
    assert first == len(whole) - 2  # the answers, and what is recommended of them
    assert uninterrupted.reason == ("finished" if flops == 3000.0 else "budget: flops")
    for last in (first - 1, first, first + 1):
        folder = tmp_path / str(last)
        folder.mkdir()
        path = folder / "log.jsonl"
        assert trial(search, problem, budget, options=options, path=path, killed_at=last).reason == "killed"
        resumed = trial(search, problem, budget, options=options, path=path).well()
        assert (resumed.lines, resumed.reason) == (whole, uninterrupted.reason)
    again = trial(search, problem, budget, options=options, path=path).well()  # nothing but the end was lost
    assert again.lines == whole


# which they are -------------------------------------------------------------------------------------------------------


class Priced:
    """A line of ten networks, each of two rows; F is (10 - i, i), and so is what a training costs."""

    space = Space((10, 2), classes=lambda X: X[:, 0])
    objectives = (Objective("f"), Objective("g"))
    training = Cost(evaluations=1, flops=4.5)
    deterministic = True

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        return Values(self.score(X), flops=X[:, 0].astype(float))

    def score(self, X: Array) -> Array:
        return np.column_stack([10.0 - X[:, 0], X[:, 0]])


def opened(flops: float) -> Run:
    problem: Problem = Priced()
    return Run(problem, limit=parse_budget({"flops": flops}, problem.training))


def test_the_best_first_are_the_middle_of_a_line_and_fronts_come_in_order() -> None:
    line = np.column_stack([np.arange(5.0), 4.0 - np.arange(5.0)])
    assert best_first(line, 1).tolist() == [2]
    assert sorted(best_first(line, 3).tolist()) == [1, 2, 3]
    worse = np.concatenate([line + 1.0, line])
    assert set(best_first(worse, 5).tolist()) == {5, 6, 7, 8, 9}
    assert set(best_first(worse, 10)[5:].tolist()) == {0, 1, 2, 3, 4}
    assert best_first(worse, 99).tolist() == best_first(worse, 10).tolist()
    assert len(best_first(np.empty((0, 2)), 3)) == len(best_first(line, 0)) == 0


def test_units_and_equal_values_do_not_matter() -> None:
    F = np.random.default_rng(0).random((20, 3))
    assert best_first(F * [1e9, 1e-9, 1.0] + [0, 5.0, -3e6], 6).tolist() == best_first(F, 6).tolist()
    assert best_first(np.zeros((3, 2)), 2).tolist() == [0, 1]


def test_a_network_is_trained_once_and_the_best_that_were_are_recommended() -> None:
    run = opened(100)
    X = np.array([[3, 0], [3, 1], [5, 0], [1, 0]])
    train_best(run, 3, X, np.zeros((4, 2)))
    assert (run.spent.evaluations, run.spent.flops) == (3, 9)
    assert run.recommended[:, 0].tolist() == [3, 5, 1]


def test_what_cannot_be_paid_is_not_recommended_either() -> None:
    run = opened(10)
    X = np.array([[3, 0], [5, 0], [4, 0]])
    with pytest.raises(mobench.BudgetExhausted):
        train_best(run, 3, X, X.astype(float))
    assert (run.spent.evaluations, run.spent.flops) == (2, 7)
    assert run.recommended[:, 0].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("count", "costs"), [(0, []), (1, [3]), (3, [1, 3, 5]), (5, [0, 1, 3, 4, 5]), (6, [*range(6)]), (9, [*range(6)])]
)
def test_finalists_of_a_relaxed_search_are_spread_along_the_first_cost(count: int, costs: list[int]) -> None:
    asked: list[list[float]] = []

    class Overheard(Run):
        __slots__ = ()

        def evaluate(self, X: Any, *, fidelity: int | None = None) -> mobench.Array:
            F = super().evaluate(X, fidelity=fidelity)
            asked.extend(F.tolist())
            return F

    problem = toy("ridgenet")
    run = Overheard(problem, limit=parse_budget(50, problem.training))
    run.recommend([[3, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 2], [1, 0, 0], [0, 3, 0]])  # of 5, 0, 2, 3, 1 and 4 weights
    train_recommended(run, count)
    assert [cost for _, cost in asked] == costs


def test_on_a_plain_vector_they_are_spread_along_the_sets_own_order() -> None:
    problem = toy("quadratic_front")
    run = Run(problem, limit=parse_budget(50, problem.training))
    run.recommend([[10 * i, 7] for i in range(8)])
    train_recommended(run, 2)
    assert run.spent.evaluations == 2
    assert set(run.recommended[:, 0].tolist()) <= {20, 60}


def test_where_nothing_was_recommended_nothing_is_trained() -> None:
    problem = toy("ridgenet")
    run = Run(problem, limit=parse_budget(50, problem.training))
    train_recommended(run, 5)
    train_best(run, 5, run.space.all()[:0], np.empty((0, 2)))
    assert run.spent == Cost()
