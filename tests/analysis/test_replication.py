"""The replication noise floor: it covers what a table's own noise does to a difference, and says so beside it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import mobench
from mobench.analysis.measures import MEASURES
from mobench.analysis.replication import WORLDS, noise_floor, replicate
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.core.problem import Objective
from mobench.core.space import Space
from mobench.scoring.contract import contract_for
from mobench.scoring.outcome import Outcome


@dataclass
class Noisy:
    """100 architectures whose errors are means of trainings; costs are exact."""

    errors: np.ndarray
    noise: float
    space = Space((100,))
    training = mobench.Cost(evaluations=1)
    deterministic = True
    objectives = (Objective("error"), Objective("cost"))

    def score(self, X):
        return np.column_stack([self.errors[X[:, 0]], X[:, 0] / 100])

    def evaluate(self, X, *, fidelity=None, seeds=None):
        return mobench.Values(self.score(X))

    def standard_errors(self, X):
        return np.column_stack([np.full(len(X), self.noise), np.zeros(len(X))])

    def front(self):
        X = self.space.all()
        best = mobench.nondominated(self.score(X))
        return X[best], self.score(X[best])


TRUE = np.linspace(0.9, 0.1, 100)


def outcome(problem, X):
    return Outcome(X, problem.score(X), np.zeros(len(X)), np.zeros(len(X)), {})


def sets(rng, runs):
    """Delivered sets of two searchers that are equally good."""
    return {
        (name, seed): np.sort(rng.choice(100, size=8, replace=False))[:, None] for name in "ab" for seed in range(runs)
    }


@pytest.mark.long
def test_the_floor_covers_the_change_of_a_difference_from_table_to_table():
    """Equal sets, many tables: nineteen of twenty differences lie within the floor of the difference in truth."""
    rng, noise, inside = np.random.default_rng(0), 0.03, []
    contract = contract_for(Noisy(TRUE, noise))
    delivered = sets(rng, 3)

    def difference(problem):
        shares = {run: contract.share(problem.score(X)) for run, X in delivered.items()}
        return np.mean([s for (name, _), s in shares.items() if name == "a"]) - np.mean(
            [s for (name, _), s in shares.items() if name == "b"]
        )

    expected = np.mean([difference(Noisy(TRUE + noise * rng.standard_normal(100), noise)) for _ in range(300)])
    for _ in range(300):
        table = Noisy(TRUE + noise * rng.standard_normal(100), noise)
        worlds = replicate(table, contract, {run: outcome(table, X) for run, X in delivered.items()})
        inside.append(abs(difference(table) - expected) <= noise_floor({"p": worlds}, "a", "b", ["p"]))
    assert 0.91 < np.mean(inside) < 0.98


def test_searchers_that_deliver_the_same_cannot_be_moved_apart():
    problem = Noisy(TRUE, 0.05)
    X = np.array([[3], [40], [77]])
    worlds = replicate(problem, contract_for(problem), {(name, 0): outcome(problem, X) for name in "ab"})
    assert worlds["a"].shape == (WORLDS,)
    assert worlds["a"].std() > 0
    assert noise_floor({"p": worlds}, "a", "b", ["p"]) == 0


@pytest.mark.parametrize("measure", [m for name, m in MEASURES.items() if name != "area"], ids=lambda m: m.name)
def test_every_measure_of_a_set_has_a_floor_that_grows_with_the_noise(measure):
    found = []
    for noise in (0.01, 0.04):
        problem = Noisy(TRUE, noise)
        runs = {(name, 0): outcome(problem, X) for name, X in (("a", np.array([[50]])), ("b", np.array([[10], [90]])))}
        found.append(noise_floor({"p": replicate(problem, contract_for(problem), runs, measure)}, "a", "b", ["p"]))
    assert 0 < found[0] < found[1]


def test_what_nobody_knows_is_not_made_up():
    exact, unknown = Noisy(TRUE, 0.0), Noisy(TRUE, np.nan)
    for problem in (exact, unknown, mobench.make_problem("catsum", {})):
        X = problem.space.all()[:2]
        assert replicate(problem, contract_for(problem), {("a", 0): outcome(problem, X)}) is None
    noisy = Noisy(TRUE, 0.1)
    assert replicate(noisy, contract_for(noisy), {}) is None
    assert (
        replicate(noisy, contract_for(noisy), {("a", 0): outcome(noisy, noisy.space.all()[:1])}, MEASURES["area"])
        is None
    )
    assert np.isnan(noise_floor({}, "a", "b", ["p"]))


def test_a_run_that_delivered_nothing_takes_part():
    problem = Noisy(TRUE, 0.1)
    nothing = np.empty((0, 1), dtype=np.int64)
    runs = {("a", 0): outcome(problem, nothing), ("a", 1): outcome(problem, np.array([[60]]))}
    worlds = replicate(problem, contract_for(problem), runs)
    alone = replicate(problem, contract_for(problem), {("a", 1): outcome(problem, np.array([[60]]))})
    np.testing.assert_allclose(worlds["a"], alone["a"] / 2)


@pytest.mark.parametrize("measure", ["igd_plus", "epsilon", "r2"])
def test_beside_a_run_that_delivered_nothing_there_is_no_floor_of_a_distance(measure):
    problem = Noisy(TRUE, 0.1)
    members = {"a": np.empty((0, 1), dtype=np.int64), "b": np.array([[60]]), "c": np.array([[70]])}
    runs = {(name, 0): outcome(problem, X) for name, X in members.items()}
    worlds = {"p": replicate(problem, contract_for(problem), runs, MEASURES[measure])}
    assert np.isnan(noise_floor(worlds, "a", "b", ["p"]))
    assert np.isnan(noise_floor({"p": {"a": worlds["p"]["a"]} | {"b": worlds["p"]["a"]}}, "a", "b", ["p"]))
    assert noise_floor(worlds, "b", "c", ["p"]) > 0


def test_logarithms_move_by_the_relative_error():
    problem = Noisy(np.geomspace(1, 1e-6, 100), 0.0)
    problem.objectives = (Objective("error", scale="log"), Objective("cost"))
    problem.standard_errors = lambda X: 0.1 * problem.score(X) * [1, 0]
    contract = contract_for(problem)
    runs = {("a", 0): outcome(problem, np.array([[20], [80]]))}
    worlds = replicate(problem, contract, runs)
    assert np.isfinite(worlds["a"]).all()
    assert 0 < worlds["a"].std() < 0.1


def test_a_claim_below_the_floor_says_so_and_one_above_does_not():
    rng = np.random.default_rng(1)
    for gap, said in ((0.02, True), (0.2, False)):
        found = {
            name: pd.DataFrame({"p": 0.5 + shift + 0.001 * rng.standard_normal(10)})
            for name, shift in (("a", gap), ("b", 0.0))
        }
        worlds = {"p": {"a": 0.05 * rng.standard_normal(WORLDS), "b": np.zeros(WORLDS)}}
        for table in (on_each_problem(found, worlds=worlds), pairwise(found, worlds=worlds)):
            row = table.iloc[0]
            assert (row["better"], row["verdict"]) == ("a", "better")
            assert 0.07 < row["noise_floor"] < 0.13
            assert ("noise of the table" in row["sentence"]) is said
        assert on_each_problem(found)["noise_floor"].isna().all()


def test_over_problems_those_without_noise_count_as_exact():
    rng = np.random.default_rng(0)
    worlds = {"p": {"a": rng.standard_normal(WORLDS), "b": np.zeros(WORLDS)}}
    alone, of_two = (noise_floor(worlds, "a", "b", problems) for problems in (["p"], ["p", "exact"]))
    assert of_two == pytest.approx(alone / 2)
