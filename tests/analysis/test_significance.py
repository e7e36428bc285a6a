"""Tests and verdicts: exact p-values, error rates and power by simulation, sentences that say no more than the runs."""

import itertools
import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mobench
from mobench.analysis import permutation
from mobench.analysis.families import holm
from mobench.analysis.permutation import least_p_value, rank_sum, rank_sums, sign_flips
from mobench.analysis.power import least_effect, seeds_needed
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.analysis.verdicts import _left_out, equal, weigh

values = st.lists(st.integers(0, 3), min_size=1, max_size=4)


def made(values):
    """Matrices from a (searchers, problems, runs) array; searchers are called a, b, c, .."""
    return {
        "abcdefgh"[i]: pd.DataFrame(runs.T, columns=[f"p{j}" for j in range(len(runs))])
        for i, runs in enumerate(np.asarray(values, dtype=float))
    }


# --- tests ---


@settings(max_examples=60)
@given(st.lists(st.tuples(values, values), min_size=1, max_size=2))
def test_rank_sums_are_exact_under_any_ties(problems):
    """Against the definition, for problems of equal numbers of runs: all exchanges, one problem after the other."""
    n, m = (min(len(pair[i]) for pair in problems) for i in (0, 1))
    pairs = {str(i): (np.array(x[:n], float), np.array(y[:m], float)) for i, (x, y) in enumerate(problems)}
    parts = []
    for x, y in pairs.values():
        ranks = scipy.stats.rankdata(np.concatenate([x, y]))
        parts.append([ranks[list(chosen)].sum() for chosen in itertools.combinations(range(n + m), n)])
    sums = np.array([sum(part) for part in itertools.product(*parts)]) - len(pairs) * n * (n + m + 1) / 2
    assert rank_sums(pairs) == pytest.approx((np.abs(sums) >= abs(sums[0]) - 1e-9).mean())


def test_rank_sums_agree_with_scipy_where_there_are_no_ties():
    rng = np.random.default_rng(0)
    for n, m in ((3, 3), (5, 8), (10, 10), (31, 31)):
        x, y = rng.normal(size=n), rng.normal(0.5, size=m)
        assert rank_sum(x, y) == pytest.approx(scipy.stats.mannwhitneyu(x, y, method="exact").pvalue)
    assert rank_sum(np.ones(3), np.zeros(3)) == pytest.approx(0.1)  # not the normal approximation's .047
    assert rank_sum(np.ones(5), np.ones(5)) == 1


def test_of_very_many_runs_sums_are_drawn_in_bounded_memory_and_say_what_counting_says(monkeypatch):
    rng = np.random.default_rng(0)
    pairs = {problem: (rng.normal(size=30), rng.normal(0.4, size=30)) for problem in "ab"}
    counted, flipped = rank_sums(pairs), sign_flips(pairs["a"][0])
    monkeypatch.setattr(permutation, "CELLS", 30_000)
    drawn = rank_sums(pairs)
    assert 0.0 < abs(drawn - counted) < 0.005  # a standard error of 20,000 draws is 0.0035 at most
    assert sign_flips(pairs["a"][0]) == flipped
    monkeypatch.setattr(permutation, "CELLS", 1_000)
    assert rank_sums(pairs) == drawn  # however many are drawn at a time
    many = {"a": (rng.normal(size=2_500), rng.normal(size=2_500))}  # counted, a table of 190 GB
    monkeypatch.undo()
    tied = {"a": (np.repeat([0.0, 1.0], [200, 400]), np.repeat([0.0, 1.0], 300))}  # more subsets than floats can count
    assert rank_sums(tied) < 1e-4
    monkeypatch.setattr(permutation, "DRAWS", 200)
    tracemalloc.start()
    assert 0 < rank_sums(many) <= 1
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


@given(st.lists(st.floats(-1e9, 1e9) | st.sampled_from([0.25, math.inf, -math.inf]), max_size=12).map(tuple))
def test_means_without_each_score_are_those_of_the_others(scores):
    assume(not {math.inf, -math.inf} <= {*scores})
    others = [scores[:i] + scores[i + 1 :] for i in range(len(scores))]
    means = [math.fsum(part) / len(part) if part else math.nan for part in (scores, *others)]
    found = [math.nan if mean is None else mean for mean in _left_out(scores)]
    assert found == pytest.approx(means, rel=1e-15, nan_ok=True)


def test_sign_flips_are_exact():
    assert sign_flips(np.ones(6)) == 2 / 64
    assert sign_flips(np.zeros(6)) == 1
    assert sign_flips(np.array([3.0, 1, -1])) == 6 / 8


