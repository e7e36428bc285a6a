"""The metric contract: seen decides, scored reports; three conventions, frozen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mobench
from mobench.core.budget import CURRENCIES, Cost
from mobench.core.indicators import hypervolume, nondominated
from mobench.core.problem import Objective, Values
from mobench.core.space import Space
from mobench.harness.history import History, Note
from mobench.scoring import claimed
from mobench.scoring.archive import archives
from mobench.scoring.contract import contract_for
from mobench.scoring.contracts import CONTRACTS
from mobench.scoring.records import check_records
from mobench.scoring.result import NoPopulationError, Result


class Misleading:
    """Four architectures whose seen order is the reverse of the scored one."""

    space = Space((4,))
    objectives = (Objective("error"), Objective("cost"))
    training = Cost(evaluations=1)
    deterministic = True
    seen = np.array([[0.0, 3], [1, 2], [2, 1], [3, 3]])
    true = np.array([[9.0, 3], [4, 2], [2, 1], [0, 0]])

    def evaluate(self, X, *, fidelity, seeds):
        return Values(self.seen[X[:, 0]])

    def score(self, X):
        return self.true[X[:, 0]]

    def front(self):
        return np.array([[0], [2]]), np.array([[1.0, 9.0], [9.0, 1.0]])

    def bounds(self, contract):
        return np.zeros(2), np.full(2, 10.0)


def history(X, seen, **changes):
    n = len(X)
    spent = {axis: np.arange(1.0, n + 1) for axis in CURRENCIES}
    base = {"fidelity": np.zeros(n), "spent": spent, "total": {}, "recommended": [], "records": []}
    return History(X=X, F=seen[X[:, 0]], **(base | changes))


def note(answers, content):
    return Note(answers, dict.fromkeys(CURRENCIES, float(answers)), content)


ALL = np.array([[0], [1], [2], [3]])


def test_the_set_is_chosen_by_what_was_seen_and_only_then_scored():
    problem = Misleading()
    chosen = Result(problem, history(ALL, problem.seen), "finished").delivered()
    assert chosen.tolist() == [[0], [1], [2]]  # architecture 3, the best by score, looked dominated


def test_the_reference_is_one_point_one_in_units_of_ideal_and_nadir():
    contract = contract_for(Misleading())
    assert contract.normalise([[1, 9], [9, 1], [5, 5]]).tolist() == [[0, 1], [1, 0], [0.5, 0.5]]
    assert contract.share(np.array([[1.0, 9.0], [9.0, 1.0]])) == pytest.approx(1)
    assert contract.share(np.array([[5.0, 5.0]])) == pytest.approx(0.6**2 / (2 * 1.1 * 0.1 - 0.1**2))


def test_before_mobench_2_a_recommendation_is_the_set_and_a_later_one_replaces_it():
    problem = Misleading()
    seen = history(ALL, problem.seen, recommended=[note(2, np.array([[1]])), note(4, np.array([[3], [3]]))])
    assert claimed.choose(problem, seen, 2).tolist() == [[1]]
    assert claimed.choose(problem, seen, 4).tolist() == [[3]]
    curve = Result(problem, seen, "finished").curve(axis="flops", contract="mobench-1")
    assert curve["flops"].tolist() == [2, 4]
    assert curve["hypervolume"][1] > 1  # better than the front that this problem declares: nothing is clipped


def test_answers_at_low_fidelity_do_not_enter_the_set():
    problem = Misleading()
    seen = history(ALL, problem.seen, fidelity=np.array([12, 0, 0, 12]))
    assert Result(problem, seen, "finished").delivered().tolist() == [[1], [2]]


def test_evoxbench_judges_the_final_population_within_published_bounds():
    problem = Misleading()
    contract = contract_for(problem, "evoxbench")
    assert (contract.reference, contract.ideal.tolist(), contract.span.tolist()) == (1, [0, 0], [10, 10])
    seen = history(
        ALL, problem.seen, records=[note(2, {"population": [[0], [1]]}), note(4, {"population": [[2], [3]]})]
    )
    told = check_records(seen.records, problem.space).populations
    assert claimed.choose(problem, seen, 2, populations=told).tolist() == [[0], [1]]
    assert claimed.choose(problem, seen, 4, populations=told).tolist() == [[2], [3]]


def test_the_curve_of_a_population_is_that_of_each_generation_and_may_fall():
    problem = Misleading()
    records = [note(3, {"population": [[1], [2]]}), note(3, {"other": 1}), note(4, {"population": [[0], [1]]})]
    curve = Result(problem, history(ALL, problem.seen, records=records), "finished").curve(contract="evoxbench")
    assert curve["evaluations"].tolist() == [3, 4]
    # scored (4, 2) and (2, 1) of 10: 0.8 * 0.9; then (9, 3) and (4, 2): 0.6 * 0.8; the front's: 0.1 * 0.9 * 2 - 0.1**2
    assert curve["hypervolume"].tolist() == pytest.approx([0.72 / 0.17, 0.48 / 0.17])


def test_evoxbench_refuses_a_run_that_records_no_population():
    problem = Misleading()
    recommends = [note(4, np.array([[3]]))]
    for changes in ({}, {"recommended": recommends}, {"records": [note(4, {"loss": 1.0})]}):
        run = Result(problem, history(ALL, problem.seen, **changes), "finished")
        for ask in (run.delivered, run.scored, run.hypervolume, run.curve):
            with pytest.raises(NoPopulationError, match=r"recorded none.*score others by mobench-2"):
                ask(contract="evoxbench")
        failed = Result(problem, run.history, "failed")  # it might have recorded one, and is scored as nothing
        assert failed.hypervolume(contract="evoxbench") == 0
        assert len(failed.curve(contract="evoxbench")) == 0


def test_under_evoxbench_a_recommendation_does_not_replace_the_population():
    problem = Misleading()
    records = [note(2, {"population": [[0], [1]]})]
    run = Result(
        problem, history(ALL, problem.seen, records=records, recommended=[note(4, np.array([[2]]))]), "finished"
    )
    assert run.delivered(contract="evoxbench").tolist() == [[0], [1]]
    assert run.curve(contract="evoxbench")["evaluations"].tolist() == [2]


class Flat(Misleading):
    """The front has no extent in the second objective, whose values over all architectures reach from 2 to 6."""

    true = np.array([[1.0, 2], [1, 6], [3, 5], [2, 4]])

    def front(self):
        return np.array([[0]]), self.true[:1]

    @property
    def ranges(self):
        return self.true.min(axis=0), self.true.max(axis=0)


def test_where_the_front_has_no_extent_the_table_has():
    contract = contract_for(Flat())
    assert contract.span.tolist() == [2, 4]  # 3 - 1, and 6 - 2
    assert contract.share(Flat.true[:1]) == pytest.approx(1)
    assert contract.share(Flat.true[2:]) == pytest.approx(0.6 * 0.6 / 1.1**2)
    assert contract_for(Flat(), "mobench-1").span.tolist() == [1, 1]  # as it was


class Unknown(Flat):
    """The problem does not say what the objectives reach."""

    ranges = property()  # none: asking for it is an AttributeError


class Zero(Unknown):
    """And the front's value is 0."""

    true = np.array([[1.0, 0], [1, 6], [3, 5], [2, 4]])


