"""The measurement scripts for GPUs run on the CPU: they go on where they stopped, and their table is used."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from mobench import load_table
from mobench.problems._cells import space as cell
from mobench.problems.tables import nasbench201

ROOT = Path(__file__).parents[2]


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / "gpu" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def latency(monkeypatch):
    """The script, with cheap measurements of a small network."""
    module = script("nasbench201_latency")
    monkeypatch.setattr(module, "CIFAR10", cell.Skeleton(size=8, channels=2, cells=1, stages=1))
    monkeypatch.setattr(module, "REPEATS", 5)
    monkeypatch.setattr(module, "WARM_UP", 0.0)
    return module


def test_a_measurement_goes_on_where_it_stopped(latency, tmp_path, capsys):
    common = ["--device", "cpu", "--out", str(tmp_path), "--batch", "2"]
    path = tmp_path / "nasbench201-cpu-eager-float32-b2.npz"
    latency.main([*common, "--limit", "3"])
    assert "3 networks, 0 measurements left" in capsys.readouterr().out
    first = load_table(path)
    latency.main([*common, "--limit", "4"])
    table = load_table(path)
    measured = ~np.isnan(first["median"])
    assert measured.sum() == 3
    np.testing.assert_array_equal(table["median"][measured], first["median"][measured])
    assert (~np.isnan(table["median"])).sum() == (~np.isnan(table["again"])).sum() == 4
    assert (table.about["mode"], table.about["batch"], len(table.about["reference"])) == ("eager", 2, 2)
    out = capsys.readouterr().out
    assert "4 networks twice: rank correlation" in out
    latency.main([*common, "--limit", "9", "--minutes", "0"])
    assert "4 networks, 10 measurements left" in capsys.readouterr().out


def test_a_packed_table_becomes_objectives(latency, tmp_path, monkeypatch):
    pack = script("pack_latency")
    latency.main(["--device", "cpu", "--out", str(tmp_path), "--limit", "1"])
    path = tmp_path / "nasbench201-cpu-eager-float32-b1.npz"
    shipped = tmp_path / "shipped.npz"
    with pytest.raises(SystemExit, match="5259 networks are not measured yet"):
        pack.main([f"abacus={path}", "--to", str(shipped)])
    table = load_table(path)
    table["median"][:] = np.arange(1.0, 5261.0)
    latency.save_table(path, table)
    pack.main([f"abacus={path}", "--to", str(shipped)])
    monkeypatch.setattr(nasbench201, "SHIPPED", shipped)
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path / "nothing imported"))
    problem = nasbench201.problem(objectives=("flops", "latency:abacus"), dataset="cifar100")
    X = cell.all_cells()
    F = problem.score(X)
    assert (F[:, 1] == F[cell.functional_classes(), 1]).all()
    assert F[np.unique(cell.functional_classes()), 1].tolist() == list(range(1, 5261))
    with pytest.raises(ValueError, match="unknown 'latency:abacus'"):
        nasbench201.problem(objectives=("flops", "latency:abacus"), dataset="ImageNet16-120")
    with pytest.raises(ValueError, match="no validation error of cifar10 is imported; leave out data='imported'"):
        nasbench201.problem(objectives=("error", "latency:abacus"), data="imported")


def test_throughput_is_a_table_of_forms(tmp_path, capsys):
    small = ["--device", "cpu", "--size", "8", "--channels", "2", "--cells", "1", "--steps", "1", "--repeats", "1"]
    script("supernet_throughput").main([*small, "--batch", "2", "--to", str(tmp_path / "out.json")])
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert len(rows) == len(capsys.readouterr().out.splitlines()) == 5
    assert all(row["path"] > 0 and row["mixture"] > 0 for row in rows)
    assert rows[-1]["form"] == "images last"
