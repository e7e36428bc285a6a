"""Exports: every answer of every log once, in tables and in the format of IOHprofiler."""

import json

import numpy as np
import orjson
import pandas as pd
import pytest

import mobench
from mobench.analysis import export as exporting
from mobench.analysis.collect import collect
from mobench.analysis.export import export
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.campaigns.study import read_study
from mobench.cli.main import main
from mobench.scoring.load import load

CAMPAIGN = {
    "problems": ["catsum", "nasbench_graph"],
    "searchers": ["random_search", "nsga2:population=20"],
    "seeds": [0, 70000],
    "budget": 80,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "small"
    mobench.run_campaign(make_campaign(CAMPAIGN | {"name": "small"}), folder, workers=1, progress=False)
    return folder


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_table_holds_every_answer_with_its_ledger(folder, tmp_path, format):
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    study = read_study([folder])
    listing, path, _ = export(study, tmp_path / "out", format=format)
    table = pd.read_csv(path) if format == "csv" else pd.read_parquet(path)
    assert len(table) == sum(len(load(place).history.X) for _, place in study.runs)
    for spec, place in study.runs:
        result, history = load(place), load(place).history
        key = (table[["problem", "searcher", "seed"]] == [spec.problem_label, spec.searcher_label, spec.seed]).all(
            axis=1
        )
        rows = table[key]
        assert rows["evaluation"].tolist() == list(range(1, len(history.X) + 1))
        assert [[int(gene) for gene in text.split()] for text in rows["genes"]] == history.X.tolist()
        for axis, amounts in history.spent.items():
            assert np.allclose(rows[axis], amounts, rtol=1e-11, atol=0)  # pandas 2 reads twelve digits
        labels = [objective.label for objective in result.problem.objectives]
        assert np.allclose(rows[labels], history.F, rtol=1e-11, atol=0)
        others = [column for column in table.columns[12:] if column not in labels]
        assert rows[others].isna().all().all()
    assert table["architecture"].notna().all()
    assert pd.read_csv(listing)["state"].tolist() == ["ended"] * 8


def test_exports_are_the_same_to_the_byte_and_however_they_are_cut(folder, tmp_path, monkeypatch):
    def content(name, format):
        files = export(read_study([folder]), tmp_path / name, format=format)
        return {path.relative_to(tmp_path / name): path.read_bytes() for path in files}

    for format in ("csv", "ioh"):
        assert content("one", format) == content("two", format)
    whole = content("one", "csv")
    monkeypatch.setattr(exporting, "ROWS_AT_A_TIME", 100)
    assert content("cut", "csv") == whole


def test_no_more_than_a_part_is_held_at_a_time(folder, tmp_path, monkeypatch):
    """Frames are written as soon as they hold the agreed number of rows."""
    sizes, concat = [], pd.concat
    monkeypatch.setattr(exporting, "ROWS_AT_A_TIME", 150)
    monkeypatch.setattr(
        exporting.pd, "concat", lambda parts, **kw: sizes.append(sum(map(len, parts))) or concat(parts, **kw)
    )
    export(read_study([folder]), tmp_path)
    assert sizes == [160] * 4


def incomplete(folder, tmp_path):
    study = read_study([folder])
    places = {}
    for spec, place in study.runs:
        places[spec.folder] = tmp_path / "part" / "runs" / spec.folder
        places[spec.folder].mkdir(parents=True)
        for path in place.iterdir():
            (places[spec.folder] / path.name).write_bytes(path.read_bytes())
    (tmp_path / "part" / "campaign.json").write_bytes((folder / "campaign.json").read_bytes())
    failed, running, missing, *_ = places.values()
    end = orjson.loads((failed / "end.json").read_bytes())
    (failed / "end.json").write_bytes(orjson.dumps(end | {"reason": "failed", "error": "boom, twice"}))
    (running / "end.json").unlink()
    for path in missing.iterdir():
        path.unlink()
    return tmp_path / "part"


def test_runs_that_did_not_end_are_listed_and_exported_as_far_as_they_go(folder, tmp_path, capsys):
    part = incomplete(folder, tmp_path)
    assert main(["export", str(part), "--to", str(tmp_path / "table")]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(tmp_path / "table" / "evaluations.csv")
    assert "not all runs have ended: 1 failed, 1 running, 1 missing, 5 ended" in err
    listing = pd.read_csv(tmp_path / "table" / "runs.csv")
    assert listing["error"].dropna().tolist() == ["boom, twice"]
    assert listing["evaluations"].isna().sum() == 1
    assert len(pd.read_csv(tmp_path / "table" / "evaluations.csv")) == 7 * 80
    assert main(["export", str(part), "--to", str(tmp_path / "ioh"), "--format", "ioh"]) == 0
    metas = [json.loads(path.read_text()) for path in sorted((tmp_path / "ioh").rglob("IOH*.json"))]
    assert sum(len(meta["scenarios"][0]["runs"]) for meta in metas) == 6  # the failed one, too


def test_the_constants_of_the_contract_go_with_an_export(folder, tmp_path):
    study = read_study([folder])
    *_, path = export(study, tmp_path)
    found = json.loads(path.read_text())
    assert list(found) == ["catsum", "nasbench_graph"]
    result = load(study.runs[0][1])
    assert found["catsum"] == dict(result.contract(study.contract).constants)


def test_a_campaign_that_has_not_begun_gives_empty_exports(tmp_path):
    open_campaign(make_campaign(CAMPAIGN), tmp_path / "new")
    study = read_study([tmp_path / "new"])
    names = [path.name for path in export(study, tmp_path / "ioh", format="ioh")]
    assert names == ["runs.csv", "contract.json"]
    for format, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        table = read(export(study, tmp_path / format, format=format)[1])
        assert table.empty
        assert {"problem", "genes", "evaluation"} <= set(table.columns)


def read_ioh(to):
    """Runs of an IOHprofiler folder by (algorithm, function, seed): (k, 2) counts and values."""
    found = {}
    for meta_path in to.rglob("IOHprofiler_*.json"):
        meta = json.loads(meta_path.read_text())
        (scenario,) = meta["scenarios"]
        header, *lines = (meta_path.parent / scenario["path"]).read_text().splitlines()
        blocks, block = [], []
        for line in [*lines, header]:
            if line == header:
                blocks.append(np.array(block))
                block = []
            else:
                block.append([float(word) for word in line.split()])
        assert header.split() == meta["attributes"] == ["evaluations", "raw_y"]
        for run, values in zip(scenario["runs"], blocks, strict=True):
            assert values[-1, 0] == run["evals"]
            assert values[:, 1].min() == pytest.approx(run["best"]["y"], abs=1e-9)
            found[meta["algorithm"]["name"], meta["function_name"], run["seed"]] = values
    return found


@pytest.mark.parametrize("axis", ["evaluations", "flops"])
def test_iohprofilers_files_hold_the_best_gap_so_far(folder, tmp_path, axis):
    study = read_study([folder])
    export(study, tmp_path, format="ioh", axis=axis)
    found = read_ioh(tmp_path)
    assert len(found) == 8
    scores, curves, _ = collect(study, axis=axis)
    for (searcher, problem, seed), values in found.items():
        counts, gaps = values.T
        assert counts[0] == 1  # by which readers tell runs apart, so no other line may count 1
        assert (np.diff(counts) > 0).all()
        assert (np.diff(gaps) <= 0).all()
        match = (curves[["searcher", "problem", "seed"]] == [searcher, problem, seed]).all(axis=1)
        curve = curves[match]
        for count, gap in values:
            reached = curve.loc[np.ceil(curve[axis]) <= count, "hypervolume"]
            assert gap == pytest.approx(min([1.0, *(1 - reached)]), abs=1e-9)
        row = scores[(scores[["searcher", "problem", "seed"]] == [searcher, problem, seed]).all(axis=1)]
        assert counts[-1] == max(1, np.ceil(row[axis].iloc[0]))


@pytest.mark.filterwarnings("ignore")  # of iohinspector's own libraries
def test_iohinspector_reads_them(folder, tmp_path):
    iohinspector = pytest.importorskip("iohinspector", reason="iohinspector is not installed")
    export(read_study([folder]), tmp_path, format="ioh")
    manager = iohinspector.DataManager()
    manager.add_folder(str(tmp_path))
    assert len(manager.overview) == 8
    assert set(manager.overview["algorithm_name"]) == {"random_search", "nsga2:population=20"}
    assert set(manager.overview["function_name"]) == {"catsum", "nasbench_graph"}
    frame = manager.load(monotonic=False, include_meta_data=True).to_pandas()
    ours = read_ioh(tmp_path)
    assert len(frame) == sum(map(len, ours.values()))
    best = frame.groupby("data_id")["raw_y"].min()
    expected = manager.overview.to_pandas().set_index("data_id")["best_y"]
    assert best.to_dict() == pytest.approx(expected.to_dict(), abs=1e-9)


def test_what_cannot_be_exported_is_refused_and_nothing_half_written_stays(folder, tmp_path, capsys):
    with pytest.raises(ValueError, match="choose from csv, parquet, ioh"):
        export(read_study([folder]), tmp_path / "x", format="xlsx")
    with pytest.raises(ValueError, match="axis: unknown 'watts'"):
        export(read_study([folder]), tmp_path / "x", format="ioh", axis="watts")
    assert not [path for path in (tmp_path / "x").rglob("*") if path.is_file()]
    assert main(["export", str(tmp_path), "--to", str(tmp_path / "y")]) == 2
    assert "campaign.json is missing" in capsys.readouterr().err


ODD = ("flops", "seed", "problem", "evaluation", "architecture", "nondominated", "searcher", "set", "level", "runs")


@pytest.fixture
def odd_names(tmp_path):
    """A table whose objectives and genes are called as columns of ours, and a campaign on it."""
    objectives = ", ".join(f'{{ name = "{name}", seen = "v{i}" }}' for i, name in enumerate(ODD))
    genes = '["g", { column = "h", name = "architecture" }, { column = "k", name = "flops" }]'
    (tmp_path / "t.toml").write_text(f'data = "t.csv"\ngenes = {genes}\nobjectives = [{objectives}]\n')
    head = ",".join(["g", "h", "k", *(f"v{i}" for i in range(len(ODD)))])
    rows = [",".join(map(str, [i, 0, 0, *range(100 + i, 100 + i + len(ODD))])) for i in range(4)]
    (tmp_path / "t.csv").write_text("\n".join([head, *rows]) + "\n")
    return f"table:path={tmp_path / 't.toml'}"


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_an_objective_called_as_a_column_of_the_ledger_replaces_none(tmp_path, odd_names, format):
    if format == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    campaign = make_campaign(
        {"name": "odd", "problems": [odd_names], "searchers": ["random_search"], "seeds": 1, "budget": 3}
    )
    mobench.run_campaign(campaign, tmp_path / "odd", workers=1, progress=False)
    _, table, _ = export(read_study([tmp_path / "odd"]), tmp_path / "to", format=format)
    frame = pd.read_csv(table) if format == "csv" else pd.read_parquet(table)
    assert frame.columns.is_unique
    assert frame["evaluation"].tolist() == [1, 2, 3]
    assert set(frame["seed"]) == {0}
    assert set(frame["problem"]) == {odd_names}
    first = frame["genes"].str.split().str[0].astype(int)
    for i, name in enumerate(ODD):
        values = frame[f"objective {name}" if name in (*ODD[:5], "searcher") else name]
        assert values.tolist() == (100 + i + first).tolist()


def test_a_front_keeps_its_columns_whatever_objectives_and_genes_are_called(odd_names):
    frame = mobench.run("random_search", odd_names, budget=4).front()
    assert frame.columns.is_unique
    assert set(frame["nondominated"]) == {True}
    assert frame["architecture"].str.contains("g=").all()
    assert frame["gene architecture"].tolist() == [0] * len(frame)
    assert frame["objective architecture"].tolist() == (104 + frame["g"]).tolist()
    assert frame["flops"].tolist() == (100 + frame["g"]).tolist()
    assert frame["gene flops"].tolist() == [0] * len(frame)