def test_where_nobody_can_know_what_architectures_reach_there_is_no_contract_without_ranges():
    problem = Zero()
    problem.space = Space((2,) * 30)
    with pytest.raises(ValueError, match="give the problem `ranges`"):
        contract_for(problem)
    problem = Flat()
    problem.space = Space((2,) * 30)
    assert contract_for(problem).span.tolist() == [2, 4]
    slow = Zero()
    slow.portion = 1
    with pytest.raises(ValueError, match="give the problem `ranges`"):
        contract_for(slow)


def test_an_objective_in_which_all_architectures_are_equal_decides_nothing():
    problem = Zero()
    problem.true = problem.true * [1, 0]
    assert contract_for(problem).span.tolist() == [2, 1]
    assert contract_for(problem).share(problem.true[[0]]) == pytest.approx(1)


@settings(max_examples=50)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.booleans(), st.sampled_from([Flat, Unknown, Zero]))
def test_no_unit_changes_a_share_where_the_front_has_no_extent(a, b, maximise, kind):
    scaled, plain = kind(), kind()
    scaled.true = plain.true * [a, -b if maximise else b]
    scaled.objectives = (Objective("error"), Objective("cost", maximise=maximise))
    scaled.front = lambda: (np.array([[0]]), scaled.true[:1])
    for rows in ([1], [2, 3], [0, 1, 2]):
        mine, theirs = (contract_for(p).share(p.true[rows]) for p in (scaled, plain))
        assert mine == pytest.approx(theirs, rel=1e-9)


# Constants of EvoXBench's code (Lu et al. 2023): utopian and nadir points of error, parameters, FLOPs[, latency]
EVOXBENCH = {
    "darts": ((0.0527, 392426, 79733440), (0.275, 1672426, 270342848)),
    "resnet": ((0.1987, 6542624, 669461472), (0.31242, 44114544, 14576961500)),
    "transformer": ((0.1765, 43480888, 9223839636), (0.18322, 74134144, 15402946152)),
    "mobilenetv3": ((0.20918, 4610136, 213223824, 10.3589), (0.29796, 10197992, 1376797630, 70.3806)),
}


