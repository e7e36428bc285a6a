"""What every black-box searcher must do: beat chance, keep to its budget, follow its seed, and come to an end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mobench import Array, Cost, History, Objective, Run, Space, Values, make_problem, nondominated
from mobench.core.budget import parse_budget
from mobench.core.indicators import hypervolume
from mobench.harness.execute import search_problem
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options

SEARCHERS = (
    "local_search",
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
POPULATIONS = SEARCHERS[1:10]
BEST = 1796.0  # hypervolume of CatSum's front, reference (85, 25)


class Asked(Run):
    """A run that remembers what it was asked."""

    __slots__ = ("asked",)
    asked: list[Array]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "asked", [])  # for everybody else, a run is for reading
        super().__init__(*args, **kwargs)

    def evaluate(self, X: Any, *, fidelity: int | None = None) -> Array:
        self.asked.append(np.array(X))
        return super().evaluate(X, fidelity=fidelity)

    def submit(self, X: Any, *, fidelity: int | None = None) -> None:
        self.asked.append(np.array(X))
        super().submit(X, fidelity=fidelity)


class Toy:
    """Any space, any number of objectives, few values and many ties, and nothing to learn."""

    training = Cost(evaluations=1)
    deterministic = True

    def __init__(self, genes: tuple[int, ...], m: int) -> None:
        self.space = Space(genes)
        self.objectives = tuple(Objective(f"f{j}") for j in range(m))
        self.F = np.random.default_rng(7).integers(0, 4, size=(self.space.size, m)).astype(float)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        return Values(self.score(X))

    def score(self, X: Array) -> Array:
        F: Array = self.F[self.space.index(X)]
        return F


def go(name: str, problem: Any, budget: Any = 500, seed: int = 0, **options: Any) -> tuple[Asked, History, str]:
    """Search in memory; return the run, its log and why it ended."""
    log, plugin = Log(), find("searcher", name)
    run = Asked(problem, limit=parse_budget(budget, problem.training), seed=seed, log=log)
    reason = search_problem(plugin, run, check_options(plugin, options))
    return run, read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives)), reason


def volume(F: Array) -> float:
    return hypervolume(F[nondominated(F)], (85, 25))


@functools.cache
def catsum(name: str, seeds: int, **options: Any) -> Array:
    """Hypervolumes on CatSum after 100, 300 and 500 unique evaluations; shape (seeds, 3)."""
    problem = make_problem("catsum", {})
    histories = [go(name, problem, seed=seed, **options)[1] for seed in range(seeds)]
    return np.array([[volume(h.F[:100]), volume(h.F[:300]), volume(h.F)] for h in histories])


def standard_error(*samples: Array) -> float:
    return float(np.sqrt(sum(sample.var(ddof=1) / len(sample) for sample in samples)))


def test_random_search_is_as_good_as_chance() -> None:
    found = catsum("random_search", 60)[:, [0, 2]]
    assert found.mean(axis=0) == pytest.approx([1599, 1695], abs=10)  # standard errors 4.8 and 2.5


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "seeds", "floor"),
    [
        ("local_search", 20, 1790),  # calibration: 1794
        ("regularized_evolution", 20, 1755),
        ("nsga2", 20, 1765),  # calibration: 1780
        ("nsga3", 20, 1755),  # calibration: 1778
        ("moead", 20, 1765),  # calibration: 1774 to 1782
        ("smsemoa", 20, 1765),  # calibration: 1781
        ("agemoea2", 10, 1760),
        ("nsca", 20, 1780),  # calibration: 1788
        ("nsga_net", 20, 1780),  # 1790 found
        ("lemonade_tabular", 20, 1790),  # 1795 found
        ("mcts", 10, 1740),  # 1757 found
        ("lanas", 10, 1755),  # 1771 found
        ("lamoo", 5, 1775),  # 1790 found
        ("reinforce", 20, 1725),  # 1717 in the card, 1747 found
    ],
)
def test_catsum_is_searched_far_better_than_by_chance(name: str, seeds: int, floor: float) -> None:
    found, chance = catsum(name, seeds)[:, 2], catsum("random_search", 60)[:, 2]
    assert found.mean() >= floor
    assert found.mean() - chance.mean() > 3 * standard_error(found, chance)


@pytest.mark.long
@pytest.mark.parametrize(("name", "seeds"), [("mcts", 10), ("lanas", 10), ("lamoo", 5)])
def test_trees_are_ahead_of_chance_on_catsum_after_300_evaluations(name: str, seeds: int) -> None:
    found, chance = catsum(name, seeds)[:, 1], catsum("random_search", 60)[:, 1]
    assert found.mean() - chance.mean() > 3 * standard_error(found, chance)


def test_local_search_finds_the_whole_front_of_catsum_more_often_than_not() -> None:
    assert (catsum("local_search", 20)[:, 2] == BEST).mean() > 0.5
    assert (catsum("local_search", 20, choice="random", leave_early=False)[:, 2] == BEST).mean() > 0.3


def test_local_search_fills_the_front_of_lotz() -> None:
    problem = make_problem("lotz", {"bits": 8})
    for seed in range(5):
        history = go("local_search", problem, 256, seed=seed)[1]
        assert len(np.unique(history.X[history.F.sum(axis=1) == 8], axis=0)) == 9


def pymoos_nsga2(run: Run) -> None:
    """pymoo's own algorithm with the same operators and sizes as ours."""
    from pymoo.algorithms.moo.nsga2 import NSGA2

    from mobench.searchers._population import pymoo as _pymoo

    _pymoo.drive(run, NSGA2(pop_size=20, **_pymoo.operators(run.space, crossover_probability=0.9)))


