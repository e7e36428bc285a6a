"""Successive halving, Hyperband and ASHA: rungs, promotions and prices are the published ones."""

import numpy as np
import pytest

import mobench
from mobench import Cost, Objective, Run, Space, Values
from mobench.core.budget import parse_budget
from mobench.harness.execute import search_problem
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.searchers._rungs.rungs import brackets, climb, promoted, rungs

SEARCHERS = ("successive_halving", "hyperband", "asha", "curve_stopping")


class Curves:
    """Error of the first gene plus one over the epochs, and a cost; an epoch costs 1."""

    space = Space((50, 40))
    training = Cost(evaluations=1, flops=27)
    fidelities = tuple(range(1, 28))
    deterministic = True

    def __init__(self, objectives=("error", "cost"), resumable=True):
        self.objectives = tuple(map(Objective, objectives))
        self.resumable = resumable

    def evaluate(self, X, *, fidelity=None, seeds=None):
        epochs = fidelity or 27
        F = self.score(X)
        F[:, 0] += 1.0 / epochs
        return Values(F, flops=np.full(len(X), float(epochs)))

    def score(self, X):
        X = np.asarray(X, dtype=float)
        return np.column_stack([X[:, 0], 49 - X[:, 0] + X[:, 1]])[:, : len(self.objectives)]


def go(name, problem, *, seed=0, trainings=8.0, **options):
    log, plugin = Log(), find("searcher", name)
    run = Run(problem, limit=parse_budget({"trainings": trainings}, problem.training), seed=seed, log=log)
    reason = search_problem(plugin, run, check_options(plugin, options))
    return run, read_history(log, d=2, m=len(problem.objectives)), reason


def test_the_brackets_are_those_of_the_paper():
    assert brackets(4, 3) == [(27, 0), (12, 1), (6, 2), (4, 3)]
    assert brackets(5, 3) == [(81, 0), (34, 1), (15, 2), (8, 3), (5, 4)]
    assert brackets(1, 3) == [(1, 0)]


@pytest.mark.parametrize(
    ("offer", "eta", "steps"),
    [
        (range(1, 28), 3, [1, 3, 9, 27]),
        (range(1, 82), 3, [1, 3, 9, 27, 81]),
        (range(1, 13), 3, [1, 4, 12]),
        (range(1, 17), 2, [1, 2, 4, 8, 16]),
        ([12, 200], 3, [12, 200]),
        ([4, 12, 36, 108], 3, [4, 12, 36, 108]),
        ([7], 3, [7]),
        (range(5, 11), 100, [10]),
    ],
)
def test_rungs_are_the_nearest_on_offer(offer, eta, steps):
    assert rungs(offer, eta) == steps


@pytest.mark.parametrize(("resumable", "epochs"), [(True, 81), (False, 108)])
def test_a_bracket_of_27_costs_what_the_card_says_and_promotes_a_third(resumable, epochs):
    problem = Curves(resumable=resumable)
    run = Run(problem, limit=parse_budget({"trainings": 100}, problem.training))
    climbed = [(fidelity, len(X)) for fidelity, X, _ in climb(run, [1, 3, 9, 27], 27, eta=3, quota=0.5)]
    assert climbed == [(1, 27), (3, 9), (9, 3), (27, 1)]
    assert run.spent.flops == epochs


def test_hyperbands_round_costs_what_its_brackets_cost():
    _, history, _ = go("hyperband", Curves(), trainings=(81 + 78 + 90 + 108) / 27)
    asked = [int(np.sum(history.fidelity == f)) for f in (1, 3, 9)]
    assert asked == [27, 9 + 12, 3 + 4 + 6]
    assert int(np.sum(history.fidelity == 0)) == 1 + 1 + 2 + 4


def test_with_one_objective_promotion_is_by_rank_alone():
    rng = np.random.default_rng(0)
    F = rng.permutation(30).astype(float)[:, None]
    for quota in (0.0, 0.5, 1.0):
        assert set(F[promoted(rng, F, 10, quota=quota), 0]) == set(range(10))


def test_the_quota_goes_to_the_lowest_error_whatever_the_cost():
    rng = np.random.default_rng(1)
    cheap = np.column_stack([np.full(20, 90.0) - np.arange(20), np.arange(20.0)])  # all nondominated, all useless
    good = np.column_stack([np.arange(10.0), np.full(10, 100.0)])  # one of these is nondominated
    F = np.concatenate([cheap, good])
    assert np.sum(promoted(rng, F, 10, quota=0.0) >= 20) == 1
    rows = promoted(rng, F, 10, quota=0.5)
    assert np.sum(rows >= 20) == 6
    assert len(np.unique(rows)) == 10


def test_what_is_beyond_limits_goes_on_last():
    rng = np.random.default_rng(2)
    F = np.column_stack([np.arange(10.0), np.arange(10.0)])
    beyond = np.where(np.arange(10) < 5, 1.0, 0.0)
    for quota in (0.0, 0.5, 1.0):
        assert set(promoted(rng, F, 5, quota=quota, beyond=beyond)) == set(range(5, 10))


@pytest.mark.parametrize("n", [0, 1, 5])
def test_never_more_are_promoted_than_there_are(n):
    F = np.ones((n, 2))
    assert len(promoted(np.random.default_rng(0), F, 3, quota=0.5)) == min(n, 3)


def test_asha_promotes_who_is_in_the_top_third_and_never_waits():
    """At any moment at most a third of a rung went on, and whoever may go on does so before a new one begins."""
    _, history, _ = go("asha", Curves(objectives=("error",)), trainings=30.0)
    steps = [1, 3, 9, 0]
    answered = {step: [] for step in steps}
    for x, fidelity in zip(history.X[:, 0].tolist(), history.fidelity.tolist(), strict=True):
        place = steps.index(fidelity)
        if place:
            below = answered[steps[place - 1]]
            assert x <= sorted(below)[len(below) // 3 - 1]
            assert len(answered[fidelity]) < len(below) // 3
        else:
            for k in range(3):
                assert len(answered[steps[k]]) // 3 <= len(answered[steps[k + 1]]) + 1
        answered[fidelity].append(x)
    assert [len(answered[step]) for step in steps[:2]] > [9, 3]


@pytest.mark.parametrize("name", SEARCHERS)
def test_they_end_in_spaces_of_a_few_architectures(name):
    class Tiny(Curves):
        space = Space((2, 2))

    _, history, reason = go(name, Tiny(), trainings=50.0)
    assert len(np.unique(history.X, axis=0)) <= 4
    assert reason in ("finished", "budget: asked")


@pytest.mark.parametrize("name", SEARCHERS)
def test_they_need_a_problem_with_fidelities(name):
    with pytest.raises(ValueError, match="MultiFidelity"):
        mobench.run(name, "catsum", budget=10)


def test_on_motif_asha_is_ahead_of_random_search_at_20_trainings():
    """Means of ten seeds; .87 against .79 in the page's campaign."""
    volumes = {
        name: np.mean([mobench.run(name, "motif", budget={"trainings": 20}, seed=s).hypervolume() for s in range(10)])
        for name in ("asha", "random_search")
    }
    assert volumes["asha"] > volumes["random_search"] + 0.03
