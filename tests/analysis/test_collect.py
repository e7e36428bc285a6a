"""Comparisons: nothing dropped in silence, nothing compared that cannot be, and merged campaigns."""

import shutil
from dataclasses import replace

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mobench
import mobench.campaigns.study
from mobench.analysis.advice import advise
from mobench.analysis.collect import collect, mean_ranks, median_seeds, resample, summarise
from mobench.analysis.convergence import areas
from mobench.analysis.difficulty import difficulty
from mobench.analysis.export import export
from mobench.analysis.reading import read_analysis
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.analysis.statistics import matrices
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.campaigns.study import STATES, read_study, run_state
from mobench.harness.history import read_history
from mobench.harness.sealed import DamagedRunError, seal
from mobench.scoring.outcome import outcome_of

BASE = {"problems": ["catsum"], "searchers": ["random_search", "local_search"], "seeds": 2, "budget": 60}


def campaign(folder, **changes):
    entries = BASE | {"name": folder.name} | changes
    mobench.run_campaign(make_campaign(entries), folder, workers=1, progress=False)
    return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return campaign(tmp_path_factory.mktemp("results") / "done")


@pytest.fixture
def broken(tmp_path):
    """A campaign with an ended, a failed, a running and a missing run."""
    folder = campaign(tmp_path / "broken")
    places = [place for _, place in read_study([folder]).runs]
    end = orjson.loads((places[1] / "end.json").read_bytes())
    (places[1] / "end.json").write_bytes(orjson.dumps(end | {"reason": "failed", "error": "ValueError: <b>no"}))
    (places[2] / "end.json").unlink()
    for path in places[3].iterdir():
        path.unlink()
    return folder


def test_no_run_is_dropped_in_silence(broken):
    scores, curves, _ = collect(read_study([broken]))
    assert scores["state"].tolist() == ["ended", "failed", "running", "missing"]
    assert scores["error"].tolist() == ["", "ValueError: <b>no", "", ""]
    assert scores["hypervolume"].notna().tolist() == [True, True, False, False]
    assert scores["evaluations"].tolist()[:2] == [60, 60]
    assert curves.groupby(["searcher", "seed"]).ngroups == 2
    summary = summarise(scores)
    assert summary[list(STATES)].sum().to_dict() == {"ended": 1, "failed": 1, "damaged": 0, "running": 1, "missing": 1}
    ranks = mean_ranks(summary).set_index("searcher")
    assert ranks.loc["random_search", ["ended", "running"]].tolist() == [1, 1]
    assert ranks.loc["local_search", ["failed", "missing"]].tolist() == [1, 1]
    assert sorted(ranks["mean_rank"]) == [1, 2]  # the failed run is worth what its log delivers


def test_a_campaign_that_has_not_begun_has_all_columns(tmp_path):
    open_campaign(make_campaign(BASE), tmp_path / "new")
    scores, curves, _ = collect(read_study([tmp_path / "new"]))
    assert (scores["state"] == "missing").all()
    for column in ("hypervolume", "log10_regret", "evaluations", "flops", "trainings"):
        assert scores[column].isna().all()
    assert curves.empty
    assert difficulty(scores)["warning"].tolist() == ["no run has ended"]