def test_the_least_p_value_is_that_of_complete_separation():
    x, y = np.arange(4.0) + 4, np.arange(4.0)
    assert least_p_value([(4, 4)], alike=False) == pytest.approx(rank_sum(x, y))
    assert least_p_value([(4, 4)] * 3, alike=False) == pytest.approx(rank_sums(dict.fromkeys("abc", (x, y))))
    assert least_p_value([(1, 3)], alike=False) == rank_sum(np.ones(1), np.zeros(3)) == 1 / 4  # one tail only
    assert least_p_value([(4, 4)] * 3, alike=True) == sign_flips(np.ones(4))
    assert least_p_value([(600, 600)] * 500, alike=False) == 0  # and no overflow


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_and_between_no_correction_and_bonferroni(p_values):
    p, adjusted = np.array(p_values), holm(p_values)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(p * len(p), 1) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


# --- error rates and power ---


def campaigns(shift, trials, *, alike, searchers=3, problems=6, runs=8):
    """Campaigns whose first searcher is better by `shift` standard deviations of a run on every problem.

    Streams are shared as they would be: a run of one seed is alike on all problems.
    """
    rng = np.random.default_rng(7)
    for _ in range(trials):
        levels, spreads = rng.random(problems)[:, None], rng.uniform(0.5, 2, problems)[:, None]
        drawn = rng.normal(size=(searchers, 1 if alike else problems, runs))
        yield made(levels + spreads * (drawn + np.r_[shift, np.zeros(searchers - 1)][:, None, None]))


@pytest.mark.long
@pytest.mark.parametrize("alike", [False, True])
def test_no_difference_is_claimed_at_most_at_the_stated_rate(alike):
    """Over all problems, and on any single one, each family of claims is wrong in at most 5 % of campaigns."""
    over, each = [], []
    for found in campaigns(0, 120, alike=alike):
        over.append((pairwise(found, alike=alike)["verdict"] == "better").any())
        claimed = on_each_problem({name: matrix[["p0"]] for name, matrix in found.items()})["verdict"] == "better"
        each.append(claimed.any())
    slack = 3 * math.sqrt(0.05 * 0.95 / 120)
    assert np.mean(over) <= 0.05 + slack
    assert np.mean(each) <= 0.05 + slack


def test_shared_streams_taken_for_independent_ones_would_be_claims_out_of_nothing():
    wrong = [(pairwise(m, alike=False)["verdict"] == "better").any() for m in campaigns(0, 40, alike=True)]
    assert np.mean(wrong) > 0.2


@pytest.mark.long
@pytest.mark.parametrize("alike", [False, True])
def test_a_planted_effect_is_found_at_the_stated_power_and_never_inverted(alike):
    shift, problems = (2.0, 4) if alike else (1.0, 3)
    effect = scipy.stats.norm.cdf(shift / math.sqrt(2))
    n = int(seeds_needed(effect, level=0.05, problems=1 if alike else problems, alike=alike))
    found = []
    for made_up in campaigns(shift, 120, alike=alike, searchers=2, problems=problems, runs=n):
        (row,) = pairwise(made_up, alike=alike).to_dict("records")
        found.append(row["verdict"] == "better")
        assert row["better"] == "a" or not found[-1]
    assert np.mean(found) >= 0.8 - 3 * math.sqrt(0.16 / 120)


@given(st.floats(0.52, 1), st.integers(1, 8), st.booleans())
def test_the_least_effect_is_what_the_seeds_needed_for_it_find(effect, problems, alike):
    n = seeds_needed(effect, level=0.05, problems=problems, alike=alike)
    assert least_effect(int(n), level=0.05, problems=problems, alike=alike) <= effect + 1e-9
    assert math.isinf(seeds_needed(0.5, level=0.05))


def test_equality_is_claimed_wrongly_in_at_most_5_per_cent_and_found_where_it_is():
    rng = np.random.default_rng(8)
    words = {0.01: [], 0.0: []}
    for truth, said in words.items():
        for _ in range(150):
            runs = 0.9 + 0.004 * rng.normal(size=(2, 1, 10)) + np.array([truth, 0])[:, None, None]
            said.append(on_each_problem(made(runs))["verdict"][0])
    assert np.mean(np.array(words[0.01]) == "equal") <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)
    assert np.mean(np.array(words[0.0]) == "equal") >= 0.8


LOSSES = {
    "normal": lambda rng, mean, n: mean + 0.004 * rng.normal(size=n),
    "exponential": lambda rng, mean, n: rng.exponential(mean, n),
    "gamma": lambda rng, mean, n: rng.gamma(2.0, mean / 2.0, n),
    "mirrored": lambda rng, mean, n: -rng.exponential(mean, n),
}


@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize("least", [0.0001, 0.004])
@pytest.mark.parametrize("losses", LOSSES)
def test_equality_of_skewed_runs_is_claimed_wrongly_in_at_most_5_per_cent(losses, least, n):
    """The means are the margin apart. At 90 % it was claimed in 14 % of such campaigns of exponential losses."""
    rng, trials, wrong = np.random.default_rng(n), 400, 0
    for _ in range(trials):
        a, b = ({"p": dict(enumerate(0.9 - LOSSES[losses](rng, mean, n)))} for mean in (least, least + 0.01))
        wrong += equal(weigh(a, b, alike=False), 0.01)
    assert wrong / trials <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / trials)