class Bounded:
    """What a contract asks of a problem that has published bounds and no known front."""

    def __init__(self, suite):
        self.ideal, self.nadir = map(np.array, EVOXBENCH[suite])
        self.objectives = tuple(Objective(f"f{j}") for j in range(len(self.ideal)))

    def bounds(self, contract):
        return self.ideal, self.nadir


# Points in units of utopian (0) and nadir (1), and their hypervolume worked out by hand
HAND = {
    "nothing": ([], 0),
    "one point": ([(0.5, 0.5, 0.5)], 1 / 8),
    "the utopian point": ([(0, 0, 0)], 1),
    "on the nadir": ([(1, 0, 0)], 0),
    "beyond the nadir": ([(0, 0, 1.5)], 0),
    "better than utopian counts for more": ([(-1, 0.5, 0)], 2 * 0.5),
    "two that overlap": ([(0.2, 0.5, 0), (0.6, 0.25, 0)], 0.8 * 0.5 + 0.4 * 0.25),
    "three extremes": ([(0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)], 4 / 8),  # four of the eight half-cubes
    "the dominated adds nothing": ([(0.5, 0.5, 0.5), (0.5, 0.6, 0.5)], 1 / 8),
}


@pytest.mark.parametrize("suite", EVOXBENCH)
@pytest.mark.parametrize(("points", "volume"), HAND.values(), ids=HAND)
def test_evoxbench_sets_worked_out_by_hand(suite, points, volume):
    problem = Bounded(suite)
    m = len(problem.objectives)
    units = np.array(points, dtype=float).reshape(-1, 3)
    units = np.column_stack([units, np.zeros((len(units), m - 3))])  # a fourth objective at its best
    contract = contract_for(problem, "evoxbench")
    assert (contract.reference, contract.volume) == (1, 1)  # no known front: the whole box is 1
    found = contract.share(problem.ideal + units * (problem.nadir - problem.ideal))
    assert found == pytest.approx(volume, abs=1e-12)


def test_evoxbench_on_nasbench201_has_the_published_constants():
    names = ("error", "params", "flops")
    three = contract_for(mobench.make_problem("nasbench201", {"objectives": names}), "evoxbench")
    assert three.ideal.tolist() == [5.626667, 0.073306, 7.78305]
    assert (three.ideal + three.span).tolist() == [90.0, 1.073466, 153.27297]
    four = contract_for(mobench.make_problem("nasbench201", {"objectives": (*names, "latency:eyeriss")}), "evoxbench")
    assert four.ideal.tolist() == [5.626667, 0.073306, 7.78305, 1.67954]
    assert (four.ideal + four.span).tolist() == [50.98, 1.073466, 153.27297, 10.5269]
    # a cell of half the range in each of two objectives, and the best in the third
    middle = three.ideal + three.span / 2
    F = np.array([[middle[0], middle[1], three.ideal[2]], [middle[0], three.ideal[1], middle[2]]])
    assert three.share(F) * three.volume == pytest.approx(0.25 + 0.25 - 0.125)


def test_unknown_contracts_and_missing_bounds_are_refused():
    with pytest.raises(ValueError, match=f"choose from {', '.join(CONTRACTS)}"):
        contract_for(Misleading(), "mobench")
    with pytest.raises(ValueError, match="neither a true front nor bounds"):
        contract_for(mobench.make_problem("catsum", {}), "modnas")


def test_the_share_of_catsum_is_its_hypervolume_over_that_of_its_front():
    result = mobench.run("random_search", "catsum", budget=300)
    F = result.problem.score(result.delivered())
    front = result.problem.front()[1]
    ideal, nadir = front.min(axis=0), front.max(axis=0)

    def volume(F):
        return hypervolume((F - ideal) / (nadir - ideal), 1.1)

    assert result.hypervolume() == pytest.approx(volume(F) / volume(front))


@pytest.mark.parametrize("m", [1, 2, 3])
def test_the_anytime_archive_is_the_nondominated_set_at_every_moment(m):
    rng = np.random.default_rng(m)
    F = rng.integers(0, 8, (300, m)).astype(float)
    eligible = rng.random(300) < 0.8
    later = np.flatnonzero(eligible)
    changes = dict(archives(F, np.arange(300), later[:0], later))
    archive = np.empty(0, dtype=int)
    for n in range(1, len(later) + 1):
        archive, rows = changes.get(n, archive), later[:n]
        assert sorted(archive.tolist()) == rows[nondominated(F[rows])].tolist()


def test_the_curve_ends_at_the_hypervolume_of_the_run():
    for searcher in ("random_search", "nsga2", "local_search"):
        result = mobench.run(searcher, "catsum", budget=200, seed=1)
        assert result.curve()["hypervolume"].iloc[-1] == pytest.approx(result.hypervolume())
