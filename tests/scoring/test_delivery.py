"""Contract mobench-2: only what was trained is delivered, and nothing is bought twice; units and luck do not score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mobench
from mobench.core.budget import CURRENCIES, Cost, parse_budget
from mobench.core.indicators import nondominated
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.history import History, Note
from mobench.scoring.archive import archives
from mobench.scoring.contract import contract_for
from mobench.scoring.delivery import course_of, delivered, trace
from mobench.scoring.result import Result
from mobench.scoring.subset import largest

PROBLEMS = ("catsum", "motif", "nasbench_graph:dataset=cora")


class Table:
    """64 architectures of random values; what is scored is what is seen, at a price of one and ten multiply-adds."""

    space = Space((64,))
    training = Cost(evaluations=1, flops=10.0)
    deterministic = True

    def __init__(self, seed=0, unit=1.0, scale="linear", noise=0.0):
        self.F = np.random.default_rng(seed).random((64, 2)) * [unit, 1.0] + [0.01 * unit, 0.01]
        self.objectives, self.noise = (Objective("a", scale=scale), Objective("b")), noise
        self.deterministic = not noise

    def evaluate(self, X, *, fidelity, seeds):
        luck = np.array([[np.random.default_rng(int(s)).normal(), 0.0] for s in seeds]) if self.noise else 0.0
        return Values(self.F[X[:, 0]] + self.noise * luck, 10.0)

    def score(self, X):
        return self.F[X[:, 0]]

    def front(self):
        best = nondominated(self.F)
        return np.flatnonzero(best)[:, None], self.F[best]


def history_of(problem, rows, notes=()):
    """A log of answers to `rows`, and of recommendations: (answers before it, architectures)."""
    X = np.array(rows, dtype=np.int64).reshape(-1, 1)
    n = len(X)
    ledger = {c: np.arange(1.0, n + 1) * (10.0 if c == "flops" else 0.0 if c == "seconds" else 1.0) for c in CURRENCIES}
    spent = [{c: (amounts[k - 1] if k else 0.0) for c, amounts in ledger.items()} for k, _ in notes]
    told = [Note(k, s, np.array(A).reshape(-1, 1)) for (k, A), s in zip(notes, spent, strict=True)]
    F = problem.F[X[:, 0]] if n else np.empty((0, 2))
    return History(X=X, F=F, fidelity=np.zeros(n, int), spent=ledger, total={}, recommended=told, records=[])


def limit(evaluations):
    return {"evaluations": evaluations, "asked": math.inf, "flops": math.inf, "seconds": math.inf}


def chosen(problem, history, evaluations):
    course = course_of(problem, history)
    which, _ = delivered(course, limit(evaluations))
    return set(course.X[which, 0].tolist())


def best_of(problem, rows):
    rows = np.unique(rows)
    return set(rows[nondominated(problem.F[rows])].tolist()) if len(rows) else set()


@given(st.integers(0, 10**6))
def test_at_every_budget_the_set_is_that_of_what_could_be_paid(seed):
    """Against the definition, written out: the last recommendation that fits, later answers late by its price."""
    rng = np.random.default_rng(seed)
    problem = Table(seed)
    answered = rng.permutation(64)[: rng.integers(0, 20)].tolist()
    notes = sorted(
        ((int(rng.integers(0, len(answered) + 1)), rng.integers(0, 64, rng.integers(1, 8)).tolist()) for _ in range(3)),
        key=lambda note: note[0],
    )
    history = history_of(problem, answered, notes)
    amounts, sets = trace(course_of(problem, history), "evaluations", limit(math.inf))
    course = course_of(problem, history)
    for budget in range(31):
        price, members = 0, []
        for k, A in notes:
            unanswered = set(A) - set(answered[:k])
            if k + len(unanswered) <= budget:
                price, members = len(unanswered), A
        expected = best_of(problem, np.array(answered[: max(0, budget - price)] + list(members), dtype=int))
        assert chosen(problem, history, budget) == expected
        reached = np.flatnonzero(amounts <= budget)
        last = sets[reached[-1]] if len(reached) else np.empty(0, int)
        assert set(course.X[last, 0].tolist()) == expected


def test_recommending_what_was_answered_changes_nothing():
    problem = Table()
    rows = [5, 9, 33, 2, 60]
    plain = history_of(problem, rows)
    told = history_of(problem, rows, [(k, rows[:k]) for k in range(1, 6)])
    for budget in range(6):
        assert chosen(problem, told, budget) == chosen(problem, plain, budget)


def test_a_recommendation_is_not_trained_with_money_that_was_spent_on_other_answers():
    problem = Table()
    history = history_of(problem, [1, 2, 3, 4], [(0, [10, 11, 12])])  # seven architectures for a budget of four?
    assert chosen(problem, history, 2) == best_of(problem, np.array([1, 2]))
    assert chosen(problem, history, 4) == best_of(problem, np.array([1, 10, 11, 12]))
    assert chosen(problem, history, 7) == best_of(problem, np.array([1, 2, 3, 4, 10, 11, 12]))


@pytest.mark.parametrize("name", PROBLEMS)
def test_recommending_the_whole_space_or_all_that_was_seen_gains_nothing(name):
    def everything(run):
        run.evaluate(run.space.sample(run.rng, 20))
        run.recommend(run.space.sample(np.random.default_rng(0), 20_000))

    def seen(run):
        X = run.space.sample(run.rng, 200)
        while True:
            run.evaluate(X)
            run.recommend(X)
            X = run.space.sample(run.rng, 20)

    honest = mobench.run("random_search", name, budget=200, seed=1, batch=20)
    assert mobench.run(everything, name, budget=200).hypervolume() < honest.hypervolume()
    hoarder, same = mobench.run(seen, name, budget=200, seed=1), honest.problem
    plain = Result(same, hoarder.history, "finished", limit=hoarder.limit)
    object.__setattr__(plain.history, "recommended", [])
    assert hoarder.hypervolume() == plain.hypervolume()


@pytest.mark.parametrize("name", PROBLEMS)
def test_blind_cells_lie_on_the_curve_of_random_search(name):
    """Means over 40 seeds agree within three standard errors at 20 blind architectures."""

    def blind(run):
        run.recommend(run.space.sample(run.rng, 20))

    told = np.array([mobench.run(blind, name, budget=20, seed=s).hypervolume() for s in range(40)])
    paid = np.array([mobench.run("random_search", name, budget=20, seed=100 + s).hypervolume() for s in range(40)])
    error = np.sqrt(told.var(ddof=1) / 40 + paid.var(ddof=1) / 40)
    assert abs(told.mean() - paid.mean()) < 3 * error


@pytest.mark.parametrize("name", PROBLEMS)
def test_on_deterministic_problems_black_box_runs_score_as_under_mobench_1(name):
    for searcher in ("random_search", "nsga2", "local_search"):
        result = mobench.run(searcher, name, budget=150, seed=3)
        assert result.hypervolume() == pytest.approx(result.hypervolume(contract="mobench-1"), abs=1e-12)
        ours, before = result.curve(), result.curve(contract="mobench-1")
        np.testing.assert_allclose(ours.to_numpy(), before.to_numpy())


def test_on_a_noisy_problem_mobench_1_takes_the_luckiest_answer_and_mobench_2_does_not():
    def redraw(run):
        X = run.space.sample(run.rng, 20)
        while True:
            run.evaluate(X)

    found = [mobench.run(redraw, "motif:noise=true", budget=200, seed=seed) for seed in range(4)]
    assert any(result.hypervolume() != result.hypervolume(contract="mobench-1") for result in found)


@given(st.floats(1e-9, 1e9), st.integers(0, 1000))
def test_no_score_changes_with_a_unit(unit, seed):
    rows = np.random.default_rng(seed).integers(0, 64, 10)
    for flat in (False, True):  # with a front that has no extent in the objective, too
        problems = [Table(seed), Table(seed, unit=unit)]
        if flat:
            for problem in problems:
                problem.F[:, 0] = problem.F[0, 0]
        shares = [contract_for(problem).share(problem.F[rows]) for problem in problems]
        assert shares[0] == pytest.approx(shares[1], rel=1e-6)


def test_objectives_over_decades_are_compared_by_their_ratio():
    problem = Table(scale="log")
    problem.F[:, 0] = 10.0 ** np.linspace(-6, 3, 64)
    problem.F[:, 1] = np.linspace(1, 0, 64)
    middle = contract_for(problem).normalise(np.array([[10.0**-1.5, 0.5]]))
    assert middle[0].tolist() == pytest.approx([0.5, 0.5])
    with pytest.raises(ValueError, match="scale 'log' needs positive values"):
        contract_for(problem).normalise(np.array([[0.0, 0.5]]))


def test_of_a_noisy_problem_the_means_decide_and_not_the_luckiest_draw():
    problem = Table(noise=0.3)
    problem.F[:, 1] = problem.F[0, 1]  # one true optimum in the first objective
    rows = np.repeat(np.arange(64), 40)
    F = problem.evaluate(rows[:, None], fidelity=None, seeds=np.arange(len(rows))).F
    history = history_of(problem, rows)
    noisy = History(**{**vars(history), "F": F})
    course = course_of(problem, noisy)
    which, seen = delivered(course, limit(len(rows)))
    means = np.array([F[rows == x, 0].mean() for x in range(64)])
    assert course.X[which, 0].tolist() == [int(means.argmin())]
    assert seen[0, 0] == pytest.approx(means.min())


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_the_archive_of_repeated_answers_is_that_of_the_means_at_every_moment(seed, m):
    rng = np.random.default_rng(seed)
    F, which = rng.integers(0, 5, (40, m)).astype(float), rng.integers(0, 8, 40)
    begun = np.arange(rng.integers(0, 6))
    later = np.arange(len(begun), 40)
    found = dict(archives(F, which, begun, later))
    archive = np.empty(0, int)
    for n in range(41 - len(begun)):
        archive = found.get(n, archive)
        rows = np.arange(len(begun) + n)
        names = np.unique(which[rows])
        means = np.array([F[rows][which[rows] == name].mean(axis=0) for name in names]).reshape(-1, m)
        expected = names[nondominated(means)] if len(names) else names
        assert sorted(archive.tolist()) == expected.tolist()


def test_large_sets_are_cut_to_those_that_add_most_by_what_was_seen():
    N = np.array([[0.0, 1.0], [0.01, 0.99], [0.5, 0.5], [1.0, 0.0]])
    kept = largest(N, (3, 9), 1.1)
    assert kept[3].tolist() in ([0, 2, 3], [1, 2, 3])
    assert kept[9].tolist() == [0, 1, 2, 3]
    found = mobench.run("nsga2", "catsum", budget=300).measures()
    assert found["hypervolume_5"] < found["hypervolume_10"] <= found["hypervolume_20"] <= found["hypervolume"]
    assert found["size"] > 10


@given(st.integers(0, 10**6))
def test_on_any_axis_the_curve_has_at_every_amount_what_the_whole_budget_pays_for_there(seed):
    rng = np.random.default_rng(seed)
    problem = Table(seed)
    answered = rng.permutation(64)[: rng.integers(1, 20)].tolist()
    notes = [(int(rng.integers(0, len(answered) + 1)), rng.integers(0, 64, rng.integers(1, 20))) for _ in range(3)]
    history = history_of(problem, answered, sorted(notes, key=lambda note: note[0]))
    history.spent["flops"][:] = np.cumsum(rng.integers(1, 30, len(answered)))  # so that no axis is another one scaled
    course = course_of(problem, history)
    budget = limit(float(rng.integers(1, 25))) | {"flops": float(rng.integers(1, 250))}
    for axis in ("evaluations", "flops"):
        amounts, sets = trace(course, axis, budget)
        assert (amounts <= budget[axis]).all()
        for amount in np.linspace(0, 2 * budget[axis], 50):
            reached = np.flatnonzero(amounts <= amount)
            found = set(sets[reached[-1]].tolist()) if len(reached) else set()
            assert found == set(delivered(course, budget | {axis: min(amount, budget[axis])})[0].tolist())


def test_cheap_architectures_that_the_evaluations_do_not_pay_are_credited_on_no_axis():
    def cheap(run):
        X = run.space.all()
        run.recommend(X[np.argsort((X == 3).sum(axis=1), kind="stable")[:3000]])
        run.evaluate(run.space.sample(run.rng, 5))

    def plain(run):
        run.evaluate(run.space.sample(run.rng, 5))

    many, few = (mobench.run(search, "motif", budget=50) for search in (cheap, plain))
    for axis in ("evaluations", "flops", "trainings"):
        np.testing.assert_allclose(many.curve(axis=axis), few.curve(axis=axis))


def test_what_does_not_fit_the_budget_scores_nowhere():
    result = mobench.run("spos", "motif", budget={"trainings": 0.2}, finalists=0)
    assert result.hypervolume() == 0
    assert result.curve(axis="trainings")["hypervolume"].sum() == 0
    more = Result(result.problem, result.history, result.reason, limit=parse_budget(50, result.problem.training))
    assert more.hypervolume() > 0  # at a budget that pays for it it does
    training, fidelities = result.problem.training, result.problem.fidelities
    assert parse_budget({"trainings": 0.2}, training, fidelities=fidelities) == result.limit


@pytest.mark.parametrize("indicator", ["igd_plus", "epsilon", "r2"])
@pytest.mark.parametrize("contract", ["mobench-1", "mobench-2"])
def test_a_curve_of_distances_ends_where_the_measures_of_the_run_are(indicator, contract):
    result = mobench.run("nsga2", "catsum", budget=150, seed=3, population=10)
    curve = result.curve(contract=contract, indicator=indicator)
    assert curve[indicator].iloc[-1] == result.measures(contract=contract)[indicator]
    assert curve[indicator].iloc[0] > curve[indicator].iloc[-1]
    plain = result.curve(contract=contract)
    shares = np.interp(curve["evaluations"], plain["evaluations"], plain["hypervolume"])
    assert (curve["hypervolume"] >= shares - 1e-12).all()
    with pytest.raises(ValueError, match="indicator: 'area' is no distance"):
        result.curve(contract=contract, indicator="area")