def volumes(search: Callable[..., None], problem: Any, seeds: range, reference: Array, scale: Array) -> Array:
    """Hypervolumes after 100 and 500 unique evaluations; shape (len(seeds), 2)."""
    found = []
    for seed in seeds:
        log = Log()
        run = Run(problem, limit=parse_budget(500, problem.training), seed=seed, log=log)
        assert search_problem(search, run, {}) == "budget: evaluations"
        F = read_history(log, d=6, m=len(problem.objectives)).F / scale
        found.append([hypervolume(F[:k][nondominated(F[:k])], reference) for k in (100, 500)])
    return np.array(found)


def assert_same_mean(a: Array, b: Array) -> None:
    for k in range(a.shape[1]):
        assert abs(a[:, k].mean() - b[:, k].mean()) < 3 * standard_error(a[:, k], b[:, k])


def test_nsga2_is_as_good_as_pymoos_on_catsum() -> None:
    theirs = volumes(pymoos_nsga2, make_problem("catsum", {}), range(1000, 1020), np.array([85, 25]), np.ones(2))
    assert_same_mean(catsum("nsga2", 20)[:, [0, 2]], theirs)


def test_nsga2_is_as_good_as_pymoos_on_nasbench201() -> None:
    problem = make_problem("nasbench201", {"objectives": ("error", "params", "flops")})
    scale = problem.score(problem.space.all()).max(axis=0)
    ours = volumes(find("searcher", "nsga2"), problem, range(20), np.full(3, 1.1), scale)
    theirs = volumes(pymoos_nsga2, problem, range(1000, 1020), np.full(3, 1.1), scale)
    assert_same_mean(ours, theirs)


def test_evolution_with_places_taken_for_ranks_would_be_no_better_than_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defect of a well-known library: the list of items sorted by rank serves as the items' priorities."""
    from mobench.searchers._population import ranking as _ranking

    right = catsum("regularized_evolution", 20, population=20, sample=5)[:, 2]
    ranks = _ranking.ranks
    monkeypatch.setattr(_ranking, "ranks", lambda F, beyond: np.argsort(ranks(F, beyond), kind="stable"))
    problem = make_problem("catsum", {})
    options = {"population": 20, "sample": 5}
    wrong = [volume(go("regularized_evolution", problem, seed=seed, **options)[1].F) for seed in range(8)]
    assert right.mean() >= 1755
    assert np.mean(wrong) < 1715
    assert abs(np.mean(wrong) - catsum("random_search", 60)[:, 2].mean()) < 25


def test_evolution_lets_the_oldest_die() -> None:
    run, history, _ = go("regularized_evolution", make_problem("catsum", {}), 200, population=7, sample=3)
    asked = np.concatenate(run.asked)
    for turn, note in enumerate(history.records):
        assert note.content["population"] == asked[7 * turn : 7 * turn + 7].tolist()


