"""Runtimes to targets: first hits, their distribution and expected running times, on every axis of the ledger."""

import numpy as np
import pandas as pd
import pytest

import mobench
from mobench.analysis.collect import collect
from mobench.analysis.targets import TARGETS, ecdf, expected_running_times, runtimes
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.study import read_study


def world():
    """Two runs of a (one hits 0.5 at 10 and 0.1 at 40), two of b, one of them failed, on problem p; budget 100."""
    curves = [("a", 0, 10, 0.5), ("a", 0, 40, 0.95), ("a", 1, 20, 0.6), ("a", 1, 30, 0.4), ("b", 0, 50, 0.5)]
    states = [("a", 0, "ended", 100.0), ("a", 1, "ended", 100.0), ("b", 0, "ended", 100.0), ("b", 1, "failed", 60.0)]
    states += [("b", 2, "missing", np.nan), ("b", 3, "running", np.nan)]
    scores = pd.DataFrame(states, columns=["searcher", "seed", "state", "evaluations"]).assign(problem="p")
    lines = pd.DataFrame(curves, columns=["searcher", "seed", "evaluations", "hypervolume"]).assign(problem="p")
    return scores, lines


def test_a_runtime_is_the_first_time_that_the_gap_is_within_the_target():
    times = runtimes(*world(), targets=np.array([0.5, 0.4, 0.1]))
    found = times.pivot(index=["searcher", "seed"], columns="target", values="runtime")
    assert found.loc[("a", 0)].tolist() == [40, 40, 10]
    assert found.loc[("a", 1)].fillna(-1).tolist() == [-1, 20, 20]  # it fell back later: once is enough
    assert found.loc[("b", 0)].fillna(-1).tolist() == [-1, -1, 50]
    assert found.loc[("b", 1)].isna().all()  # failed: counted, reached nothing
    assert len(found) == 4  # missing and running are not there to be counted


def test_expected_running_times_are_all_that_was_spent_over_the_successes():
    table = expected_running_times(runtimes(*world(), targets=np.array([0.5, 0.1, 0.01])))
    ert = table.set_index(["searcher", "target"])
    assert ert.loc[("a", 0.5), "ert"] == (10 + 20) / 2
    assert ert.loc[("a", 0.1), "ert"] == 40 + 100
    assert ert.loc[("b", 0.5), "ert"] == 50 + 60  # the failed run is paid for
    assert np.isinf(ert.loc[("a", 0.01), "ert"])
    assert ert.loc[("b", 0.5), ["reached", "runs"]].tolist() == [1, 2]


def test_the_ecdf_counts_problem_target_and_run_triples():
    steps = ecdf(runtimes(*world(), targets=np.array([0.5, 0.1])))
    a, b = steps[steps["searcher"] == "a"], steps[steps["searcher"] == "b"]
    assert list(zip(a["runtime"], a["solved"], strict=True)) == [(10, 0.25), (20, 0.5), (40, 0.75), (100, 0.75)]
    assert list(zip(b["runtime"], b["solved"], strict=True)) == [(50, 0.25), (100, 0.25)]
    assert (a["runs"] == 2).all()


def test_problems_weigh_the_same_and_only_shared_ones_count():
    scores, curves = world()
    more = [("q", "a", seed, "ended", 100.0) for seed in range(6)] + [("q", "b", 0, "ended", 100.0)]
    more += [("r", "a", 0, "ended", 100.0)]
    columns = ["problem", "searcher", "seed", "state", "evaluations"]
    scores = pd.concat([scores, pd.DataFrame(more, columns=columns)])
    steps = ecdf(runtimes(scores, curves, targets=np.array([0.5, 0.1])))
    last = steps.groupby("searcher").last()
    assert last.loc["a"].tolist() == [100, 0.375, 2, 8]  # three quarters of p, nothing of q; r is not b's
    assert last.loc["b", "solved"] == 0.125


def test_targets_are_a_fixed_log_grid():
    assert np.log10(TARGETS).round(12).tolist() == [round(-0.2 * i, 12) for i in range(1, 21)]


def test_no_runs_and_a_wrong_axis():
    scores, curves = world()
    with pytest.raises(ValueError, match="collect them with axis='flops'"):
        runtimes(scores, curves, axis="flops")
    nothing = runtimes(scores[scores["state"] == "missing"], curves)
    assert nothing.empty
    assert ecdf(nothing).empty
    assert expected_running_times(nothing).empty


@pytest.mark.parametrize("axis", ["evaluations", "asked", "flops", "trainings"])
def test_runtimes_of_real_runs_agree_with_their_curves_on_any_axis(axis, tmp_path):
    mobench.run("nsga2", "nasbench_graph", budget=150, folder=tmp_path / "run")
    scores, curves, _ = collect(read_study([tmp_path / "run"]), axis=axis)
    times = runtimes(scores, curves, axis=axis)
    gaps = 1 - curves["hypervolume"].to_numpy()
    for row in times.itertuples():
        hits = curves[axis].to_numpy()[gaps <= row.target]
        assert row.runtime == hits[0] if len(hits) else np.isnan(row.runtime)
        assert not row.runtime > row.spent
    assert times["runtime"].notna().any()
    assert (times["spent"] == scores[axis][0]).all()


GREEDY = """\"\"\"Evaluates one architecture and recommends them all.\"\"\"


def search(run):
    run.evaluate(run.space.sample(run.rng, 1))
    run.recommend(run.space.all())
"""


def test_recommending_everything_gains_nothing_in_running_times(tmp_path):
    """It counts as what it is, one evaluation; and a blind recommendation costs what it would have cost to train."""
    sources = {
        "greedy": GREEDY,
        "single": GREEDY.replace("    run.recommend(run.space.all())\n", ""),
        "blind": GREEDY.replace("run.space.all()", "run.space.sample(run.rng, 39)"),
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
    entries = {"name": "greed", "problems": ["catsum", "motif"], "seeds": 6, "budget": 40}
    made = make_campaign(
        entries
        | {"searchers": ["random_search:batch=1", *sources], "plugins": [str(tmp_path / f"{s}.py") for s in sources]}
    )
    mobench.run_campaign(made, tmp_path / "greed", workers=1, progress=False)
    for axis in ("evaluations", "flops"):
        scores, curves, _ = collect(read_study([tmp_path / "greed"]), axis=axis)
        for frame in (scores, curves):
            frame["searcher"] = frame["searcher"].map(lambda label: label.partition("@")[0].partition(":")[0])
        times = runtimes(scores, curves, axis=axis)
        mine, theirs = (times[times["searcher"] == name].drop(columns="searcher") for name in ("greedy", "single"))
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), theirs.reset_index(drop=True))
        steps = ecdf(times)
        solved = steps.groupby("searcher")["solved"].last()
        assert solved["greedy"] == solved["single"] < solved["random_search"]
        random, blind = (scores.loc[scores["searcher"] == name, axis] for name in ("random_search", "blind"))
        assert blind.mean() == pytest.approx(random.mean(), rel=0.1)  # what is recommended blindly is paid for
        assert steps["runtime"].max() <= scores[axis].max() + 1e-9
        if axis == "evaluations":
            assert steps["runtime"].max() == 40
        ert = expected_running_times(times).set_index(["problem", "searcher", "target"])["ert"].unstack("searcher")
        assert np.isinf(ert["greedy"]).sum() == np.isinf(ert["single"]).sum() > np.isinf(ert["random_search"]).sum()