def test_the_tables_are_remade_to_the_byte(done):
    first, again = (collect(read_study([done]))[:2] for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.to_csv() == other.to_csv()


def test_every_log_is_read_once_and_a_problem_at_a_time(done, monkeypatch):
    read = []

    def counted(source, **shape):
        read.append(source.parent)
        return read_history(source, **shape)

    monkeypatch.setattr("mobench.scoring.load.read_history", counted)
    study = read_study([done])
    scores, _, outcomes = collect(study)
    assert sorted(read) == sorted(folder for _, folder in study.runs)
    assert list(zip(scores["searcher"], scores["seed"], strict=True)) == [
        (spec.searcher_label, spec.seed) for spec, _ in study.runs
    ]
    assert len(outcomes) == len(study.runs)


def test_an_outcome_is_what_the_run_delivered_with_what_was_seen_of_it(tmp_path):
    result = mobench.run("nsga2", "lotz:bits=8", budget=80, seed=3, folder=tmp_path / "alone")
    outcome = collect(read_study([tmp_path / "alone"]))[2]["lotz:bits=8", "nsga2", 3]
    X, F = result.history.X, result.history.F
    assert outcome.X.tolist() == result.delivered().tolist()
    assert (outcome.F == result.problem.score(outcome.X)).all()
    for x, seen, found in zip(outcome.X, outcome.seen, outcome.found, strict=True):
        row = np.flatnonzero((X == x).all(axis=1))[0]
        assert (seen, found) == (F[row, 0], row + 1)


def test_diagnostics_are_the_finite_numbers_that_were_recorded(tmp_path):
    mobench.run("random_search", "catsum", budget=20, folder=tmp_path / "run")
    events = [{"one_shot_tau": 0.25, "step": 1, "name": "x", "ok": True}, {"one_shot_tau": float("nan"), "loss": 2}]
    (tmp_path / "run" / "end.json").unlink()
    with (tmp_path / "run" / "log.jsonl").open("ab") as log:
        log.writelines(orjson.dumps({"record": event}) + b"\n" for event in [*events, {"one_shot_tau": 0.5}])
    outcome = outcome_of(mobench.load(tmp_path / "run"), contract="mobench-2", axis="evaluations")
    assert {name: series.tolist() for name, series in outcome.diagnostics.items()} == {
        "one_shot_tau": [[20, 0.25], [20, 0.5]],
        "loss": [[20, 2]],
    }


def test_of_runs_without_one_the_median_is_the_lower_middle():
    scores = scored(a=[0.4, 0.1, 0.3, 0.2], b=[0.5])
    assert median_seeds(scores) == {("p", "a"): 3, ("p", "b"): 0}
    assert median_seeds(scores.assign(state="running")) == {}


def test_a_single_run_is_scored_by_the_contract_of_its_campaign(done):
    run = read_study([done]).runs[0][1]
    assert read_study([run]).contract == "mobench-2"
    record = orjson.loads((done / "campaign.json").read_bytes())
    (done / "campaign.json").write_bytes(orjson.dumps(record | {"contract": "modnas"}))
    try:
        assert read_study([run]).contract == "modnas"
    finally:
        (done / "campaign.json").write_bytes(orjson.dumps(record))


def test_campaigns_of_one_budget_and_contract_are_merged(done, tmp_path):
    more = campaign(tmp_path / "more", searchers=["random_search", "nsga2"], seeds=[1, 2])
    study = read_study([done, more])
    assert study.name == "done+more"
    assert study.seeds == (0, 1, 2)
    assert study.searchers == ("random_search", "local_search", "nsga2")
    scores, *_ = collect(study)
    pairs = sorted(zip(scores["searcher"], scores["seed"], strict=True))
    planned = [("local_search", 0), ("local_search", 1), ("nsga2", 1), ("nsga2", 2)]
    assert pairs == [*planned, ("random_search", 0), ("random_search", 1), ("random_search", 2)]  # and nothing missing
    assert (scores["state"] == "ended").all()
    alone = collect(read_study([more]))[0].set_index("run")["hypervolume"]
    together = scores.set_index("run")["hypervolume"]
    assert (together[alone.index] == alone).all()


def test_of_a_run_that_two_campaigns_planned_the_ended_one_counts(done, broken):
    study = read_study([broken, done])
    assert [run_state(folder) for _, folder in study.runs] == ["ended"] * 4
    assert len(read_study([done, done]).runs) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": 61}, r"their budgets differ \(61 evaluations, 60 evaluations\)"),
        ({"budget": {"trainings": 60}}, r"their budgets differ \(60 trainings, 60 evaluations\)"),
    ],
)
def test_other_budgets_are_refused(done, tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_study([done, campaign(tmp_path / "other", seeds=1, **changes)])


def test_other_contracts_are_refused(done, broken, monkeypatch):
    read = mobench.campaigns.study.load_campaign

    def judged_otherwise(folder):
        return replace(read(folder), contract="evoxbench") if folder == broken else read(folder)

    monkeypatch.setattr(mobench.campaigns.study, "load_campaign", judged_otherwise)
    with pytest.raises(ValueError, match=r"broken: cannot be .* their contracts differ \(evoxbench, mobench-2\)"):
        read_study([done, broken])
    study = read_study([done, broken], contract="mobench-1")
    assert study.contract == "mobench-1"
    with pytest.raises(ValueError, match="did you mean 'mobench-1'"):
        read_study([done], contract="mobench-11")


def test_what_is_no_results_folder_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"campaign\.json is missing"):
        read_study([tmp_path])
    with pytest.raises(ValueError, match="at least one"):
        read_study([])


