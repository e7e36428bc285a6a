"""Statistics: matrices, medians, interquartile means, ranks and profiles, against definitions and published numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import trim_mean

from mobench.analysis.families import cliques
from mobench.analysis.measures import MEASURES, natural
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.analysis.statistics import (
    _trimmed_mean,
    comparable,
    interquartile_means,
    matrices,
    medians,
    profiles,
    rank_table,
)

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


def test_demsars_mean_ranks_come_out_as_published():
    ranks = rank_table(made(DEMSAR.T[:, :, None]))
    # Demsar (2006), table 6, from more digits than are printed there
    assert ranks.mean().tolist() == pytest.approx([3.143, 2.0, 2.893, 1.964], abs=0.04)
    order = ranks.mean().sort_values().index
    told_apart = {frozenset("ab"), frozenset("ad")}
    assert cliques(order, told_apart) == [["d", "b", "c"], ["c", "a"]]  # figure 1a


def test_the_interquartile_mean_is_that_of_all_runs_of_all_problems():
    values = np.random.default_rng(4).random((2, 5, 8))
    table = interquartile_means(made(values)).set_index("searcher")
    for name, runs in zip("ab", values, strict=True):
        middle = np.sort(runs.ravel())[10:30]  # 40 runs, ten off either end
        assert table.loc[name, "iqm"] == pytest.approx(middle.mean())
        assert table.loc[name, "low"] < table.loc[name, "iqm"] < table.loc[name, "high"]
        assert (table.loc[name, "problems"], table.loc[name, "runs"]) == (5, 40)


def test_intervals_say_the_confidence_that_so_many_runs_give_them():
    found = {n: made(np.random.default_rng(n).random((1, 2, n))) for n in (1, 3, 5, 6, 10)}
    of_median = {n: round(float(medians(m)["confidence"][0]), 4) for n, m in found.items()}
    assert of_median == {1: 0, 3: 0.75, 5: 0.9375, 6: 0.9688, 10: 0.9785}
    of_iqm = {n: round(float(interquartile_means(m)["confidence"][0]), 4) for n, m in found.items()}
    assert of_iqm == {1: 0, 3: 0.75, 5: 0.9375, 6: 0.95, 10: 0.95}
    assert medians(found[1])[["low", "high"]].isna().all().all()


def test_what_cannot_be_compared_is_left_out_and_said():
    found = made(np.random.default_rng(10).random((4, 3, 4)))
    found["b"].loc[:, "p1"] = np.nan
    found["c"].loc[1, "p0"] = np.nan
    found["d"].loc[:] = np.nan
    part, notes = comparable(found)
    assert {name: list(matrix) for name, matrix in part.items()} == {name: ["p0", "p2"] for name in "abc"}
    assert notes == [
        "d is left out: none of its runs has a score",
        "p1 is left out of what is said over problems: no ended run of b",
    ]
    assert rank_table(found).shape == (2, 3)
    assert interquartile_means(found).set_index("searcher")["runs"].to_dict() == {"a": 8, "b": 8, "c": 7}
    table = medians(found).set_index(["problem", "searcher"])
    assert (table.loc[("p0", "c"), "runs"], table.loc[("p1", "b"), "runs"]) == (3, 0)
    assert np.isnan(table.loc[("p1", "b"), "median"])
    each = on_each_problem(found)
    assert len(each) == 3 + 1 + 3  # all pairs on p0 and p2, only a and c on p1
    pairs = {frozenset(pair) for pair in zip(each["better"], each["worse"], strict=True)}
    assert pairs == {frozenset("ab"), frozenset("ac"), frozenset("bc")}


def test_a_campaign_without_ended_runs_gives_empty_tables():
    found = made(np.full((2, 2, 3), np.nan))
    assert comparable(found)[0] == {}
    tables = (interquartile_means(found), profiles(found, np.array([0.5])), on_each_problem(found), pairwise(found))
    for table in tables:
        assert table.empty
        assert len(table.columns)
    assert medians(found)["runs"].sum() == 0
    assert rank_table(found).empty


def test_matrices_hold_every_run_once_and_ties_are_ties():
    rows = [("p", "s", seed, share) for seed, share in enumerate([0.5, 0.1 + 0.2, np.nan])]
    rows += [("p", "t", seed, 0.3) for seed in range(3)]
    found = matrices(pd.DataFrame(rows, columns=["problem", "searcher", "seed", "hypervolume"]))
    assert found["s"]["p"].tolist()[:2] == [0.5, 0.3]
    assert np.isnan(found["s"]["p"][2])
    assert list(found) == ["s", "t"]


def test_less_is_better_where_a_measure_says_so():
    rows = [("p", name, 0, value) for name, value in (("near", 0.1), ("far", 0.3))]
    scores = pd.DataFrame(rows, columns=["problem", "searcher", "seed", "igd_plus"])
    found = matrices(scores, MEASURES["igd_plus"])
    assert rank_table(found).loc["p"].to_dict() == {"near": 1, "far": 2}
    table = natural(medians(found).assign(low=-0.4, high=-0.2), "median", MEASURES["igd_plus"])
    assert table[["median", "low", "high"]].to_numpy().tolist() == [[0.1, 0.2, 0.4], [0.3, 0.2, 0.4]]


def test_a_set_that_is_empty_is_the_worst_by_every_distance():
    found = made(-np.array([[[0.1, 0.2, 0.3]], [[np.inf, np.inf, 0.4]]]))
    (row,) = on_each_problem(found).to_dict("records")
    assert (row["better"], row["improvement"]) == ("a", 1)
    assert np.isnan(row["difference"])
    assert row["verdict"] == "undecided"
    assert interquartile_means(found, MEASURES["r2"])["searcher"].tolist() == ["a", "b"]


def test_a_profile_is_the_part_of_runs_above_each_threshold():
    found = made([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]]])
    table = profiles(found, np.array([0.0, 0.25, 0.45, 0.8]))
    assert table["fraction"].tolist() == [1, 0.75, 0.5, 0]
    assert (table["low"] <= table["fraction"]).all()
    assert (table["fraction"] <= table["high"]).all()
    assert (table["high"] - table["low"] > 0.2).all()
    apart = profiles(found, np.array([0.0, 0.25, 0.45, 0.8]), alike=False)
    assert (apart["high"] - apart["low"] < table["high"] - table["low"]).all()


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


@pytest.mark.parametrize("n", [1, 3, 4, 5, 8, 31, 93])
def test_an_interquartile_mean_is_scipys_trimmed_mean(n):
    values = np.random.default_rng(n).integers(0, 9, n) / 8
    assert _trimmed_mean(values) == float(trim_mean(values, 0.25))