@pytest.mark.parametrize("name", SEARCHERS)
def test_the_seed_decides_everything_and_numpys_global_state_nothing(name: str) -> None:
    problem = make_problem("catsum", {})
    np.random.seed(1)  # noqa: NPY002 - it must not matter
    first = go(name, problem, 150, seed=5)[1]
    np.random.seed(2)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index] # noqa: NPY002
    again, other = (go(name, problem, 150, seed=seed)[1] for seed in (5, 6))
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index] # noqa: NPY002
    assert (first.X == again.X).all()
    assert first.records == again.records
    assert (first.X != other.X).any()


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_run_cut_short_goes_on_as_if_nothing_had_happened(name: str, tmp_path: Path) -> None:
    problem, whole, part = make_problem("catsum", {}), tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    limit = parse_budget(120, problem.training)
    with Log(whole) as log:
        search_problem(find("searcher", name), Run(problem, limit=limit, seed=4, log=log), {})
    lines = whole.read_bytes().splitlines(keepends=True)
    for kept in (1, len(lines) // 2, len(lines) - 1):
        part.write_bytes(b"".join(lines[:kept]))
        with Log(part) as log:
            search_problem(find("searcher", name), Run(problem, limit=limit, seed=4, log=log), {})
        assert part.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("budget", [7, 143])
def test_the_ledger_counts_the_evaluations_to_the_unit(name: str, budget: int) -> None:
    run, history, reason = go(name, make_problem("catsum", {}), budget, seed=1)
    assert reason == "budget: evaluations"
    assert len(history.X) == len(np.unique(history.X, axis=0)) == budget == run.spent.evaluations
    assert (make_problem("catsum", {}).score(history.X) == history.F).all()


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("m", [1, 2, 3, 6])
@pytest.mark.parametrize("genes", [(1,), (2,), (1, 3, 1), (2, 2, 2), (60,)], ids=str)
def test_tiny_spaces_come_to_an_end(name: str, genes: tuple[int, ...], m: int) -> None:
    problem = Toy(genes, m)
    run, history, reason = go(name, problem, {"evaluations": 100, "asked": 300})
    assert reason in ("finished", "budget: asked")
    assert len(history.X) == run.spent.evaluations <= problem.space.size
    if name in ("local_search", "lemonade_tabular", "mcts", "lanas", "lamoo"):
        assert reason == "finished"
        assert len(history.X) == problem.space.size
    assert len(history.X) >= min(problem.space.size, 20)


@pytest.mark.parametrize("name", SEARCHERS)
@pytest.mark.parametrize("m", [1, 3, 6])
def test_any_number_of_objectives_ties_and_fixed_genes(name: str, m: int) -> None:
    _, history, reason = go(name, Toy((3, 1, 4, 2, 5, 3), m), 120, seed=2)
    assert reason == "budget: evaluations"
    assert len(history.X) == 120


@pytest.mark.parametrize("name", POPULATIONS)
def test_populations_are_recorded_and_were_evaluated(name: str) -> None:
    problem = make_problem("catsum", {})
    _, history, _ = go(name, problem, 200, seed=3)
    assert len(history.records) >= 5
    for note in history.records:
        population = np.array(note.content["population"])
        assert np.isin(problem.space.key(population), problem.space.key(history.X[: note.answers])).all()


@pytest.mark.parametrize("name", ["nsga2", "nsga3", "moead", "smsemoa", "agemoea2", "nsga_net"])
def test_genetic_searchers_take_their_options(name: str) -> None:
    options: dict[str, Any] = {"population": 6, "crossover": "two-point", "crossover_probability": 0.5}
    _, history, reason = go(name, make_problem("catsum", {}), 60, **options)
    assert (reason, len(history.X)) == ("budget: evaluations", 60)


@pytest.mark.parametrize("restart", ["random", "perturb"])
def test_local_search_starts_again_until_all_is_known(restart: str) -> None:
    problem = make_problem("lotz", {"bits": 6})
    _, history, reason = go("local_search", problem, 1000, restart=restart, neighbours=2)
    assert (reason, len(history.X)) == ("finished", 64)


def test_moead_does_not_mind_units() -> None:
    class Scaled:
        def __init__(self, scale: Array) -> None:
            self.inner = make_problem("catsum", {})
            self.space, self.objectives, self.training = self.inner.space, self.inner.objectives, self.inner.training
            self.deterministic, self.scale = True, scale

        def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
            return Values(self.score(X))

        def score(self, X: Array) -> Array:
            F: Array = self.inner.score(X) * self.scale
            return F

    plain, scaled = (go("moead", Scaled(np.array(scale)), 200)[1] for scale in ([1.0, 1.0], [2.0**-20, 2.0**30]))
    assert (plain.X == scaled.X).all()


@pytest.mark.parametrize("name", ["nsca", "nsga_net"])
def test_crisscross_and_samples_stay_in_a_pool(name: str) -> None:
    problem = make_problem("ec_nas", {})
    _, history, reason = go(name, problem, 120)
    assert (reason, len(history.X)) == ("budget: evaluations", 120)
    assert (problem.space.canonical(history.X) == history.X).all()


def test_directions_are_about_as_many_as_the_population() -> None:
    from mobench.searchers._population.directions import directions

    assert [len(directions(m, 20)) for m in range(1, 7)] == [20, 20, 21, 20, 15, 21]
    assert len(directions(2, 100)) == 100
    assert directions(3, 91).sum(axis=1) == pytest.approx(np.ones(91))


def test_agemoea2_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'mobench\[agemoea2\]'"):
        find("searcher", "agemoea2")(Run(make_problem("catsum", {}), limit=Cost(10, 10)))
