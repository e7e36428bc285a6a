"""Statistics: oracles (scikit-posthocs, scipy), published numbers, coverage and error rates by simulation."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import mobench
from mobench.analysis.rank_tests import (
    cliques,
    critical_distance,
    friedman,
    holm,
    mann_whitney,
    nemenyi,
    signed_rank,
    vargha_delaney,
)
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.analysis.statistics import comparable, interquartile_means, matrices, medians, profiles, rank_table

# Demsar (2006), table 6: accuracies of C4.5 and three variants of it on 14 data sets
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def made(values):
    """Matrices from a (searchers, problems, runs) array; searchers are called a, b, c, .."""
    return {
        "abcdefgh"[i]: pd.DataFrame(runs.T, columns=[f"p{j}" for j in range(len(runs))])
        for i, runs in enumerate(np.asarray(values, dtype=float))
    }


def test_demsars_example_comes_out_as_published():
    names = {"a": "C4.5", "b": "C4.5+m", "c": "C4.5+cf", "d": "C4.5+m+cf"}
    ranks = rank_table(made(DEMSAR.T[:, :, None])).rename(columns=names)
    assert (friedman(ranks).searchers, friedman(ranks).problems) == (4, 14)
    assert friedman(ranks).p_value < 0.05
    assert critical_distance(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_distance(4, 14, alpha=0.1) == pytest.approx(1.12, abs=0.005)
    order, p = ranks.mean().sort_values().index, nemenyi(ranks)
    told_apart = {frozenset((x, y)) for x in order for y in order if p.loc[x, y] < 0.1}
    assert told_apart == {frozenset(("C4.5", "C4.5+m")), frozenset(("C4.5", "C4.5+m+cf"))}
    assert cliques(order, told_apart) == [["C4.5+m+cf", "C4.5+m", "C4.5+cf"], ["C4.5+cf", "C4.5"]]  # figure 1a
    assert (p > 0.05).all().all()


def test_nemenyis_critical_values_are_the_published_ones():
    q = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
    for k, value in q.items():  # Demsar (2006), table 5a, cut after three decimals
        assert critical_distance(k, 1) / np.sqrt(k * (k + 1) / 6) == pytest.approx(value, abs=0.001)


def test_friedman_and_nemenyi_agree_with_scipy_and_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs", reason="scikit-posthocs is not installed")
    rng = np.random.default_rng(0)
    for k, n in ((3, 5), (4, 9), (7, 20)):
        values = rng.normal(size=(n, k)) + np.arange(k) / 4
        ranks = rank_table(made(values.T[:, :, None]))
        statistic, p = scipy.stats.friedmanchisquare(*values.T)
        assert (friedman(ranks).statistic, friedman(ranks).p_value) == pytest.approx((statistic, p))
        assert np.allclose(nemenyi(ranks), posthocs.posthoc_nemenyi_friedman(values), atol=1e-12)
        cd, gaps = critical_distance(k, n), ranks.mean().to_numpy()[:, None] - ranks.mean().to_numpy()
        assert ((np.abs(gaps) > cd) == (nemenyi(ranks) < 0.05)).all().all()


@pytest.mark.parametrize("n", [7, 16, 30])
def test_wilcoxon_and_holm_agree_with_scikit_posthocs(n):
    posthocs = pytest.importorskip("scikit_posthocs", reason="scikit-posthocs is not installed")
    values = np.random.default_rng(n).normal(size=(n, 4)) + np.array([0, 0.3, 0.6, 1])
    method = "exact" if n <= 16 else "asymptotic"
    expected = posthocs.posthoc_wilcoxon(values.T.tolist(), p_adjust="holm", method=method).to_numpy()
    found = pairwise(made(values.T[:, :, None]), resamples=10)
    for row in found.itertuples():
        assert row.p_adjusted == pytest.approx(expected["abcd".index(row.better), "abcd".index(row.worse)])


def test_nemenyi_is_an_option_of_the_pairwise_table():
    values = np.random.default_rng(1).normal(size=(4, 12, 5)) + np.arange(4)[:, None, None]
    found = pairwise(made(values), correction="nemenyi", resamples=10)
    table = nemenyi(rank_table(made(values)))
    assert found["p_adjusted"].tolist() == [table.loc[r.better, r.worse] for r in found.itertuples()]


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_signed_rank_test_is_exact_with_ties_and_zeros(differences):
    values = np.array(differences, dtype=float)
    if not values.any():
        assert signed_rank(values) == (0, 1)
        return
    ranks = scipy.stats.rankdata(np.abs(values)) * (values != 0)
    flips = np.array(np.meshgrid(*[[-1, 1]] * len(values))).reshape(len(values), -1).T
    null = np.abs(flips @ ranks)
    total, p = signed_rank(values)
    assert total == np.sign(values) @ ranks
    assert p == pytest.approx((null >= abs(total) - 1e-9).mean())
    assert signed_rank(-values) == (-total, p)


def test_ties_count_against_a_difference():
    assert signed_rank(np.ones(6)) == (21, 2 / 64)
    assert signed_rank(np.r_[np.ones(6), -np.ones(2)])[1] > signed_rank(np.r_[np.ones(6), np.zeros(2)])[1] >= 2 / 64


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_and_between_no_correction_and_bonferroni(p_values):
    p, adjusted = np.array(p_values), holm(p_values)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(p * len(p), 1) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_the_probability_of_superiority_is_mann_whitneys_u():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 9, 20).astype(float), rng.integers(2, 9, 13).astype(float)
    assert vargha_delaney(x, y) == pytest.approx(scipy.stats.mannwhitneyu(x, y).statistic / (20 * 13))
    assert vargha_delaney(x, y) == pytest.approx(1 - vargha_delaney(y, x))
    # Vargha and Delaney (2000): identical distributions are 0.5, complete separation is 1
    assert vargha_delaney(x, x) == 0.5
    assert vargha_delaney(x + 10, y) == 1
    assert mann_whitney(np.ones(5), np.ones(5)) == 1
    assert mann_whitney(np.array([1.0]), np.array([2.0, 3])) == 1
    assert mann_whitney(x, y) == scipy.stats.mannwhitneyu(x, y).pvalue


def test_the_interquartile_mean_is_that_of_all_runs_of_all_problems():
    values = np.random.default_rng(4).random((2, 5, 8))
    table = interquartile_means(made(values)).set_index("searcher")
    for name, runs in zip("ab", values, strict=True):
        middle = np.sort(runs.ravel())[10:30]  # 40 runs, ten off either end
        assert table.loc[name, "iqm"] == pytest.approx(middle.mean())
        assert table.loc[name, "low"] < table.loc[name, "iqm"] < table.loc[name, "high"]
        assert (table.loc[name, "problems"], table.loc[name, "runs"]) == (5, 40)


def test_the_bootstrap_is_stratified():
    """Runs that are constant on each problem leave nothing to resample, however far the problems lie apart."""
    constant = np.repeat(np.arange(6.0)[None, :, None], 5, axis=2)
    row = interquartile_means(made(constant)).iloc[0]
    assert row["low"] == row["iqm"] == row["high"] == 2.5


def coverage(estimate, truth, draw, trials):
    rng = np.random.default_rng(5)
    rows = (estimate(made(draw(rng))).iloc[0] for _ in range(trials))
    return np.mean([row["low"] <= truth <= row["high"] for row in rows])


def skewed(rng, runs):
    """One searcher on five problems of different level, spread and skew."""
    scale = np.array([0.5, 1, 1, 2, 3])[:, None]
    return (np.arange(5)[:, None] + scale * rng.gamma(2, 1, (5, runs)))[None]


def test_intervals_of_the_interquartile_mean_cover_it_at_about_their_rate():
    pooled = np.sort(skewed(np.random.default_rng(6), 200_000).ravel())
    truth = pooled[len(pooled) // 4 : -len(pooled) // 4].mean()
    found = coverage(lambda m: interquartile_means(m, resamples=400), truth, lambda rng: skewed(rng, 10), 200)
    assert 0.9 <= found <= 0.98


def test_intervals_of_the_median_cover_it_at_about_their_rate():
    truth = 0.5 * scipy.stats.gamma(2).median()
    found = coverage(lambda m: medians(m, resamples=400), truth, lambda rng: skewed(rng, 15)[:, :1], 200)
    assert 0.9 <= found <= 0.99


def campaigns(shift, trials, problems=8, runs=10):
    """Campaigns of three searchers; the first is better by `shift` standard deviations of a run on every problem."""
    rng = np.random.default_rng(7)
    for _ in range(trials):
        levels, spreads = rng.random(problems)[:, None], rng.uniform(0.5, 2, problems)[:, None]
        noise = rng.normal(size=(3, problems, runs)) + np.array([shift, 0, 0])[:, None, None]
        yield made(levels + spreads * noise)


def test_no_difference_is_claimed_at_most_at_the_stated_rate():
    """Over all problems, and on any single one, each family of claims is wrong in at most 5 % of campaigns."""
    over_all, on_one = [], []
    for found in campaigns(0, 80):
        table = pairwise(found, resamples=2)
        over_all.append(table["significant"].any())
        on_one.append((table["wins"] + table["losses"]).any())
        quiet = table[~table["significant"] & (table["wins"] + table["losses"] == 0)]
        assert quiet["verdict"].str.contains("not distinguishable with these runs").all()
    assert np.mean(over_all) <= 0.05 + 0.05  # 80 campaigns: the standard error of 0.05 is 0.024
    assert np.mean(on_one) <= 0.05 + 0.05


def test_a_planted_difference_is_found_and_attributed():
    """One standard deviation, 8 problems, 10 runs: found over all problems in 9 of 10 campaigns, and never inverted."""
    found = []
    for made_up in campaigns(1, 25):
        table = pairwise(made_up, resamples=2)
        planted = table[(table["better"] == "a") | (table["worse"] == "a")]
        assert set(planted["better"]) == {"a"}
        found.append(planted["significant"].all())
        best = planted[planted["significant"]]
        assert best["verdict"].str.match(r"a is better than [bc] over these 8 problems \(p = ").all()
    assert np.mean(found) >= 0.9


def test_real_runs_of_one_searcher_are_not_told_apart_and_those_of_two_are():
    def shares(searcher, seeds):
        return [mobench.run(searcher, "catsum", budget=250, seed=s).hypervolume() for s in seeds]

    values = [shares("random_search", range(8)), shares("random_search", range(8, 16)), shares("nsga2", range(8))]
    table = on_each_problem(made(np.array(values)[:, None])).set_index(["a", "b"])
    assert table.loc[("a", "b"), "better"] == ""
    assert table.loc[("a", "c"), "better"] == table.loc[("b", "c"), "better"] == "c"


def test_no_claim_where_medians_and_runs_point_in_opposite_directions():
    runs = [[0.6, 0.6, 0.6, 0, 0], [0.59, 0.59, 0.59, 0.7, 0.7]]  # a has the better median, b wins 16 of 25 times
    row = pairwise(made(np.array(runs)[:, None] + np.arange(7.0)[:, None])).iloc[0]
    assert (row["better"], row["improvement"]) == ("b", pytest.approx(16 / 25))
    assert row["p_adjusted"] == 2 / 2**7
    assert not row["significant"]


def test_few_problems_are_said_to_be_too_few():
    values = np.random.default_rng(8).normal(size=(2, 2, 12)) + np.array([3, 0])[:, None, None]
    row = pairwise(made(values)).iloc[0]
    assert (row["wins"], row["losses"], row["significant"]) == (2, 0, False)
    assert "a is better than b on 2 of 2 problems; 2 problems are too few for more" in row["verdict"]
    assert 0.9 < row["low"] <= row["improvement"] <= row["high"] <= 1
    assert row["cliffs_delta"] == pytest.approx(2 * row["improvement"] - 1)


def test_searchers_that_trade_places_are_not_ranked():
    values = np.random.default_rng(9).normal(size=(2, 2, 12)) + np.array([[4.0, 0], [0, 3]])[:, :, None]
    row = pairwise(made(values)).iloc[0]
    assert (row["wins"], row["losses"]) == (1, 1)
    assert "better than" in row["verdict"]
    assert "on 1 of 2 problems and worse on 1" in row["verdict"]


def test_what_cannot_be_compared_is_left_out_and_said():
    found = made(np.random.default_rng(10).random((4, 3, 4)))
    found["b"].loc[:, "p1"] = np.nan
    found["c"].loc[1, "p0"] = np.nan
    found["d"].loc[:] = np.nan
    part, notes = comparable(found)
    assert {name: list(matrix) for name, matrix in part.items()} == {name: ["p0", "p2"] for name in "abc"}
    assert notes == [
        "d is left out: none of its runs has ended",
        "p1 is left out of what is said over problems: no ended run of b",
    ]
    assert rank_table(found).shape == (2, 3)
    assert interquartile_means(found).set_index("searcher")["runs"].to_dict() == {"a": 8, "b": 8, "c": 7}
    table = medians(found).set_index(["problem", "searcher"])
    assert (table.loc[("p0", "c"), "runs"], table.loc[("p1", "b"), "runs"]) == (3, 0)
    assert np.isnan(table.loc[("p1", "b"), "median"])
    each = on_each_problem(found)
    assert len(each) == 3 + 1 + 3  # all pairs on p0 and p2, only a and c on p1
    assert set(zip(each["a"], each["b"], strict=True)) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_a_campaign_without_ended_runs_gives_empty_tables():
    found = made(np.full((2, 2, 3), np.nan))
    assert comparable(found)[0] == {}
    tables = (interquartile_means(found), profiles(found, np.array([0.5])), on_each_problem(found), pairwise(found))
    for table in tables:
        assert table.empty
        assert len(table.columns)
    assert medians(found)["runs"].sum() == 0
    assert np.isnan(friedman(rank_table(found)).statistic)


def test_matrices_hold_every_run_once_and_ties_are_ties():
    rows = [("p", "s", seed, share) for seed, share in enumerate([0.5, 0.1 + 0.2, np.nan])]
    rows += [("p", "t", seed, 0.3) for seed in range(3)]
    found = matrices(pd.DataFrame(rows, columns=["problem", "searcher", "seed", "hypervolume"]))
    assert found["s"]["p"].tolist()[:2] == [0.5, 0.3]
    assert np.isnan(found["s"]["p"][2])
    assert list(found) == ["s", "t"]


def test_a_profile_is_the_part_of_runs_above_each_threshold():
    found = made([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]]])
    table = profiles(found, np.array([0.0, 0.25, 0.45, 0.8]))
    assert table["fraction"].tolist() == [1, 0.75, 0.5, 0]
    assert (table["low"] <= table["fraction"]).all()
    assert (table["fraction"] <= table["high"]).all()
    assert table["low"][2] == table["high"][2] == 0.5  # stratified: one problem lies above, one below


def test_bars_of_the_diagram_join_what_is_not_told_apart():
    pairs = [frozenset(pair) for pair in ("ac", "ad", "bd")]
    assert cliques("abcd", pairs) == [["a", "b"], ["b", "c"], ["c", "d"]]
    assert cliques("abcd", []) == [list("abcd")]
    assert cliques("ab", [frozenset("ab")]) == []


def test_equal_data_give_equal_tables_whoever_else_takes_part():
    found = made(np.random.default_rng(11).random((3, 4, 6)))
    alone = interquartile_means({"b": found["b"]})
    together = interquartile_means(found)
    assert together[together["searcher"] == "b"].iloc[0].tolist() == alone.iloc[0].tolist()
    pd.testing.assert_frame_equal(pairwise(found), pairwise(found))