def test_a_single_run_is_a_collection_of_one(tmp_path):
    result = mobench.run("nsga2", "catsum", budget=50, seed=3, folder=tmp_path / "alone")
    study = read_study([tmp_path / "alone"])
    scores, curves, _ = collect(study)
    assert scores.loc[0, ["searcher", "seed", "state"]].tolist() == ["nsga2", 3, "ended"]
    assert scores["hypervolume"][0] == result.hypervolume()
    assert curves["hypervolume"].iloc[-1] == result.hypervolume()
    assert median_seeds(scores) == {("catsum", "nsga2"): 3}


def resealed(folder):
    """Make the end of a run agree with its log, as a forger would."""
    end = orjson.loads((folder / "end.json").read_bytes())
    (folder / "end.json").write_bytes(orjson.dumps(end | {"log": seal((folder / "log.jsonl").read_bytes())}))


def test_runs_on_other_data_are_damaged_and_say_so(tmp_path):
    folder = tmp_path / "run"
    mobench.run("random_search", "nasbench_graph", budget=20, folder=folder)
    lines = (folder / "log.jsonl").read_bytes().splitlines(keepends=True)
    assert collect(read_study([folder]))[0]["data"][0] == orjson.loads(lines[0])["data"]
    for first, said in ((b'{"data":"0123456789abcdef"}\n', "from data 0123456789abcdef"), (b"", "without a checksum")):
        (folder / "log.jsonl").write_bytes(first + b"".join(lines[1:]))
        resealed(folder)
        row = collect(read_study([folder]))[0].iloc[0]
        assert (row["state"], np.isnan(row["hypervolume"])) == ("damaged", True)
        assert said in row["error"]
        with pytest.raises(DamagedRunError, match="but scores would come from"):
            mobench.load(folder)


def scored(**shares):
    """Scores of one problem: searcher to the shares of its runs."""
    rows = [("p", name, seed, "ended", share) for name, runs in shares.items() for seed, share in enumerate(runs)]
    frame = pd.DataFrame(rows, columns=["problem", "searcher", "seed", "state", "hypervolume"])
    return frame.assign(log10_regret=np.log10(np.maximum(1 - frame["hypervolume"], 1e-6)), igd_plus=0.1)


LUCKY = """\"\"\"Random search that gives up unless it is lucky.\"\"\"


def search(run):
    while True:
        error = run.evaluate(run.space.sample(run.rng, 10))[:, 0]
        if error.min() > error.mean() - 1.3 * error.std():
            raise RuntimeError("not my day")
"""


