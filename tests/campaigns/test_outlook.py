"""How long the rest of a campaign takes: theorems about sharing work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobench.campaigns.outlook import limit_of, seconds_left, work
from mobench.core.budget import Cost, parse_budget
from mobench.harness.spec import RunSpec

A, B = ("p", "quick"), ("p", "slow")


def test_work_counts_each_pair_at_its_own_median():
    assert work({A: 10, B: 2.5}, {A: [1, 1, 100], B: [60]}) == 10 * 1 + 2.5 * 60


def test_a_pair_that_nobody_has_timed_takes_as_long_as_others_do_on_average():
    assert work({A: 1, B: 1}, {A: [10.0], B: []}) == 20.0
    assert work({A: 1}, {}) is None


def test_equal_runs_that_share_workers_take_their_work_over_the_number_of_workers():
    assert seconds_left({A: 8}, [(A, 0.5), (A, 0.5)], {A: [10.0]}, at_once=2) == (8 * 10 + 2 * 5) / 2


def test_the_end_is_no_earlier_than_that_of_the_longest_run():
    assert seconds_left({}, [(A, 0.9), (B, 0.25)], {A: [1.0], B: [100.0]}, at_once=2) == pytest.approx(75.0)


def test_nobody_at_work_is_no_time():
    assert seconds_left({A: 3}, [], {A: [1.0]}, at_once=0) is None


@given(st.floats(0, 1), st.integers(1, 50), st.integers(0, 1000))
def test_time_left_never_grows_with_what_is_done(share, at_once, waiting):
    def left(spent):
        return seconds_left({A: waiting}, [(A, spent)] * at_once, {A: [7.0]}, at_once=at_once)

    assert left(share) <= left(share / 2) + 1e-9


@pytest.mark.parametrize("budget", [{"evaluations": 50}, {"evaluations": 50, "asked": 60}, {"flops": 1e9}])
def test_a_budget_is_known_without_its_problem(budget):
    spec = RunSpec("none_such", "nsga2", 0, budget)
    found, training = limit_of(spec), Cost(evaluations=1, flops=10.0)
    expected = parse_budget(budget, training)
    for currency in ("evaluations", "flops", "seconds"):
        assert getattr(found, currency) == getattr(expected, currency)
    assert found.asked >= expected.asked


def test_trainings_are_known_where_the_problem_is():
    spec = RunSpec("motif", "nsga2", 0, {"trainings": 7})
    assert 0 < limit_of(spec).flops < float("inf")
    assert limit_of(RunSpec("none_such", "nsga2", 0, {"trainings": 7})) is None
    assert limit_of(RunSpec("motif", "nsga2", 0, {"trainings": 7}, problem_code="sha256:other")) is None


def test_the_share_of_a_budget_is_that_of_the_currency_nearest_to_its_end():
    limit = Cost(100, 2000, float("inf"), 50.0)
    assert Cost(50, 100, 1e30, 10.0).share(limit) == 0.5
    assert Cost(50, 100, 1e30, 40.0).share(limit) == 0.8
    assert Cost(101, 100, 0, 0).share(limit) == 1.0
