"""Searchers keep to limits: constraint domination, feasible fronts sooner, and logs as ever where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _toy_runs import check_killed_at_line
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import mobench
from mobench import Array, Objective, Run, make_problem, violation
from mobench.core.budget import parse_budget
from mobench.core.limits import within
from mobench.harness.execute import search_problem
from mobench.harness.history import History, read_history
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find
from mobench.plugins.references import parse_reference
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population.generations import generations
from mobench.testing.toy import Toy

SEARCHERS = (
    "random_search",
    "local_search",
    "local_search:leave_early=false",
    "regularized_evolution",
    "nsga2",
    "nsga3",
    "moead",
    "smsemoa",
    "nsca",
    "nsga_net",
    "lemonade_tabular",
    "agemoea2",
    "mcts",
    "lanas",
    "lamoo",
    "reinforce",
)
SMALL = "motif:objectives=[error,flops,params<=2]"


def named(reference: str) -> mobench.Problem:
    return make_problem(*parse_reference(reference))


def go(searcher: str, problem: Any, budget: int = 120, seed: int = 0) -> History:
    name, options = parse_reference(searcher)
    log = Log()
    run = Run(problem, limit=parse_budget(budget, problem.training), seed=seed, log=log)
    search_problem(find("searcher", name), run, options)
    return read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives))


class Bounded(Toy):
    """The toy with any limits."""

    limits: tuple[float | None, ...] = ()

    @property
    def objectives(self) -> tuple[Objective, ...]:
        return tuple(
            Objective(o.name, maximise=o.maximise, limit=limit)
            for o, limit in zip(super().objectives, self.limits, strict=True)
        )


def bounded(limits: tuple[float | None, ...], **shape: Any) -> Bounded:
    return type("Bounded", (Bounded,), {"limits": limits})(m=len(limits), **shape)


def dominates(a: Array, b: Array, beyond: float, theirs: float) -> bool:
    """Constraint domination as Deb et al. 2002 define it (definition 1)."""
    if beyond == 0 and theirs == 0:
        return bool((a <= b).all() and (a < b).any())
    return beyond < theirs


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 15), st.integers(1, 3)), elements=st.integers(0, 4)),
    st.lists(st.integers(0, 3), min_size=15, max_size=15),
)
def test_who_dominates_by_limits_has_the_better_rank_and_the_first_rank_is_dominated_by_nobody(
    F: Array, amounts: list[int]
) -> None:
    beyond = np.array(amounts[: len(F)], dtype=float)
    rank = _ranking.ranks(F.astype(float), beyond)
    for i in range(len(F)):
        for j in range(len(F)):
            if dominates(F[i], F[j], beyond[i], beyond[j]):
                assert rank[i] < rank[j]
    assert sorted(set(rank.tolist())) == list(range(int(rank.max()) + 1))
    assert (beyond[rank == 0] == beyond.min()).all()
    everyone = _ranking.best(np.random.default_rng(0), F.astype(float), len(F), beyond)
    assert (np.diff(beyond[everyone]) >= 0).all()  # feasible first, then less violation


@given(hnp.arrays(np.int64, st.tuples(st.integers(0, 15), st.integers(1, 3)), elements=st.integers(0, 4)))
def test_without_violations_ranks_are_those_without_limits(F: Array) -> None:
    values = F.astype(float)
    assert _ranking.ranks(values, np.zeros(len(F))).tolist() == _ranking.ranks(values).tolist()
    assert _ranking.ranks(values, np.full(len(F), 0.5)).tolist() == _ranking.ranks(values).tolist()


@pytest.mark.parametrize("searcher", [*SEARCHERS[:5], "moead"])  # pymoo's others draw otherwise with a constraint
def test_a_limit_that_everything_is_within_changes_no_answer(searcher: str) -> None:
    plain = go(searcher, bounded((None, None)))
    loose = go(searcher, bounded((1e6, 1e6)))
    assert plain.X.tolist() == loose.X.tolist()


@pytest.mark.parametrize("searcher", SEARCHERS)
@pytest.mark.parametrize("shape", [{}, {"maximise": True}, {"noisy": True}, {"levels": 3}])
def test_every_searcher_comes_to_an_end_within_limits_that_much_few_or_nothing_is_within(
    searcher: str, shape: dict[str, Any]
) -> None:
    free = bounded((None, None), **shape)
    F = free.score(free.space.all())
    for share in (0.5, 0.02, -1.0):
        ends = np.quantile(F, max(share, 0.0), axis=0) - (share < 0)
        if shape.get("maximise"):
            ends[0] = np.quantile(F[:, 0], 1.0 - max(share, 0.0)) + (share < 0)
        history = go(searcher, bounded((float(ends[0]), float(ends[1])), **shape), budget=60)
        assert len(history.F) == 60
    for limits in ((0.5,), (None, 0.5, None, 0.5)):  # of one objective, and of some of many
        assert len(go(searcher, bounded(limits), budget=60).F) == 60


@pytest.mark.parametrize("searcher", ["nsga2", "nsga3", "moead", "smsemoa", "agemoea2"])
def test_what_a_population_violates_never_grows(searcher: str) -> None:
    """What survives is within limits or less beyond than what does not, in every generation."""
    problem = named("motif:objectives=[error<=4,params<=2.6]")
    records = go(searcher, problem, 150, seed=1).records
    totals = []
    for note in records:
        X = np.array(note.content["population"])
        F = problem.evaluate(X, fidelity=None, seeds=np.zeros(len(X), dtype=np.uint64)).F
        totals.append(violation(F, problem.objectives).sum())
    assert len(totals) > 4
    assert (np.diff(totals) <= 1e-12).all()
    assert totals[-1] < totals[0]


@pytest.mark.parametrize("searcher", ["local_search", "regularized_evolution", "nsga2", "nsga3"])
def test_searchers_ask_for_more_of_what_is_feasible_than_without_a_view_of_limits(searcher: str) -> None:
    problem, unlimited = named(SMALL), named(SMALL.replace("<=2", ""))
    limited, free = (
        np.mean([within(go(searcher, p, seed=seed).F, problem.objectives)[60:].mean() for seed in range(4)])
        for p in (problem, unlimited)
    )
    assert limited > 1.5 * free


def test_nsga2_finds_better_feasible_fronts_than_without_a_view_of_limits() -> None:
    def blind(run: Run) -> None:
        for _ in generations(run.rng, run.space, run.evaluate, population=20):
            pass

    found = np.array(
        [
            [mobench.run(search, SMALL, budget=100, seed=s).hypervolume() for search in ("nsga2", blind)]
            for s in range(20)
        ]
    )
    gain = found[:, 0] - found[:, 1]
    assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(20)
    assert gain.mean() > 0.05


@pytest.mark.parametrize("searcher", ["nsga2", "local_search", "moead"])
def test_a_run_with_limits_that_is_killed_goes_on_to_the_same_log(
    searcher: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, options = parse_reference(SMALL)
    spec = RunSpec(name, searcher, 3, {"evaluations": 80}, options)
    check_killed_at_line(spec, 4, tmp_path, monkeypatch)
    assert mobench.load(tmp_path / "killed").hypervolume() > 0


def test_one_shot_searchers_keep_to_limits_on_costs_and_not_on_one_shot_errors() -> None:
    pytest.importorskip("torch")
    from mobench.searchers._one_shot.supernet import Scores
    from mobench.searchers._relaxed.finalists import best_first

    F = np.array([[5.0, 1.0], [1.0, 9.0], [4.0, 3.0], [3.0, 2.0]])
    beyond = violation(F, (Objective("error"), Objective("params", limit=2.5)))
    assert best_first(F, 4, beyond).tolist()[:2] in ([0, 3], [3, 0])
    assert best_first(F, 4, beyond).tolist()[2:] == [2, 1]
    problem = named("motif:objectives=[error<=4,params<=2.6],batch=512")
    run = Run(problem, limit=parse_budget({"trainings": 1}, problem.training))
    weights = run.supernet.initial_weights()
    scores = Scores(run, run.supernet, lambda x: weights, batches=1)
    scores(run.space.sample(run.rng, 12))
    assert [objective.limit for objective in scores.objectives] == [None, 2.6]
    costs = problem.score(scores.best)[:, 1]
    assert len(costs)
    assert (costs <= 2.6).all()
