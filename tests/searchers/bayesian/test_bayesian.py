"""ParEGO, qNEHVI, BANANAS and NSGANetV2: known costs are taken as known, chance is beaten, kills change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _toy_runs import check_killed_at_line

import mobench
from mobench import Array, Objective, Run, Space, Values, nondominated
from mobench.core.budget import parse_budget
from mobench.core.indicators import hypervolume
from mobench.harness.execute import search_problem
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.searchers._models.asked import Asked
from mobench.searchers._models.beliefs import Beliefs
from mobench.searchers._models.encoding import bits
from mobench.searchers._models.values import units_of
from mobench.searchers.bayesian import bananas, nsganetv2, parego

SEARCHERS = ("parego", "qnehvi", "bananas", "nsganetv2")


class Costed:
    """An error that is a sum over genes, and a cost that is a formula, or a measurement."""

    space = Space((4,) * 5)
    objectives = (Objective("error"), Objective("params"))
    training = mobench.Cost(evaluations=1)
    deterministic = True

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        X = np.asarray(X, dtype=float)
        return np.column_stack([15 - X @ np.arange(1.0, 6.0) / 3, X.sum(axis=1)])

    def known_costs(self, X: Array) -> Array:
        F = self.score(X)
        F[:, 0] = np.nan
        return F


def opened(problem: Any, budget: int = 60, seed: int = 0) -> Run:
    return Run(problem, limit=parse_budget(budget, problem.training), seed=seed, log=Log())


def go(name: str, problem: Any, budget: int = 60, seed: int = 0, **options: Any) -> str:
    plugin = find("searcher", name)
    return search_problem(plugin, opened(problem, budget, seed), check_options(plugin, options))


def test_the_door_tells_known_costs_minimised_and_for_free() -> None:
    class Faster(Costed):
        objectives = (Objective("error"), Objective("speed", maximise=True))

    run = opened(Faster())
    X = run.space.sample(run.rng, 5)
    known = run.known_costs(X)
    assert np.isnan(known[:, 0]).all()
    assert known[:, 1].tolist() == (-X.sum(axis=1)).tolist()
    assert run.spent.asked == 0
    assert run.known_costs(X[0]).shape == (1, 2)
    with pytest.raises(ValueError, match="gene"):
        run.known_costs(X + 9)


def test_a_problem_that_says_nothing_has_no_known_costs() -> None:
    run = opened(mobench.make_problem("catsum", {}))
    assert np.isnan(run.known_costs(run.space.sample(run.rng, 3))).all()


def test_known_costs_of_another_shape_are_refused() -> None:
    class Wrong(Costed):
        def known_costs(self, X: Array) -> Array:
            return np.zeros(len(X))

    run = opened(Wrong())
    with pytest.raises(ValueError, match=r"expected \(3, 2\)"):
        run.known_costs(run.space.sample(run.rng, 3))


def test_beliefs_are_of_the_error_alone_and_exact_in_costs() -> None:
    run = opened(Costed())
    asked, beliefs = Asked(run, run.space.sample(run.rng, 20)), Beliefs(run, bits(run.space))
    units, _ = units_of(asked.F, run.objectives, 1.0)
    beliefs.learn(asked.X, asked.F, units)
    assert list(beliefs.models) == [0]
    X = run.space.sample(run.rng, 30)
    mean, deviation = beliefs.predict(X)
    assert (deviation[:, 1] == 0).all()
    assert mean[:, 1] == pytest.approx(units(Costed().score(X))[:, 1])
    draws = beliefs.sample(run.rng, X, 4)
    assert (np.ptp(draws[:, :, 1], axis=0) == 0).all()
    assert (np.ptp(draws[:, :, 0], axis=0) > 0).any()


@pytest.mark.parametrize("name", ["qnehvi", "bananas", "nsganetv2"])
def test_costs_that_are_known_are_never_modelled(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modelled: list[Array] = []
    for module in ("beliefs", "predictors"):
        path = f"mobench.searchers._models.{module}.fit"
        real = __import__(path.rpartition(".")[0], fromlist=["fit"]).fit
        monkeypatch.setattr(path, lambda e, X, y, real=real, **o: modelled.append(y) or real(e, X, y, **o))
    real_train = bananas.train
    monkeypatch.setattr(bananas, "train", lambda r, U, y, **o: modelled.append(y) or real_train(r, U, y, **o))
    go(name, Costed(), budget=40)
    assert modelled
    for y in modelled:  # a cost has few values, an error many
        assert len(np.unique(y)) > 13


@pytest.mark.parametrize("name", SEARCHERS)
def test_every_architecture_of_a_small_space_is_asked_once_and_then_it_ends(name: str) -> None:
    class Small(Costed):
        space = Space((3, 3, 2))

        def score(self, X: Array) -> Array:
            return super().score(np.column_stack([X, X[:, :2]]))

    assert go(name, Small(), budget=100) == "finished"


@pytest.mark.parametrize("name", SEARCHERS)
def test_on_catsum_they_beat_random_search_with_50_evaluations(name: str) -> None:
    def volumes(searcher: str, seeds: int) -> Array:
        runs = [mobench.run(searcher, "catsum", budget=50, seed=seed) for seed in range(seeds)]
        fronts = [run.history.F for run in runs]
        return np.array([hypervolume(F[nondominated(F)], (85, 25)) for F in fronts])

    found, chance = volumes(name, 4), volumes("random_search", 20)
    error = np.sqrt(found.var(ddof=1) / len(found) + chance.var(ddof=1) / len(chance))
    assert found.mean() > chance.mean() + 3 * error


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_run_that_is_killed_goes_on_to_the_same_log(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = RunSpec("motif", name, 3, {"evaluations": 50})
    check_killed_at_line(spec, 4, tmp_path, monkeypatch)


def test_paregos_sum_is_the_papers() -> None:
    F = np.array([[0.0, 10.0], [5.0, 5.0], [10.0, 0.0]])
    objectives = (Objective("a"), Objective("b"))
    assert parego.scalarised(F, objectives, np.array([0.5, 0.5]), 0.05) == pytest.approx([0.525, 0.275, 0.525])
    assert parego.scalarised(F, objectives, np.array([1.0, 0.0]), 0.05) == pytest.approx([0.0, 0.525, 1.05])
    limited = (objectives[0], Objective("b", limit=5.0))
    assert parego.scalarised(F, limited, np.array([1.0, 0.0]), 0.05)[0] == pytest.approx(1.0)


def test_one_member_is_greedy_and_streams_decide() -> None:
    lengths = np.random.default_rng(0).random((1, 8, 64))
    first = bananas.thompson(np.random.default_rng(1), np.zeros(64), lengths, 1)
    assert first == [int(lengths[0].sum(axis=1).argmax())]
    many = np.random.default_rng(0).random((5, 8, 64))
    one, other = (bananas.thompson(np.random.default_rng(2), np.zeros(64), many, 4) for _ in range(2))
    assert one == other
    assert len(set(one)) == 4


def test_bananas_sees_paths_of_cells_only() -> None:
    with pytest.raises(ValueError, match=r"names 'path' .option encoding., which is not on offer; there are one-hot"):
        mobench.run("bananas:encoding=path", "catsum", budget=40)
    assert mobench.run("bananas:encoding=path", "motif", budget=30).hypervolume() > 0


@pytest.mark.parametrize("k", [3, 8, 9, 30])
def test_a_subset_has_exactly_so_many_different_designs_and_fills_gaps(k: int) -> None:
    rng = np.random.default_rng(k)
    F = np.column_stack([rng.random(k), np.linspace(0, 1, k)])
    rows = nsganetv2.spread(rng, F, F[[0, -1]], 8)
    assert len(set(rows.tolist())) == min(k, 8)


def test_the_first_designs_of_nsganetv2_hold_the_ends_of_all_genes() -> None:
    X = nsganetv2._first(opened(Costed()), 10)
    assert X[:2].tolist() == [[0] * 5, [3] * 5]
    assert len(np.unique(X, axis=0)) == 10


def test_limits_keep_answers_within_them() -> None:
    class Limited(Costed):
        objectives = (Objective("error"), Objective("params", limit=4.0))

    shares = []
    for name in ("qnehvi", "random_search"):
        result = mobench.run(name, Limited(), budget=60)
        shares.append(np.mean(result.history.F[20:, 1] <= 4))
    assert shares[0] > shares[1] + 0.4


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("limit", [-1.0, 0.0, 1e9])
def test_limits_that_nothing_little_or_everything_is_within_are_no_end(name: str, limit: float) -> None:
    class Limited(Costed):
        objectives = (Objective("error"), Objective("params", limit=limit))

    assert go(name, Limited(), budget=40) == "budget: evaluations"