@pytest.mark.long
def test_a_searcher_that_raises_unless_lucky_never_ranks_above_its_honest_twin(tmp_path):
    (tmp_path / "lucky.py").write_text(LUCKY)
    (tmp_path / "honest.py").write_text(
        LUCKY.replace("if error.min() >", "if 0 and").replace("Random", "An honest random")
    )
    entries = {"name": "twins", "problems": ["catsum", "lotz:bits=10"], "seeds": 8, "budget": 60}
    plugins = [str(tmp_path / name) for name in ("lucky.py", "honest.py")]
    made = make_campaign(entries | {"searchers": ["lucky", "honest"], "plugins": plugins})
    mobench.run_campaign(made, tmp_path / "twins", workers=1, progress=False)
    scores, curves, _ = collect(read_study([tmp_path / "twins"]))
    scores["searcher"] = scores["searcher"].map(lambda label: label.partition("@")[0])
    lucky, honest = (scores[scores["searcher"] == name] for name in ("lucky", "honest"))
    assert (honest["state"] == "ended").all()
    assert set(lucky["state"]) >= {"failed"}
    assert scores["hypervolume"].notna().all()
    assert (lucky["hypervolume"].to_numpy() <= honest["hypervolume"].to_numpy() + 1e-12).all()
    summary = summarise(scores).set_index(["problem", "searcher"])["rank"].unstack()
    assert (summary["honest"] <= summary["lucky"]).all()
    assert mean_ranks(summarise(scores))["searcher"][0] == "honest"
    tests = on_each_problem(matrices(scores))
    assert not ((tests["better"] == "lucky") & (tests["verdict"] == "better")).any()
    assert "lucky" not in set(difficulty(scores)["best_searcher"])
    advice = advise(scores, curves, axis="evaluations", budget=60)
    assert not (advice["best"] == "lucky").any()
    assert (advice["failed"] > 0).any()


def test_what_was_asked_is_the_ledgers_number_and_not_that_of_the_lines(tmp_path):
    """Known answers are not logged again, but asking for them is counted."""
    mobench.run("random_search:batch=1", "bilevel_toys:name=ridgenet", budget=64, folder=tmp_path / "run")
    study = read_study([tmp_path / "run"])
    end = orjson.loads((tmp_path / "run" / "end.json").read_bytes())
    lines = (tmp_path / "run" / "log.jsonl").read_bytes().count(b'"X"')
    scores, *_ = collect(study)
    listing = pd.read_csv(export(study, tmp_path / "out")[0])
    assert scores["asked"][0] == listing["asked"][0] == end["spent"]["asked"] > lines


def test_the_area_is_the_mean_share_over_the_logarithm_of_the_budget():
    scores = pd.DataFrame({"problem": "p", "searcher": "s", "seed": [0, 1, 2, 3], "hypervolume": [0.5, 1, 1, np.nan]})
    rows = [(0, 10.0, 0.5), (1, 0.1, 0.2), (1, 10.0, 1.0), (1, 500.0, 1.0), (2, 300.0, 1.0)]
    curves = pd.DataFrame(rows, columns=["seed", "evaluations", "hypervolume"]).assign(problem="p", searcher="s")
    found = areas(scores, curves, axis="evaluations", budget=100)  # from 1 to 100: two decades
    assert found[:3] == pytest.approx([0.25, 0.6, 0.0])
    assert np.isnan(found[3])


def test_difficulty_tells_floor_ceiling_and_room():
    row = difficulty(scored(random_search=[0.7, 0.8, 0.9], good=[0.9, 0.95, 0.96])).iloc[0]
    assert (row["floor"], row["best"], row["best_run"], row["best_searcher"]) == (0.8, 0.95, 0.96, "good")
    assert row["room"] == pytest.approx(0.15 / 0.2)
    assert (row["at_ceiling"], row["warning"]) == (0, "")


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"random_search": [0.9995], "good": [1.0]}, "saturated: random_search is at the ceiling"),
        ({"random_search": [0.9], "one": [0.9999], "two": [1.0]}, "saturated: one, two are at the ceiling"),
        ({"random_search": [0.9], "one": [0.8]}, "no searcher has a better median than random_search"),
        ({"one": [0.9], "random_search": [0.9]}, "no searcher has a better median than random_search"),
        ({"random_search": [0.0], "one": [0.0]}, "nobody reached the box"),
        ({"one": [0.9]}, "random_search was not run, so the floor is unknown"),
    ],
)
def test_difficulty_warns(shares, message):
    assert message in difficulty(scored(**shares))["warning"][0]


