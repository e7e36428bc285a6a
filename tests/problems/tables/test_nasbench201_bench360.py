"""HW-NAS-Bench-360 as a source of NAS-Bench-201: its Parquet file in the published form, with numbers of ours."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from mobench.problems._cells.space import all_cells, to_strings
from mobench.problems._nasbench201 import bench360, readers
from mobench.problems.tables import nasbench201

CELLS = all_cells()
PLACES = (("jetson", "onnx"), ("pi5", "litert"), ("pi5", "torchmobile"), ("pixel", "litert"), ("pixel", "torchmobile"))

pytest.importorskip("pyarrow")


def dataset(n):
    """All rows of `n` cells: three tasks on each device and runtime, without energy on the phone."""
    rng, frames = np.random.default_rng(360), []
    for device, framework in PLACES:
        for task in ("cifar100", "darcy", "ninapro"):
            frame = pd.DataFrame({"arch_idx": np.arange(n), "device": device, "framework": framework, "task": task})
            frame["lat_ms"], frame["lat_ms_var"], frame["accuracy"] = rng.random((3, n))
            frame["energy_mj"] = np.nan if device == "pixel" else rng.random(n)
            frames.append(frame)
    return pd.concat(frames).sort_values(["arch_idx", "device", "framework", "task"]).reset_index(drop=True)


@pytest.fixture
def order(monkeypatch, tmp_path):
    """Rows of the space in a made-up benchmark order, told by a CSV that is imported with the file."""
    rows = np.random.default_rng(5).permutation(len(CELLS))
    strings = np.array(to_strings(CELLS))[rows]
    monkeypatch.setattr(readers, "ORDER_SHA256", hashlib.sha256("\n".join(strings).encode()).hexdigest())
    accuracies = {name: np.full(len(rows), 50.0) for name in readers.CSV_200}
    pd.DataFrame({"ArchitectureString": strings, **accuracies}).to_csv(tmp_path / "nats_bench.csv", index=False)
    return rows


def write(folder, frame):
    frame.to_parquet(folder / "dataset.parquet", index=False)
    return folder


def test_measurements_of_cifar100_become_objectives(order, tmp_path):
    frame = dataset(len(CELLS))
    notes = nasbench201.add_data(write(tmp_path, frame), progress=False)
    assert notes[-1].startswith("dataset.parquet: 8 measurements for CIFAR-100: latency:jetson_onnx, energy:jetson_")
    problem = nasbench201.problem(dataset="cifar100", objectives=("latency:pi5_litert", "energy:pi5_litert"))
    assert [objective.unit for objective in problem.objectives] == ["ms", "mJ"]
    here = frame.query("device == 'pi5' and framework == 'litert' and task == 'cifar100'")
    np.testing.assert_array_equal(problem.score(CELLS[order]), here[["lat_ms", "energy_mj"]])
    assert any(line == "bench360 present: 8 measurements" for line in nasbench201.describe_data())


@pytest.mark.parametrize(
    ("data", "name"),
    [("cifar10", "latency:pi5_litert"), ("cifar100", "energy:pixel_litert"), ("cifar100", "latency:pi5")],
)
@pytest.mark.usefixtures("order")
def test_what_was_not_measured_is_refused(data, name, tmp_path):
    nasbench201.add_data(write(tmp_path, dataset(5)), progress=False)
    with pytest.raises(ValueError, match=f"objectives: unknown '{name}'"):
        nasbench201.problem(dataset=data, objectives=("params", name))


@pytest.mark.usefixtures("order")
def test_cells_that_lack_a_measurement_are_refused_by_name(tmp_path):
    nasbench201.add_data(write(tmp_path, dataset(5)), progress=False)
    problem = nasbench201.problem(dataset="cifar100", objectives=("params", "latency:jetson_onnx"))
    with pytest.raises(ValueError, match=r"no latency:jetson_onnx imported \(5 of 15,625 cells have it\)"):
        problem.score(CELLS)


def test_without_the_benchmarks_order_it_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no architecture names; import it with or after"):
        nasbench201.add_data(write(tmp_path, dataset(5)), progress=False)


def spoil(frame, column, value):
    frame.loc[frame["task"] == "cifar100", column] = value
    return frame


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (spoil(dataset(3), "lat_ms", -1.0), "jetson_onnx: lat_ms below 0 or infinite"),
        (spoil(dataset(3), "arch_idx", 0), "jetson_onnx: a cell occurs twice"),
        (spoil(dataset(1), "arch_idx", 15_625), "none of 0 to 15624"),
        (dataset(3).query("task == 'darcy'"), "no measurements of task 'cifar100'"),
        (dataset(3).drop(columns="framework"), "not HW-NAS-Bench-360: it has no column 'framework'"),
    ],
)
@pytest.mark.usefixtures("order")
def test_a_file_that_is_not_right_is_refused(frame, complaint, tmp_path):
    with pytest.raises(ValueError, match=complaint):
        nasbench201.add_data(write(tmp_path, frame), progress=False)


@pytest.mark.usefixtures("order")
def test_a_damaged_file_is_refused(tmp_path):
    path = write(tmp_path, dataset(3)) / "dataset.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="damaged, or no Parquet file"):
        nasbench201.add_data(tmp_path, progress=False)


@pytest.mark.usefixtures("order")
def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    write(tmp_path, dataset(1))
    monkeypatch.setattr(bench360.importlib, "import_module", missing)
    with pytest.raises(ValueError, match=r"Parquet needs pyarrow; `pip install 'mobench\[parquet\]'`"):
        nasbench201.add_data(tmp_path, progress=False)
