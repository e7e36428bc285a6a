"""Costs add up, limits hold, and budgets are read as people write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobench.core.budget import CURRENCIES, BudgetExhausted, Cost, parse_budget

amounts = st.floats(0, 1e9)
costs = st.builds(Cost, amounts, amounts, amounts, amounts)
ONE = Cost(evaluations=1)


def test_exhaustion_is_not_an_exception_that_libraries_swallow():
    assert not issubclass(BudgetExhausted, Exception)


@given(costs, costs)
def test_costs_add_and_subtract_currency_by_currency(a, b):
    for axis in CURRENCIES:
        assert getattr(a + b, axis) == getattr(a, axis) + getattr(b, axis)
        assert getattr(a - b, axis) == getattr(a, axis) - getattr(b, axis)


def test_a_number_means_unique_evaluations_and_questions_are_capped_at_twenty_times_as_many():
    assert parse_budget(500, ONE) == Cost(500, 10_000, math.inf, math.inf, math.inf)


def test_as_many_short_trainings_may_be_asked_for_as_the_budget_pays_for():
    training = Cost(evaluations=1, flops=81.0)
    assert parse_budget({"trainings": 10}, training, fidelities=(1, 3, 81)).asked == 20 * 10 + 80 * 10
    assert parse_budget({"trainings": 10, "evaluations": 30}, training, fidelities=(1, 81)).asked == 20 * 10 + 20
    assert parse_budget(10, training, fidelities=(1, 81)).asked == 200
    assert parse_budget({"trainings": 10}, training, fidelities=(81,)).asked == 200


@pytest.mark.parametrize(
    ("training", "limit"),
    [
        (Cost(evaluations=1, flops=2e9, seconds=7), Cost(math.inf, 60, 6e9, math.inf, math.inf)),
        (Cost(evaluations=1, seconds=7), Cost(math.inf, 60, math.inf, 21, math.inf)),
        (Cost(evaluations=1), Cost(3, 60, math.inf, math.inf, math.inf)),
    ],
)
def test_trainings_are_paid_in_flops_then_seconds_then_evaluations(training, limit):
    assert parse_budget({"trainings": 3}, training) == limit


@pytest.mark.parametrize(
    ("budget", "error", "words"),
    [
        (0, ValueError, "positive"),
        (-5, ValueError, "positive"),
        (math.inf, ValueError, "finite"),
        (math.nan, ValueError, "positive"),
        (True, TypeError, "number"),
        ("many", TypeError, "number"),
        ({}, ValueError, "empty"),
        ({"evaluation": 5}, ValueError, "unknown currency 'evaluation'"),
        ({"seconds": None}, TypeError, "seconds"),
    ],
)
def test_impossible_budgets_are_refused_by_name(budget, error, words):
    with pytest.raises(error, match=words):
        parse_budget(budget, ONE)


@pytest.mark.parametrize("amount", [0.5, 50.5, 1e308, 2.0**53 + 2, 1e-9])
@pytest.mark.parametrize("currency", ["evaluations", "asked"])
def test_counts_are_whole_numbers_that_can_be_counted_to(currency, amount):
    with pytest.raises(
        ValueError, match=f"budget: {currency} must be a whole number up to 9,007,199,254,740,992, found"
    ):
        parse_budget({"flops": 1.0, currency: amount}, Cost(evaluations=1, flops=1))


def test_whole_numbers_may_be_written_as_floats_and_other_currencies_are_any_numbers():
    assert parse_budget(50.0, ONE).evaluations == 50
    assert parse_budget({"flops": 0.5}, Cost(evaluations=1, flops=1e9)).flops == 0.5
    assert parse_budget({"trainings": 1.5}, ONE).evaluations == 1.5


@pytest.mark.parametrize("budget", [{"flops": 1e308}, {"seconds": 1e308, "flops": 1e300}, {"trainings": 1e308}])
def test_a_huge_budget_has_a_finite_limit_of_questions(budget):
    assert parse_budget(budget, Cost(evaluations=1, flops=1.0, seconds=1.0)).asked == 20 * 2.0**53


def test_trainings_that_pay_for_no_answer_are_refused():
    with pytest.raises(ValueError, match=r"budget: 0.5 trainings pay for no evaluation"):
        parse_budget({"trainings": 0.5}, ONE)
