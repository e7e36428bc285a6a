"""Searchers at several fidelities: rungs, promotions, densities and prices are the published ones."""

import numpy as np
import pytest
from _toy_runs import check_killed_at_line

import mobench
from mobench import Cost, Objective, Run, Space, Values
from mobench.core.budget import parse_budget
from mobench.core.capabilities import limit_on
from mobench.harness.execute import search_problem
from mobench.harness.history import read_history
from mobench.harness.log import Log
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.searchers._rungs.rungs import brackets, climb, promoted, rungs
from mobench.searchers.multi_fidelity import bohb, shemoa
from mobench.testing.toy import GradedToy

SEARCHERS = ("successive_halving", "hyperband", "asha", "bohb", "shemoa", "curve_stopping")


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
    return run, read_history(log, d=len(problem.space.cardinalities), m=len(problem.objectives)), reason


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


@pytest.mark.parametrize(
    ("n", "eta", "climbers"),
    [
        (16, 2.5, [16, 6, 2, 1]),  # floor(n / eta^k), as the paper has it, and not a floor of a floor
        (3, 1.5, [3, 2, 1, 1]),
        (8, 3, [8, 2, 1, 1]),
        (1, 3, [1, 1, 1, 1]),
    ],
)
def test_a_bracket_ends_at_the_top_whatever_eta_and_however_few_begin(n, eta, climbers):
    problem = Curves()
    run = Run(problem, limit=parse_budget({"trainings": 100}, problem.training))
    assert [len(X) for _, X, _ in climb(run, [1, 3, 9, 27], n, eta=eta, quota=0.5)] == climbers


@pytest.mark.parametrize("options", [{"eta": 1.2}, {"eta": 1.5}, {"eta": 2.5}, {"architectures": 2}], ids=str)
def test_halving_delivers_full_trainings_whatever_its_options(options):
    _, history, _ = go("successive_halving", Curves(), trainings=20.0, **options)
    assert np.sum(history.fidelity == 0) >= 3


def test_hyperbands_round_costs_what_its_brackets_cost():
    _, history, _ = go("hyperband", Curves(), trainings=(81 + 78 + 90 + 108) / 27)
    asked = [int(np.sum(history.fidelity == f)) for f in (1, 3, 9)]
    assert asked == [27, 9 + 12, 3 + 4 + 6]
    assert int(np.sum(history.fidelity == 0)) == 1 + 1 + 2 + 4


@pytest.mark.parametrize("name", ["successive_halving", "hyperband", "asha"])
def test_where_nobody_is_left_behind_halving_is_random_search(name):
    found, chance = go(name, Curves(), eta=1e308)[1], go("random_search", Curves(), batch=1)[1]
    assert (found.fidelity == 0).all()
    assert np.array_equal(found.X, chance.X)


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
@pytest.mark.parametrize("cardinalities", [(1,), (2,), (4, 2)], ids=str)
def test_where_all_is_known_they_end_however_long_the_clock(name, cardinalities):
    problem = GradedToy(cardinalities=cardinalities)
    run = Run(problem, limit=limit_on(problem, {"clock": 1e5}, workers=8), workers=8)
    reason = search_problem(find("searcher", name), run, {})
    assert run.spent.asked <= 1000 < run.limit.asked
    assert reason == "finished"


@pytest.mark.parametrize("name", ["successive_halving", "hyperband", "bohb"])
def test_where_answers_are_noisy_they_never_are_all_known(name):
    problem = GradedToy(cardinalities=(2,), noisy=True)
    _, history, reason = go(name, problem, trainings=200.0)
    assert reason.startswith("budget")
    assert len(history.X) > 200


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


def test_bohb_without_a_model_is_hyperband():
    first, second = (go(name, Curves(), trainings=20.0)[1].records for name in ("bohb", "hyperband"))
    assert [note.content for note in first[:6]] == [note.content for note in second[:6]]
    _, uniform, _ = go("bohb", Curves(), trainings=20.0, random_fraction=1.0)
    assert [note.content for note in uniform.records[:9]] == [note.content for note in second[:9]]


