"""Random search at a lower fidelity: what it asks, what it trains in the end, and that the default is as it was."""

from __future__ import annotations

import pytest

import mobench
from mobench import make_problem
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
    with pytest.raises(ValueError, match="fidelity: 3 is not on offer"):
        mobench.run("random_search", "catsum", budget=10, fidelity=3)
