"""Runs as frames: the same whatever they come from, lazily, and the same that files hold."""

import pickle

import numpy as np
import pandas as pd
import pytest

import mobench
from mobench.analysis import results as frames
from mobench.campaigns.reading import make_campaign
from mobench.cli.main import main

CAMPAIGN = {
    "problems": ["catsum", "nasbench_graph"],
    "searchers": ["random_search", "nsga2:population=20"],
    "seeds": [0, 4],
    "budget": 60,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "small"
    mobench.run_campaign(make_campaign(CAMPAIGN), folder, workers=1, progress=False)
    return folder


def runs(results):
    """Each run of a campaign by itself, with its row of the scores."""
    for row in results.scores.itertuples():
        yield row, mobench.load(f"{results.source}/runs/{row.run}")


def test_scores_are_those_of_each_run(folder):
    results = mobench.load(folder)
    assert len(results) == 8
    for row, run in runs(results):
        assert row.hypervolume == run.hypervolume()
        assert row.evaluations == 60
        assert row.state == "ended"


def test_curves_fronts_and_evaluations_are_those_of_each_run(folder):
    results = mobench.load(folder)
    for row, run in runs(results):
        curve, front, answers = (
            frame[(frame.problem == row.problem) & (frame.searcher == row.searcher) & (frame.seed == row.seed)]
            for frame in (results.curves, results.fronts, results.evaluations)
        )
        pd.testing.assert_series_equal(curve.hypervolume, run.curve().hypervolume, check_index=False, check_names=False)
        X, F = run.scored()
        labels = [objective.label for objective in run.problem.objectives]
        assert [[int(gene) for gene in text.split()] for text in front["genes"]] == X.tolist()
        np.testing.assert_array_equal(front[labels], F)
        assert front["nondominated"].sum() == run.front()["nondominated"].sum()
        assert [[int(gene) for gene in text.split()] for text in answers["genes"]] == run.history.X.tolist()
        np.testing.assert_array_equal(answers[labels], run.history.F)
        assert answers["evaluation"].tolist() == list(range(1, 61))


def test_a_wide_table_has_pairs_side_by_side(folder):
    results = mobench.load(folder)
    table = results.wide("hypervolume")
    assert list(table.columns) == ["random_search", "nsga2:population=20"]
    assert list(table.index) == [("catsum", 0), ("catsum", 4), ("nasbench_graph", 0), ("nasbench_graph", 4)]
    for row in results.scores.itertuples():
        assert table.loc[(row.problem, row.seed), row.searcher] == row.hypervolume
    with pytest.raises(ValueError, match="measure: unknown 'hypervolum', did you mean 'hypervolume'"):
        results.wide("hypervolum")


def test_seeds_in_python_are_the_runs_of_a_campaign(folder):
    here = mobench.run("nsga2", "nasbench_graph", budget=60, seeds=[0, 4], population=20)
    there = mobench.load(folder)
    for name in ("scores", "curves", "fronts", "evaluations"):
        theirs = getattr(there, name)
        theirs = theirs[(theirs.problem == "nasbench_graph") & (theirs.searcher == "nsga2:population=20")]
        ours = getattr(here, name)
        theirs = theirs.drop(columns=[c for c in ("run", "cost") if c in theirs]).reset_index(drop=True)
        columns = [column for column in theirs if not theirs[column].isna().all()]
        pd.testing.assert_frame_equal(ours[columns], theirs[columns], check_dtype=False)


def test_seeds_are_a_number_or_a_list_and_kept_where_a_folder_is_named(tmp_path):
    assert mobench.run("random_search", "catsum", budget=10, seeds=3).scores["seed"].tolist() == [0, 1, 2]
    kept = mobench.run("random_search", "catsum", budget=10, seeds=range(2), folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed0", "seed1"]
    assert mobench.load(tmp_path / "seed0", tmp_path / "seed1").scores["hypervolume"].tolist() == (
        kept.scores["hypervolume"].tolist()
    )
    with pytest.raises(ValueError, match="seeds: expected a number of seeds or a list"):
        mobench.run("random_search", "catsum", budget=10, seeds=[1, 1])
    with pytest.raises(TypeError, match="seed: give one seed, or several as seeds"):
        mobench.run("random_search", "catsum", budget=10, seed=1, seeds=2)


def test_a_function_has_its_name_in_frames():
    def climb(run, *, step: int = 3):
        while True:
            run.evaluate(run.space.sample(run.rng, step))

    found = mobench.run(climb, mobench.make_problem("lotz:bits=4"), budget=10, seeds=2, step=2)
    assert set(found.scores["searcher"]) == {"climb:step=2"}
    assert set(found.scores["problem"]) == {"Lotz"}


def test_nothing_is_read_until_a_frame_is_asked_for_and_then_once(folder, monkeypatch):
    calls, read = [], frames.read_analysis
    monkeypatch.setattr(frames, "read_analysis", lambda *a, **k: calls.append(1) or read(*a, **k))
    results = mobench.load(folder)
    assert repr(results) == f"<Results of {folder}>"
    assert not calls
    assert results.scores is results.scores
    assert results.curves is results.curves
    assert "nsga2:population=20" in results._repr_html_()
    assert len(calls) == 1


def test_frames_travel(folder):
    results = pickle.loads(pickle.dumps(mobench.load(folder)))  # noqa: S301 - our own
    assert len(results.scores) == 8
    again = pickle.loads(pickle.dumps(results))  # noqa: S301 - our own
    pd.testing.assert_frame_equal(again.fronts, results.fronts)


def test_names_axis_and_indicator_are_as_asked(folder):
    results = mobench.load(folder, labels={"nsga2:population=20": "Ours"}, axis="trainings", indicator="igd_plus")
    assert set(results.scores["searcher"]) == set(results.fronts["searcher"]) == {"random_search", "Ours"}
    assert set(results.evaluations["searcher"]) == {"random_search", "Ours"}
    assert {"trainings", "igd_plus"} <= set(results.curves.columns)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"axis": "second"}, "axis: unknown 'second', did you mean 'seconds'?"),
        ({"contract": "mobench-3"}, "contract: unknown 'mobench-3'"),
        ({"indicator": "igd"}, "indicator: unknown 'igd'"),
    ],
)
def test_what_is_unknown_is_named_at_once(folder, options, words):
    with pytest.raises(ValueError) as error:
        mobench.load(folder, **options)
    assert words in str(error.value)


def test_a_folder_without_runs_is_named(tmp_path, folder):
    for folders in ([tmp_path], [folder, tmp_path]):
        with pytest.raises(FileNotFoundError, match="no campaign and no run here"):
            mobench.load(*folders)


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_files_hold_the_same_frames(folder, tmp_path, format):
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    assert main(["export", str(folder), "--to", str(tmp_path), "--scored", "--format", format]) == 0
    results = mobench.load(folder)
    made = {name: getattr(results, name) for name in ("scores", "curves", "fronts")}
    made |= {"evaluations": results.evaluations, "wide": results.wide().reset_index()}
    for name, frame in made.items():
        path = tmp_path / f"{name}.{format}"
        read = pd.read_csv(path) if format == "csv" else pd.read_parquet(path)
        for column in frame.select_dtypes("number"):
            np.testing.assert_allclose(read[column], frame[column], rtol=1e-11)
        assert read["problem"].tolist() == frame["problem"].tolist()


def test_folders_are_named_one_after_the_other(tmp_path):
    with pytest.raises(TypeError, match=r"expected paths one after the other, load\('a', 'b'\), found \["):
        mobench.load([tmp_path, tmp_path])