@pytest.mark.long
@given(st.permutations(["random_search", "a", "b", "c"]), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_what_is_said_of_a_problem_does_not_depend_on_the_order_of_searchers(order, levels):
    shares = dict(zip(["random_search", "a", "b", "c"], levels, strict=True))

    def said(names):
        scores = scored(**{name: [shares[name] / 2] * 3 for name in names}).assign(evaluations=1.0)
        table = advise(scores, scores, axis="evaluations", budget=10)
        best = [name for name in sorted(names) if shares[name] == max(levels)]
        assert table["best"][0] == ("" if max(levels) == 0 else ", ".join(best))
        return difficulty(scores).to_dict("records"), table.astype(str).to_dict("records")

    assert said(order) == said(list(shares))


def test_difficulty_says_where_the_front_is_unknown():
    scores = scored(random_search=[0.1], good=[0.2]).drop(columns="igd_plus")
    assert "true front is unknown" in difficulty(scores)["warning"][0]


def test_ranks_follow_medians_and_ties_share(done):
    scores = pd.concat([scored(a=[0.1, 0.2, 0.9], b=[0.25, 0.25, 0.25], c=[0.25, 0.2, 0.3])], ignore_index=True)
    summary = summarise(scores).set_index("searcher")
    assert summary["rank"].to_dict() == {"a": 3, "b": 1.5, "c": 1.5}


def test_curves_are_carried_forward_on_a_grid():
    rows = [("s", 0, 2.0, -1.0), ("s", 0, 5.0, -2.0), ("s", 1, 3.0, -0.5)]
    curves = pd.DataFrame(rows, columns=["searcher", "seed", "evaluations", "log10_regret"])
    lines = resample(curves, "evaluations", np.array([1.0, 2, 4, 9]))
    assert lines["s"].tolist() == [[0, -1, -1, -2], [0, 0, -0.5, -0.5]]


@pytest.mark.parametrize("how", ["damaged", "running", "missing"])
def test_runs_that_have_no_score_by_choice_make_no_searcher_better(tmp_path, how):
    """Of two twins one lets its unlucky runs have no score: what is left is lucky, and counts for nothing."""
    entries = {"problems": ["catsum"], "searchers": ["random_search", "nsga2:population=50"], "seeds": 20, "budget": 60}
    made = make_campaign({"name": "c"} | entries)
    mobench.run_campaign(made, tmp_path / "c", workers=1, progress=False)
    whole = read_analysis([tmp_path / "c"])
    scores = whole.scores[whole.scores["searcher"] == "random_search"].sort_values("hypervolume")
    folders = {spec.seed: folder for spec, folder in whole.study.runs if spec.searcher_label == "random_search"}
    unlucky = scores["seed"].tolist()[:14]
    for seed in unlucky:
        if how == "damaged":
            (folders[seed] / "log.jsonl").write_bytes(b"")
        elif how == "missing":
            shutil.rmtree(folders[seed])
        else:
            (folders[seed] / "end.json").unlink()
    left = read_analysis([tmp_path / "c"])
    assert set(left.scores["state"]) == {"ended", how}
    naive = pairwise(left.matrices)
    assert (naive["better"][0], naive["verdict"][0]) == ("random_search", "better")  # what it would be without care
    for table in (left.pairs, left.pairs_on_each):
        assert table["verdict"].tolist() == ["undecided"]
        assert f"{len(unlucky)} runs of theirs have no score, and count as the worst" in (table["sentence"][0])
    assert left.ranks["searcher"][0] == "nsga2:population=50"