def test_the_density_sums_to_one_and_is_highest_where_its_data_are():
    space = Space((3, 2, 4))
    data = np.array([[0, 1, 3], [0, 1, 2], [1, 1, 3]])
    width = bohb.bandwidths(data, np.array(space.cardinalities))
    found = np.exp(bohb.density(space.all(), data, width, np.array(space.cardinalities)))
    assert found.sum() == pytest.approx(1.0)
    assert space.all()[found.argmax()].tolist() == [0, 1, 3]
    assert width[1] == 1e-3  # all have the same value there
    assert width[0] == pytest.approx(1.06 * np.sqrt(0.5 * 4 / 9) * 3 ** (-1 / 7))


def test_of_samples_those_come_first_that_are_like_the_better_and_unlike_the_others():
    rng, cardinalities = np.random.default_rng(0), np.array([4, 4])
    better = np.array([[0, 0], [0, 1], [0, 0], [0, 1]])
    others = np.array([[0, 1], [1, 1], [2, 1], [3, 1]])
    assert bohb.propose(rng, better, others, cardinalities, 3, 64)[:, 0].tolist() == [[0, 0]] * 3


def test_bohb_finds_less_error_than_hyperband_where_genes_add_up():
    class Sums(Curves):
        space = Space((4,) * 6)

        def score(self, X):
            return np.asarray(X, dtype=float).sum(axis=1)[:, None]

    def least(name, **options):
        errors = [go(name, Sums(objectives=("error",)), seed=s, trainings=40.0, **options)[1].F.min() for s in range(8)]
        return np.mean(errors)

    assert least("bohb") < least("hyperband") - 0.5


def test_the_trainings_of_sh_emoa_are_those_of_the_public_code():
    assert shemoa.lengths(range(5, 26), 2) == [7, 13, 25]
    assert shemoa.lengths(range(1, 13), 2) == [2, 3, 6, 12]
    assert shemoa.lengths([12, 200], 2) == [12, 200]
    assert shemoa.lengths([7], 2) == [7]
    assert shemoa.lengths(range(1, 28), 1.01)[-2:] == [26, 27]


def test_sh_emoa_spends_an_equal_share_on_each_length_and_trains_everybody_longer():
    _, history, _ = go("shemoa", Curves(resumable=False), trainings=80.0)
    fidelity = np.where(history.fidelity == 0, 27, history.fidelity)
    assert (np.diff(fidelity) >= 0).all()
    for k, step in enumerate(shemoa.lengths(range(1, 28), 2)):
        first = np.flatnonzero(fidelity == step)[:10]
        assert len(np.unique(history.X[first], axis=0)) == 10
        spent = fidelity[: first[0]].sum() / (80 * 27)
        assert spent == pytest.approx(k / 5, abs=0.13)  # ten members of the length before, at most


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_run_that_is_killed_goes_on_to_the_same_log(name, tmp_path, monkeypatch):
    spec = RunSpec("motif", name, 3, {"trainings": 12})
    check_killed_at_line(spec, 7, tmp_path, monkeypatch)


def test_on_motif_sh_emoa_is_ahead_of_random_search_at_20_trainings():
    volumes = {
        name: np.mean([mobench.run(name, "motif", budget={"trainings": 20}, seed=s).hypervolume() for s in range(10)])
        for name in ("shemoa", "random_search")
    }
    assert volumes["shemoa"] > volumes["random_search"] + 0.03


def test_steps_closer_than_what_is_on_offer_are_all_of_it_at_once():
    assert rungs([1, 3, 9, 27], 1 + 1e-12) == [1, 3, 9, 27]
    assert rungs([1, 4, 12], 3**0.5) == rungs([1, 4, 12], 3**0.5 + 1e-12) == [1, 4, 12]
    assert rungs([1, 4, 12], 1e300) == [12]