# --- verdicts ---


def test_the_order_of_searchers_plays_no_part():
    rng = np.random.default_rng(9)
    found = made(np.round(rng.random((3, 3, 6)), 1))
    for order in itertools.permutations(found):
        turned = {name: found[name] for name in order}
        for table in (pairwise, on_each_problem):
            keys = ["sentence"]
            one, other = (table(m).sort_values(keys, ignore_index=True) for m in (found, turned))
            pd.testing.assert_frame_equal(one, other)


def test_the_family_is_the_problem():
    """Other problems, however many, change nothing of what is said of one."""
    runs = np.random.default_rng(10).random((3, 9, 6))
    alone, among = on_each_problem(made(runs[:, :1])), on_each_problem(made(runs))
    pd.testing.assert_frame_equal(alone, among[among["problem"] == "p0"].reset_index(drop=True))
    assert alone["p_adjusted"].tolist() == holm(alone["p_value"]).tolist()


def row(runs, **options):
    return pairwise(made(runs), **options).iloc[0]


def test_a_verdict_of_better_says_effect_and_where():
    runs = np.random.default_rng(11).random((2, 4, 8)) / 10 + np.array([0.5, 0.2])[:, None, None]
    said = row(runs)
    assert said["sentence"] == (
        "a is better than b over these 4 problems (p = 0.0078); a run of a beats one of b with probability 1.00 "
        f"(95 % {said['low']:.2f} to 1.00); taken alone, a is better on 4 of 4"
    )
    assert said["low"] < 1
    assert (said["more_seeds"], said["p_adjusted"]) == (0, 2 / 2**8)


def test_few_seeds_are_said_to_be_too_few_and_how_many_would_do():
    runs = np.random.default_rng(12).random((2, 4, 3)) / 10 + np.array([0.9, 0.2])[:, None, None]
    said = row(runs)
    assert said["verdict"] == "undecided"
    assert "undecided over these 4 problems (p = 0.25; from 3 seeds it cannot be less than 0.25)" in said["sentence"]
    assert said["sentence"].endswith(f"if that is so, about {said['more_seeds']:.0f} more seeds would show it")
    enough = np.random.default_rng(12).random((2, 4, 3 + int(said["more_seeds"]))) / 10
    assert row(enough + np.array([0.9, 0.2])[:, None, None])["verdict"] == "better"


def test_equal_is_within_a_stated_margin_and_needs_five_runs():
    runs = 0.7 + np.random.default_rng(13).normal(scale=0.001, size=(2, 3, 8))
    assert row(runs, margin=0.005)["sentence"].startswith("a and b are equal within 0.005 over these 3 problems: ")
    assert row(runs[:, :, :4])["verdict"] == "undecided"
    assert row(runs, margin=1e-6)["verdict"] == "undecided"


def test_a_difference_that_is_proven_and_small_is_called_both():
    runs = 0.7 + np.arange(8) / 1e5 + np.array([0.001, 0])[:, None, None] + np.zeros((2, 3, 1))
    assert row(runs)["verdict"] == "better"
    assert row(runs)["sentence"].endswith("their means differ by less than 0.01; taken alone, a is better on 3 of 3")


def test_no_claim_where_little_more_than_nothing_is_seen():
    runs = np.random.default_rng(14).normal(size=(2, 3, 12))
    said = row(runs)
    assert said["verdict"] == "undecided"
    assert f"12 seeds would show a probability from {said['least_effect']:.2f} on" in said["sentence"]


def test_searchers_that_trade_places_are_not_ranked():
    runs = np.random.default_rng(15).normal(size=(2, 2, 12)) + np.array([[4.0, 0], [0, 3]])[:, :, None]
    said = row(runs)
    assert (said["verdict"], said["wins"], said["losses"]) == ("undecided", 1, 1)
    assert f"{said['better']} is better on 1 of 2, worse on 1" in said["sentence"]


def test_seeds_that_only_one_ran_say_nothing_where_streams_are_shared():
    found = made(np.arange(24.0).reshape(2, 2, 6))
    found["b"].index = range(10, 16)
    assert pairwise(found, alike=True)["p_value"][0] == 1
    assert pairwise(found, alike=False)["verdict"][0] == "better"


def test_real_runs_of_one_searcher_are_not_told_apart_and_those_of_two_are():
    def shares(searcher, seeds):
        return [mobench.run(searcher, "catsum", budget=250, seed=s).hypervolume() for s in seeds]

    runs = [shares("random_search", range(8)), shares("random_search", range(8, 16)), shares("nsga2", range(8))]
    table = on_each_problem(made(np.array(runs)[:, None])).set_index(["better", "worse"])
    assert table.loc[("c", "a"), "verdict"] == table.loc[("c", "b"), "verdict"] == "better"
    assert (table["verdict"] == "better").sum() == 2
