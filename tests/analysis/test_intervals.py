"""Intervals keep their word at few seeds: each covers what it is about at the rate that it states, by simulation."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from mobench.analysis.intervals import (
    improvement_interval,
    jackknife,
    mean_improvement,
    median_interval,
    share_interval,
    vargha_delaney,
)
from mobench.analysis.statistics import interquartile_means, profiles, runs_of

SEEDS = (3, 5, 7, 10)
TRIALS = 200
SLACK = 3 * np.sqrt(0.05 * 0.95 / TRIALS)
"""Three standard errors of a rate of 0.95."""


def means_without(values):
    """Of all but one, for each."""
    return (values.sum() - values) / (len(values) - 1)


def noise(rng, n, kind, *, alike, problems=4):
    """(problems, n): one stream for all problems, or one each."""
    rows = 1 if alike else problems
    drawn = rng.normal(size=(rows, n)) if kind == "normal" else 2 - rng.gamma(2, size=(rows, n))
    return np.repeat(drawn, problems // rows, axis=0)


def matrix(values):
    """Seeds x problems, on levels and spreads of their own, from (problems, n) noise."""
    rows = [0.5 + 0.1 * j + 0.03 * (j + 1) * row for j, row in enumerate(values)]
    return pd.DataFrame(dict(zip(("p0", "p1", "p2", "p3"), rows, strict=False)))


def rate(cover, seed=0):
    rng = np.random.default_rng(seed)
    return np.mean([cover(rng) for _ in range(TRIALS)])


@pytest.mark.long
@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_a_median_lies_between_its_order_statistics_at_their_rate(n, kind):
    truth = 0 if kind == "normal" else 2 - scipy.stats.gamma(2).median()
    level = median_interval(np.arange(n)).confidence

    def cover(rng):
        found = median_interval(noise(rng, n, kind, alike=True)[0])
        return found.low <= truth <= found.high

    assert rate(cover) == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / TRIALS) + 1e-3)


@pytest.mark.long
@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_an_interquartile_mean_is_covered_at_its_rate(n, kind, alike):
    pooled = matrix(noise(np.random.default_rng(1), 100_000, kind, alike=False)).to_numpy().ravel()
    truth, stated = scipy.stats.trim_mean(pooled, 0.25), interquartile_means({"a": matrix(np.ones((4, n)))})

    def cover(rng):
        row = interquartile_means({"a": matrix(noise(rng, n, kind, alike=alike))}).iloc[0]
        return row["low"] <= truth <= row["high"]

    assert rate(cover) >= stated["confidence"][0] - SLACK


@pytest.mark.long
@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_a_probability_of_improvement_is_covered_at_its_rate(n, shift, alike):
    truth = scipy.stats.norm.cdf(shift / np.sqrt(2))

    def cover(rng):
        a, b = (runs_of(matrix(noise(rng, n, "normal", alike=alike) + by)) for by in (shift, 0))
        found = mean_improvement(a, b, alike=alike)
        return found.low <= truth <= found.high

    assert rate(cover) >= 0.95 - SLACK


@pytest.mark.long
@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("n", SEEDS)
def test_a_profile_is_covered_at_its_rate(n, alike):
    many = matrix(noise(np.random.default_rng(2), 100_000, "normal", alike=False)).to_numpy()

    def cover(rng):
        row = profiles({"a": matrix(noise(rng, n, "normal", alike=alike))}, np.array([0.6]), alike=alike).iloc[0]
        return row["low"] <= (many > 0.6).mean() <= row["high"]

    assert rate(cover) >= 0.95 - SLACK


@pytest.mark.long
@pytest.mark.parametrize("n", SEEDS)
def test_a_difference_of_means_is_covered_at_its_rate(n):
    def cover(rng):
        gaps = noise(rng, n, "skewed", alike=True)[0] - noise(rng, n, "skewed", alike=True)[0]
        found = jackknife(gaps.mean(), means_without(gaps), confidence=0.9)
        return found.low <= 0 <= found.high

    assert rate(cover) >= 0.9 - 3 * np.sqrt(0.09 / TRIALS)


def test_of_a_mean_the_jackknife_is_students_interval():
    values = np.random.default_rng(3).normal(size=9)
    found = jackknife(values.mean(), means_without(values))
    expected = scipy.stats.t.interval(0.95, 8, values.mean(), scipy.stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected)


def test_the_mean_improvement_leaves_out_one_seed_at_a_time_also_where_some_are_missing():
    rng = np.random.default_rng(4)
    a, b = ({p: {s: float(rng.integers(9)) for s in range(8) if rng.random() < 0.8} for p in "xyz"} for _ in "ab")
    a["z"] = {7: 1.0}  # without seed 7 nothing is known of z
    b["z"] |= {0: 0.0}

    def mean(seeds):
        sides = [[np.array([v for s, v in part[p].items() if s in seeds]) for part in (a, b)] for p in a]
        return float(np.nanmean([vargha_delaney(x, y) for x, y in sides]))

    every = range(8)
    parts = np.array([mean([s for s in every if s != one]) for one in every])
    rough, found = jackknife(mean(every), parts), mean_improvement(a, b, alike=False)
    n = sum(min(len(a[p]), len(b[p])) for p in a)
    wide = improvement_interval(mean(every), n, n)
    assert found.low == max(0.0, min(rough.low, wide.low))
    assert found.high == min(1.0, max(rough.high, wide.high))
    assert found != wide  # else the jackknife played no part


def test_no_interval_of_an_effect_is_without_width():
    for n in (2, 3, 5, 30):
        assert improvement_interval(1, n, n).low < 1
        assert improvement_interval(0, n, n).high > 0
    assert improvement_interval(1, 1, 1).confidence == 0  # a run against a run says nothing
    assert improvement_interval(1, 40, 40).low > 0.85


def test_wilsons_interval_is_that_of_scipy():
    expected = scipy.stats.binomtest(7, 20).proportion_ci(method="wilson")
    assert share_interval(np.array([0.35]), 20) == pytest.approx((expected.low, expected.high))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_the_probability_of_superiority_is_mann_whitneys_u(x, y):
    x, y = np.array(x, float), np.array(y, float)
    assert vargha_delaney(x, y) == pytest.approx(scipy.stats.mannwhitneyu(x, y).statistic / (len(x) * len(y)))
    assert vargha_delaney(x, y) == pytest.approx(1 - vargha_delaney(y, x))
    assert vargha_delaney(x, x) == 0.5
