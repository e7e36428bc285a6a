"""Random search at a lower fidelity: what it asks, what it trains in the end, and that the default is as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mobench
from mobench import Array, Cost, Objective, Run, Space, Values, make_problem
from mobench.core.budget import parse_budget
from mobench.harness.execute import search_problem
from mobench.harness.log import Log
from mobench.plugins.catalogue import find
from mobench.searchers._population import ranking as _ranking


def test_finalists_are_the_best_of_what_was_seen_in_short() -> None:
    problem = make_problem("motif", {})
    result = mobench.run("random_search:fidelity=3,finalists=6", "motif", budget={"trainings": 20}, seed=1)
    history = result.history
    full = history.fidelity != 3
    assert full.sum() == 6
    assert full[-6:].all()
    short = history.F[~full]
    assert len(short) > 30, "a training of 3 epochs costs a quarter of one of 12"
    keys = problem.space.key(history.X)
    rank = dict(zip(keys[~full].tolist(), _ranking.ranks(short).tolist(), strict=True))
    chosen = sorted(rank[key] for key in keys[full].tolist())
    assert chosen == sorted(rank.values())[:6]
    assert result.reason == "finished"


def test_on_a_clock_short_trainings_keep_all_workers_busy() -> None:
    budget = {"trainings": 20}
    one, eight = (
        mobench.run("random_search:fidelity=3", "motif", budget=budget, seed=1, simulated_workers=workers)
        for workers in (1, 8)
    )
    assert eight.spent.evaluations == one.spent.evaluations
    assert eight.spent.clock < one.spent.clock / 5
    assert (eight.history.fidelity != 3).sum() == 10


class Curves:
    """An error that falls over 81 epochs, of equal price, and a cost."""

    objectives = (Objective("error"), Objective("cost"))
    training = Cost(evaluations=1, flops=81.0)
    fidelities = (1, 9, 81)
    deterministic = resumable = True

    def __init__(self, *genes: int) -> None:
        self.space = Space(genes)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        epochs = float(fidelity or 81)
        return Values(self.score(X) + np.array([1.0 / epochs, 0.0]), flops=np.full(len(X), epochs))

    def score(self, X: Array) -> Array:
        return np.column_stack([9.0 - X[:, 0], X.sum(axis=1)])


@pytest.mark.parametrize("searcher", ["random_search:fidelity=1", "successive_halving:architectures=81", "asha"])
def test_questions_about_short_trainings_do_not_run_out_before_the_budget(searcher: str) -> None:
    result = mobench.run(searcher, Curves(50, 40, 10), budget={"trainings": 10})
    assert result.reason in ("finished", "budget: trainings")
    assert result.spent.flops > 0.9 * result.limit.flops
    assert (result.history.fidelity == 0).sum() >= 2


def test_finalists_are_trained_where_all_of_a_space_is_known_in_short() -> None:
    result = mobench.run("random_search:fidelity=1,finalists=4", Curves(4, 3), budget={"trainings": 10})
    assert (result.history.fidelity == 1).sum() == 12
    assert (result.history.fidelity == 0).sum() == 4


def test_without_finalists_the_budget_goes_to_short_trainings() -> None:
    result = mobench.run("random_search:fidelity=1,finalists=0", "motif", budget={"trainings": 3})
    assert result.reason.startswith("budget")
    assert set(result.history.fidelity.tolist()) == {1}


def test_a_batch_changes_nothing_but_the_speed() -> None:
    runs = [
        mobench.run("random_search", "motif", budget={"trainings": 8}, fidelity=3, finalists=2, batch=batch).history
        for batch in (1, 7, 100)
    ]
    assert all((run.X[:-2] == runs[0].X[:-2]).all() for run in runs)


def test_a_fidelity_that_is_not_on_offer_is_named() -> None:
    with pytest.raises(ValueError, match=r"names 3 .option fidelity., which is not on offer"):
        mobench.run("random_search", "catsum", budget=10, fidelity=3)


@pytest.mark.parametrize(("name", "options"), [("random_search", {"fidelity": 3}), ("grid", {"levels": 3})])
def test_a_run_cut_short_goes_on_as_if_nothing_had_happened(name: str, options: dict[str, int], tmp_path: Path) -> None:
    problem, whole, part = make_problem("motif", {}), tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    limit = parse_budget({"trainings": 25}, problem.training)
    with Log(whole) as log:
        search_problem(find("searcher", name), Run(problem, limit=limit, seed=4, log=log), options)
    lines = whole.read_bytes().splitlines(keepends=True)
    for kept in {1, len(lines) // 2, len(lines) - 1}:
        part.write_bytes(b"".join(lines[:kept]))
        with Log(part) as log:
            search_problem(find("searcher", name), Run(problem, limit=limit, seed=4, log=log), options)
        assert part.read_bytes() == whole.read_bytes()
