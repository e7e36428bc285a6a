"""Feasible first: contract, delivered set and curve are those of the architectures within all limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mobench
from mobench import Array, Cost, History, Objective, Space, Values, minimised, nondominated
from mobench.core.budget import CURRENCIES
from mobench.core.indicators import epsilon_additive, hypervolume, igd_plus, r2
from mobench.core.limits import true_front, within
from mobench.harness.history import Note
from mobench.harness.identity import data_of
from mobench.scoring.contract import Contract, contract_for
from mobench.scoring.contracts import CONTRACTS
from mobench.scoring.delivery import Course, course_of, delivered, trace
from mobench.testing.toy import Toy

MOTIF = "motif:objectives=[error<=5,latency:cpu_b64<=2.5,params]"


class Limited(Toy):
    """The toy, its first objectives limited at quantiles of what the front reaches."""

    quantiles = (0.6, 0.7)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        free = super().objectives
        F = minimised(self.score(self.space.all()), free)
        ends = minimised(np.array([np.quantile(F[:, j], q) for j, q in enumerate(self.quantiles)]), free[:2])
        return tuple(
            Objective(o.name, maximise=o.maximise, limit=float(end)) for o, end in zip(free, ends, strict=False)
        ) + tuple(free[2:])

    def front(self) -> tuple[Array, Array]:
        X = self.space.all()
        F = self.score(X)
        best = nondominated(F, super().objectives)
        return X[best], F[best]


class Box:
    """Answers of a box whose front nobody knows."""

    space = Space((4,))
    training = Cost(evaluations=1)
    deterministic = True

    def __init__(self, *objectives: Objective) -> None:
        self.objectives = objectives

    def score(self, X: Array) -> Array:
        return np.column_stack([X[:, 0], 10.0 - X[:, 0]]).astype(float)

    def evaluate(self, X: Array, *, fidelity: int | None, seeds: Array) -> Values:
        return Values(self.score(X))

    def bounds(self, contract: str) -> tuple[Array, Array]:
        return np.array([0.0, 1.0]), np.array([10.0, 100.0])


def everything(problem: mobench.Problem) -> Array:
    """Values of all architectures, minimised."""
    return minimised(problem.score(problem.space.all()), problem.objectives)


# --- the contract ---


@pytest.mark.parametrize(
    "name", [MOTIF, "motif:objectives=[error<=4,flops]", "nasbench_graph:objectives=[error,params<=1]"]
)
def test_the_true_front_is_that_of_all_feasible_architectures_by_brute_force(name: str) -> None:
    problem = mobench.run("random_search", name, budget=1).problem
    F = np.unique(everything(problem), axis=0)
    F = F[within(F, problem.objectives)]
    best = F[nondominated(F)]
    contract = contract_for(problem)
    assert contract.ideal.tolist() == best.min(axis=0).tolist()
    assert (contract.ideal + contract.span).tolist() == pytest.approx(best.max(axis=0).tolist(), rel=1e-12)
    front = np.unique(contract.front * contract.span + contract.ideal, axis=0)
    np.testing.assert_allclose(front, best, rtol=1e-9)
    found = true_front(problem)
    assert found is not None
    assert contract.share(found[1]) == pytest.approx(1.0, abs=1e-12)


@given(st.integers(0, 10**6), st.integers(2, 3), st.booleans())
@settings(max_examples=30)
def test_what_is_scored_beyond_a_limit_adds_nothing_to_any_measure(seed: int, m: int, maximise: bool) -> None:
    problem = Limited(m=m, maximise=maximise)
    contract = contract_for(problem)
    F = problem.score(problem.space.sample(np.random.default_rng(seed), 12))
    kept = F[within(minimised(F, problem.objectives), problem.objectives)]
    found = contract.measures(F)
    N = contract.normalise(kept)
    assert found["hypervolume"] == contract.share(F) == hypervolume(N, 1.1) / contract.volume
    assert found["size"] == len(kept)
    expected = {
        "igd_plus": igd_plus(N, contract.front),
        "epsilon": epsilon_additive(N, contract.front),
        "r2": r2(N, 0.0),
    }
    for name, value in expected.items():
        assert found[name] == contract.distance(name, F) == value
    assert contract.measures(F, F)["hypervolume_20"] == found["hypervolume"]


def test_sets_are_cut_by_what_was_seen_before_limits_on_what_is_scored_count() -> None:
    contract = contract_for(Box(Objective("a", limit=8.0), Objective("b")))
    seen = np.array([[float(i), 9.0 - i] for i in range(8)])
    scored = seen + np.array([[5.0, 0.0]] * 8)  # half of it is beyond
    cut = contract.measures(scored, seen)
    alone = contract.measures(scored[scored[:, 0] <= 8.0])
    assert cut["hypervolume_10"] == alone["hypervolume"]
    assert cut["hypervolume_5"] <= alone["hypervolume"]
    assert cut["size"] == 4


def test_values_that_are_not_finite_are_refused_within_limits_or_beyond() -> None:
    contract = contract_for(Box(Objective("a", limit=8.0), Objective("b")))
    for odd in (np.nan, np.inf):
        with pytest.raises(ValueError, match="expected finite values"):
            contract.share(np.array([[odd, 1.0]]))


@pytest.mark.parametrize(
    ("objectives", "words"),
    [
        ("[error<=1,flops]", r"no architecture is within error <= 1 %; error reaches 1\.85\d* %; loosen a limit"),
        (
            "[error<=5,params<=2]",
            r"within error <= 5 % and params <= 2 k; error reaches 5\.65948 %; params reaches 2\.566 k; loosen",
        ),
        (
            "[error<=1,params<=0.5]",
            r"error reaches 1\.85\d* %, and that beyond another limit; params reaches 1\.078 k, and",
        ),
    ],
)
def test_limits_that_nothing_is_within_are_refused_with_the_best_that_can_be_reached(
    objectives: str, words: str
) -> None:
    problem = mobench.make_problem("motif", {"objectives": objectives[1:-1].split(",")})
    with pytest.raises(ValueError, match=words):
        contract_for(problem)


@pytest.mark.parametrize("name", sorted(set(CONTRACTS) - {"mobench-2"}))
def test_the_older_contracts_know_no_limits_and_say_so(name: str) -> None:
    result = mobench.run("random_search", MOTIF, budget=5)
    for ask in (result.hypervolume, result.delivered, result.curve, result.measures):
        with pytest.raises(ValueError, match=rf"'{name}': knows no limits, .*error <= 5 %.* score by mobench-2"):
            ask(contract=name)


def test_a_box_ends_at_the_limits_within_it() -> None:
    contract = contract_for(Box(Objective("a", limit=4.0), Objective("b", limit=500.0)))
    assert (contract.ideal + contract.span).tolist() == [4.0, 100.0]
    assert contract.share(np.array([[0.0, 1.0]])) == pytest.approx(1.0)
    assert contract.share(np.array([[4.1, 1.0]])) == 0
    with pytest.raises(ValueError, match="a <= -1 leaves nothing of the bounds"):
        contract_for(Box(Objective("a", limit=-1.0), Objective("b")))
    with pytest.raises(ValueError, match="scale 'log' has positive values only"):
        contract_for(Box(Objective("a", scale="log", limit=-1.0), Objective("b")))


def test_numbers_from_other_limits_do_not_mix() -> None:
    problems = [mobench.make_problem("motif", {"objectives": ["error", *cost]}) for cost in (["params"], ["params<=5"])]
    plain, limited = (contract_for(problem).constants for problem in problems)
    assert "limits" not in plain
    assert limited["limits"] == {"params": 5.0}
    assert data_of(problems[1]) == f"{data_of(problems[0])} within params <= 5 k"


# --- what is delivered ---


def limit_of(evaluations: float) -> dict[str, float]:
    return dict.fromkeys(CURRENCIES, math.inf) | {"evaluations": evaluations}


def history_of(F: Array, X: Array, notes: list[tuple[int, Array]]) -> History:
    """A log of answers at a price of one evaluation, and of recommendations: (answers before it, architectures)."""
    ledger = {c: np.arange(1.0, len(F) + 1) if c in ("evaluations", "asked") else np.zeros(len(F)) for c in CURRENCIES}
    spent = [{c: float(amounts[k - 1]) if k else 0.0 for c, amounts in ledger.items()} for k, _ in notes]
    told = [Note(k, amounts, A) for (k, A), amounts in zip(notes, spent, strict=True)]
    return History(X=X, F=F, fidelity=np.zeros(len(F), int), spent=ledger, total={}, recommended=told, records=[])


class Rough(Box):
    """Eight architectures of noisy answers, in eighths, so that means are exact."""

    space = Space((8,))
    deterministic = False

    def score(self, X: Array) -> Array:
        return np.column_stack([X[:, 0], (3 * X[:, 0]) % 8]).astype(float)

    def evaluate(self, X: Array, *, fidelity: int | None, seeds: Array) -> Values:
        luck = np.column_stack([seeds % np.uint64(17), seeds // np.uint64(17) % np.uint64(17)])
        return Values(self.score(X) + (luck.astype(float) - 8.0) / 4)


def feasible_means(course: Course, rows: Array, objectives: tuple[Objective, ...]) -> set[int]:
    """What of some answers is delivered by the definition: means, then limits, then dominance."""
    names = np.unique(course.which[rows])
    means = np.array([course.F[rows][course.which[rows] == name].mean(axis=0) for name in names]).reshape(-1, 2)
    inside = within(means, objectives)
    names, means = names[inside], means[inside]
    return set(names[nondominated(means)].tolist())


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([-9.0, 2.0, 4.0, 6.0]))
@settings(max_examples=60)
def test_at_every_budget_the_delivered_set_is_that_of_the_feasible_means_and_the_curve_has_it(
    seed: int, repeat: bool, end: float
) -> None:
    rng = np.random.default_rng(seed)
    problem = Rough(Objective("a", limit=end), Objective("b", limit=7.0))
    X = (rng.integers(0, 8, (20, 1)) if repeat else rng.permutation(8)[:, None]).astype(np.int64)
    F = problem.evaluate(X, fidelity=None, seeds=rng.integers(0, 2**60, len(X), dtype=np.uint64)).F
    notes = [(int(k), rng.integers(0, 8, (int(rng.integers(0, 4)), 1))) for k in np.sort(rng.integers(0, len(X), 3))]
    course = course_of(problem, history_of(F, X, notes), seed=seed)
    amounts, sets = trace(course, "evaluations", limit_of(math.inf))
    assert (np.diff(amounts) >= 0).all()
    for budget in range(30):
        regime = next(r for r in reversed(course.regimes) if r.at["evaluations"] + r.price["evaluations"] <= budget)
        paid = np.flatnonzero(course.spent["evaluations"] + regime.price["evaluations"] <= budget)
        expected = feasible_means(course, np.concatenate([paid, regime.rows]), problem.objectives)
        which, seen = delivered(course, limit_of(budget))
        assert set(which.tolist()) == expected
        assert within(seen, problem.objectives).all()
        reached = np.flatnonzero(amounts <= budget)
        assert set(sets[reached[-1]].tolist() if len(reached) else []) == expected


def test_a_mean_of_equal_answers_at_the_limit_is_within_it() -> None:
    problem = Rough(Objective("a", limit=0.1), Objective("b"))
    X = np.zeros((3, 1), dtype=np.int64)
    F = np.array([[0.1, 1.0]] * 3)
    assert F[:, 0].sum() / 3 > 0.1  # by rounding
    course = course_of(problem, history_of(F, X, []))
    assert delivered(course, limit_of(3))[0].tolist() == [0]
    assert [members.tolist() for members in trace(course, "evaluations", limit_of(3))[1]] == [[0]]


def test_tables_say_what_has_turned_out_beyond_a_limit() -> None:
    result = mobench.run("nsga2", "motif:objectives=[error<=4,latency:cpu_b64<=4],noise=true", budget=200, seed=1)
    table, (X, F) = result.front(), result.scored()
    inside = within(F, result.problem.objectives)
    assert table["feasible"].sum() == inside.sum() < len(table)
    assert (table["feasible"] == (table["error"] <= 4)).all()  # all were within as seen
    assert not table["nondominated"][~table["feasible"]].any()
    assert result.measures()["size"] == inside.sum()
    assert result.curve()["hypervolume"].iloc[-1] == result.hypervolume() == result.contract().share(F[inside])
    assert len(X) == len(table)
    assert "feasible" not in mobench.run("nsga2", "catsum", budget=50).front()


def test_a_run_that_finds_nothing_feasible_delivers_nothing_and_scores_nothing() -> None:
    result = mobench.run("random_search", "motif:objectives=[error<=1.9,latency:cpu_b64]", budget=3)
    assert len(result.delivered()) == 0
    assert len(result.front()) == 0
    assert result.hypervolume() == 0
    assert math.isinf(result.measures()["igd_plus"])
    assert len(result.curve()) == 0


def test_what_is_infeasible_as_seen_is_not_delivered_however_it_scores() -> None:
    class Misleading(Box):
        def evaluate(self, X: Array, *, fidelity: int | None, seeds: Array) -> Values:
            return Values(self.score(X) + np.array([[2.0, 0.0]]))

    problem = Misleading(Objective("a", limit=2.0), Objective("b"))

    def search(run: mobench.Run) -> None:
        run.evaluate(run.space.all())

    result = mobench.run(search, problem, budget=4)
    assert result.delivered().tolist() == [[0]]
    assert isinstance(result.contract(), Contract)
    assert result.hypervolume() < result.contract().share(problem.score(problem.space.all()))
