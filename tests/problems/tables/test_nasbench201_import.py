"""NAS-Bench-201's importer: every source is recognised and merged, resumed, and refused in one line where damaged."""

from __future__ import annotations

import bz2
import csv
import importlib
import os
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mobench import load_table
from mobench.problems._cells import space as _cell
from mobench.problems._nasbench201 import archive as archive_reader
from mobench.problems._nasbench201 import official as official
from mobench.problems._nasbench201 import readers as readers
from mobench.problems.tables import nasbench201

pytestmark = pytest.mark.long

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
CELLS = _cell.all_cells()
STRINGS = _cell.to_strings(CELLS)


@pytest.fixture
def data(own_data: Path) -> Path:
    """Data folder of this test."""
    return own_data


def add(path: Path, **options) -> list[str]:
    return nasbench201.add_data(path, progress=False, **options)


def table_of(data: Path):
    return load_table(data / "nasbench201.npz")


@pytest.fixture
def order(monkeypatch):
    """Rows of the space in a made-up benchmark order, which the importer takes for NAS-Bench-201's."""
    rows = np.random.default_rng(5).permutation(len(CELLS))
    digest = readers.hashlib.sha256("\n".join(STRINGS[row] for row in rows).encode()).hexdigest()
    monkeypatch.setattr(readers, "ORDER_SHA256", digest)
    return rows


def write_csvs(folder: Path, order) -> dict[str, np.ndarray]:
    """Both CSVs in the published form, with made-up accuracies; by column of the table."""
    rng = np.random.default_rng(6)
    wanted = {}
    for name, headers, key in (
        ("nats_bench.csv", [(h, f"csv/{d}/200/test") for h, d in readers.CSV_200.items()], "ArchitectureString"),
        ("accuracy_12_epochs.csv", [(h, f"csv/{d}/12/{kind}") for h, (d, kind) in readers.CSV_12.items()], "cellstr"),
    ):
        values = rng.uniform(1, 95, (len(order), len(headers)))
        with (folder / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([h for h, _ in headers] + [key])
            writer.writerows([*row, STRINGS[place]] for row, place in zip(values.tolist(), order, strict=True))
        for column, (_, target) in enumerate(headers):
            wanted[target] = np.empty(len(order))
            wanted[target][order] = values[:, column]
    return wanted


def trial(epochs: int, split: str, seed: int, rng) -> dict:
    """State of one training, as NATS-Bench stores it."""
    names = {"cifar10-valid": ["x-valid", "ori-test"], "cifar10": ["ori-test"]}.get(split, ["x-valid", "x-test"])
    steps = {f"{name}@{i}": float(rng.uniform(10, 90)) for name in names for i in range(epochs)}
    each = {i: float(rng.uniform(1, 90)) for i in range(epochs)}
    return {"name": split, "train_acc1es": each, "train_acc5es": None, "train_losses": each, "train_times": each} | {
        "arch_config": {}, "params": np.float64(1.5), "flop": 100.5, "seed": seed, "epochs": epochs, "latency": [0.01],
        "eval_names": names, "eval_acc1es": steps, "eval_times": steps, "eval_losses": steps, "net_state_dict": None,
    }  # fmt: skip


def member(row: int, seeds=(777, 888)) -> dict:
    """State of one architecture."""
    rng = np.random.default_rng(row)
    state = {}
    for epochs, used in ((12, (111,)), (200, seeds)):
        splits = ("cifar10-valid", *DATASETS)
        results = {(split, seed): trial(epochs, split, seed, rng) for split in splits for seed in used}
        state[str(epochs)] = {"arch_index": row, "arch_str": STRINGS[row], "all_results": results} | {
            "dataset_seed": {split: list(used) for split in splits}, "clear_net_done": True
        }  # fmt: skip
    return state


def write_archive(folder: Path, rows, **options) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        (folder / f"{row:06d}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(member(row, **options))))
    return folder


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


# --- the shared reference data ---------------------------------------------------------------------------------------


def test_the_row_order_of_the_csvs_is_the_order_of_str_arch2idx(shared_data):
    numbers = torch.load(shared_data / "nasbench201" / "str_arch2idx.pt", weights_only=True)
    for name, key in (("nats_bench.csv", "ArchitectureString"), ("accuracy_12_epochs.csv", "cellstr")):
        with (shared_data / "nasbench201" / name).open(newline="") as file:
            strings = [row[key] for row in csv.DictReader(file)]
        assert [numbers[string] for string in strings] == list(range(15625))


def test_latencies_go_to_the_rows_of_their_cells(shared_data, nasbench201_data):
    numbers = torch.load(shared_data / "nasbench201" / "str_arch2idx.pt", weights_only=True)
    latency = torch.load(shared_data / "nasbench201" / "latency" / "titanx_32.pt", weights_only=True)
    F = nasbench201.problem(objectives=("error", "latency:titanx_32"), data="imported").score(CELLS)
    assert F[:, 1].tolist() == [latency[numbers[string]] for string in STRINGS]
    assert sum(name.startswith("help/") for name in table_of(nasbench201_data).columns) == 27


@pytest.fixture
def sample(shared_data) -> Path:
    return shared_data / "nats_bench_sample" / "NATS-tss-v1_0-3ffb9-simple"


@pytest.mark.parametrize("costs", ["exact", "stored"])
def test_the_official_sample_gives_the_answers_of_nats_bench(sample, data, costs):
    nats_bench = pytest.importorskip("nats_bench")
    api = nats_bench.create(str(sample), "tss", fast_mode=True, verbose=False)
    before = random.getstate()
    add(sample)
    assert random.getstate() == before
    for dataset in DATASETS:
        problem = nasbench201.problem(
            dataset=dataset, objectives=("error", "params", "flops"), costs=costs, data="imported"
        )
        assert problem.fidelities == (12, 200)
        for i in (0, 11, 284):
            X = _cell.from_strings([api.arch(i)])
            exact = api.get_cost_info(i, dataset, hp="200")
            for hp in ("12", "200"):
                split = "cifar10-valid" if dataset == "cifar10" else dataset
                seen = api.get_more_info(i, split, hp=hp, is_random=False)
                values = problem.evaluate(X, fidelity=int(hp))
                assert values.F[0, 0] == 100 - seen["valid-accuracy"]
                assert values.seconds[0] == seen["train-all-time"]
                np.testing.assert_allclose(values.F[0, 1:], (exact["params"], exact["flops"]), rtol=1e-12)
            scored = api.get_more_info(i, dataset, hp="200", is_random=False)["test-accuracy"]
            assert problem.score(X)[0, 0] == 100 - scored


def test_the_trials_of_the_official_sample_are_those_of_nats_bench(sample, data):
    nats_bench = pytest.importorskip("nats_bench")
    api = nats_bench.create(str(sample), "tss", fast_mode=True, verbose=False)
    add(sample)
    column = table_of(data).columns["official/cifar10/200/valid/trials"]
    assert column.about["seeds"] == [777, 888, 999]
    for i in (0, 11, 284):
        row = STRINGS.index(api.arch(i))
        wanted = [
            api.get_more_info(i, "cifar10-valid", hp="200", is_random=seed)["valid-accuracy"]
            for seed in column.about["seeds"]
        ]
        assert column.values[row].tolist() == wanted
    problem = nasbench201.problem(noise=True, data="imported")
    drawn = problem.evaluate(CELLS[[row] * 3], seeds=np.arange(3, dtype=np.uint64)).F[:, 0]
    np.testing.assert_array_equal(np.sort(drawn), np.sort([100 - accuracy for accuracy in wanted]))


def test_a_partial_archive_is_reported_and_the_size_space_beside_it_left_alone(sample, data):
    assert add(sample.parent) == ["NATS-tss-v1_0-3ffb9-simple: 3 of 15,625 architectures"]
    assert nasbench201.describe_data()[0].startswith("official partial: 3 of 15,625 architectures; NATS-Bench folder")
    with pytest.raises(ValueError, match=r"\|none~0\|.*3 of 15,625"):
        nasbench201.problem(data="imported").evaluate(CELLS[:1])


def test_the_sample_beside_the_csvs_agrees_with_them(sample, shared_data, nasbench201_imported, data):
    data.mkdir(parents=True)
    shutil.copy(nasbench201_imported / "nasbench201.npz", data)
    add(sample)
    table = table_of(data)
    for epochs, kind in ((12, "valid"), (12, "test"), (200, "test")):
        for dataset in DATASETS:
            ours = table[f"official/{dataset}/{epochs}/{kind}"]
            there = ~np.isnan(ours)
            assert there.sum() == 3
            np.testing.assert_allclose(ours[there], table[f"csv/{dataset}/{epochs}/{kind}"][there], atol=1e-6)
    assert nasbench201.problem(data="imported").about["seen"] == 12  # 3 cells do not make 200 epochs the full fidelity


# --- generated sources -----------------------------------------------------------------------------------------------


def test_csvs_in_any_order_go_to_the_rows_of_their_cells(tmp_path, data):
    wanted = write_csvs(tmp_path, np.random.default_rng(1).permutation(len(CELLS)))
    notes = add(tmp_path)
    assert len(notes) == 2
    assert all("15,625 of 15,625" in note for note in notes)
    table = table_of(data)
    assert set(wanted) == set(table.columns)  # no order was learnt from shuffled files
    for name, values in wanted.items():
        np.testing.assert_array_equal(table[name], values)


def test_importing_again_changes_nothing_and_the_sequence_does_not_matter(tmp_path, data, order):
    write_csvs(tmp_path, order)
    archive = write_archive(tmp_path / "archive", (3, 77))
    (tmp_path / "latency").mkdir()
    torch.save([1.0] * 15625, tmp_path / "latency" / "phone.pt")
    add(tmp_path)
    first = (data / "nasbench201.npz").read_bytes()
    add(tmp_path)
    assert (data / "nasbench201.npz").read_bytes() == first
    other = data.with_name("other" + data.name)
    for path in (archive, tmp_path / "accuracy_12_epochs.csv", tmp_path / "latency", tmp_path / "nats_bench.csv"):
        add(path, folder=other)
    assert (other / "nasbench201.npz").read_bytes() == first


def test_latencies_need_the_benchmarks_order_and_then_go_to_their_cells(tmp_path, data, order):
    (tmp_path / "latency").mkdir()
    values = np.random.default_rng(2).uniform(1, 50, 15625)
    torch.save(values.tolist(), tmp_path / "latency" / "phone_1.pt")
    with pytest.raises(
        ValueError, match=r"phone_1\.pt: has no architecture names; import it with or after .*str_arch2"
    ):
        add(tmp_path)
    assert not data.exists()
    torch.save({STRINGS[row]: i for i, row in enumerate(order)}, tmp_path / "str_arch2idx.pt")
    assert add(tmp_path) == ["latency: latency on 1 device settings"]
    F = nasbench201.problem(objectives=("latency:phone_1", "flops")).score(CELLS[order])
    np.testing.assert_array_equal(F[:, 0], values)


@pytest.mark.parametrize("named", [True, False])
def test_hw_nas_bench_goes_to_the_rows_of_its_cells(tmp_path, data, order, named):
    rng = np.random.default_rng(3)
    values = {name: rng.uniform(1, 9, 15625) for name in ("edgegpu_latency", "eyeriss_energy")}
    values["eyeriss_arithmetic_intensity"] = rng.uniform(1, 9, 15625)
    config = [{"arch_str": STRINGS[row]} if named else {} for row in order]
    space = {dataset: {"config": config} | {n: v.tolist() for n, v in values.items()} for dataset in DATASETS}
    (tmp_path / "HW-NAS-Bench-v1_0.pickle").write_bytes(pickle.dumps({"nasbench201": space, "fbnet": {}}))
    if not named:
        write_csvs(tmp_path, order)
    assert add(tmp_path)[-1] == "HW-NAS-Bench-v1_0.pickle: 9 measurements of 15,625 architectures"
    names = ("latency:edgegpu", "energy:eyeriss", "arithmetic_intensity:eyeriss")
    problem = nasbench201.problem(dataset="ImageNet16-120", objectives=names)
    assert [objective.unit for objective in problem.objectives] == ["ms", "mJ", "operations/byte"]
    np.testing.assert_array_equal(problem.score(CELLS[order]), np.column_stack(list(values.values())))


def test_an_archive_is_read_the_same_in_processes_and_alone(tmp_path, data, monkeypatch):
    rows = [5, 99, 1234, 15000]
    archive = write_archive(tmp_path / "archive", rows)
    add(archive)
    alone = (data / "nasbench201.npz").read_bytes()
    (data / "nasbench201.npz").unlink()
    monkeypatch.setattr(archive_reader, "CHUNK", 1)
    assert add(archive) == ["archive: 4 of 15,625 architectures"]
    assert (data / "nasbench201.npz").read_bytes() == alone
    assert [path.name for path in data.iterdir()] == ["nasbench201.npz"]


@pytest.fixture
def interrupted(tmp_path, data, monkeypatch):
    """Cells 0 to 5 in chunks of two, whose import ended in the third; and which members are read from then on."""
    archive = write_archive(tmp_path / "archive", range(6))
    monkeypatch.setattr(archive_reader, "CHUNK", 2)
    monkeypatch.setattr(archive_reader.os, "sched_getaffinity", lambda process: {0})  # one after the other
    read, seen = official.read_member, []

    def until_the_sixth(path, *rest):
        seen.append(path.name[:6].lstrip("0") or "0")
        if len(seen) == 6:  # the first is read once more to tell cells from sizes
            raise KeyboardInterrupt
        return read(path, *rest)

    monkeypatch.setattr(official, "read_member", until_the_sixth)
    with pytest.raises(KeyboardInterrupt):
        add(archive)
    assert len(list(data.rglob("chunk-*.npz"))) == 2
    assert not (data / "nasbench201.npz").exists()
    seen[:] = [*range(10)]
    return archive, lambda: seen[10:]


def test_an_interrupted_import_goes_on_where_it_was(interrupted, data):
    archive, read = interrupted
    for path in archive.iterdir():  # a copy of the same files
        os.utime(path, (0, 0))
    add(archive)
    assert read() == ["0", "4", "5"]
    assert [path.name for path in data.iterdir()] == ["nasbench201.npz"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [("another download", "0 0 1 2 3 4 5"), ("a member exchanged", "0 0 1 4 5 9"), ("a member less", "1 1 2 3 4 5")],
)
def test_an_interrupted_import_keeps_no_value_of_files_that_changed(interrupted, data, change, wanted):
    archive, read = interrupted
    if change == "another download":  # other trials under the same names and times
        before = {path: path.stat() for path in archive.iterdir()}
        write_archive(archive, range(6), seeds=(777, 999))
        for path, stat in before.items():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    elif change == "a member exchanged":
        write_archive(archive, [1], seeds=(999,))
        write_archive(archive, [9])
    else:
        (archive / "000000.pickle.pbz2").unlink()
    add(archive)
    assert read() == wanted.split()
    resumed = (data / "nasbench201.npz").read_bytes()
    (data / "nasbench201.npz").unlink()
    add(archive)
    assert (data / "nasbench201.npz").read_bytes() == resumed


def test_a_table_is_replaced_whole_or_not_at_all(tmp_path, data, monkeypatch):
    add(write_archive(tmp_path / "one", [1, 2]))
    before = (data / "nasbench201.npz").read_bytes()

    def full(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            add(write_archive(tmp_path / "two", [3]))
    assert (data / "nasbench201.npz").read_bytes() == before


def test_missing_trials_are_nan_and_the_mean_is_over_those_that_exist(tmp_path, data):
    add(write_archive(tmp_path / "archive", [8], seeds=(888,)))
    table = table_of(data)
    trials = table["official/cifar10/200/valid/trials"][8]
    np.testing.assert_array_equal(np.isnan(trials), [True, False, True])
    assert table["official/cifar10/200/valid"][8] == trials[1]
    problem = nasbench201.problem(noise=True, data="imported")
    drawn = problem.evaluate(CELLS[[8] * 9], seeds=np.arange(9, dtype=np.uint64)).F[:, 0]
    assert set(drawn) == {100 - trials[1]}


def test_a_second_archive_adds_to_the_first(tmp_path, data):
    add(write_archive(tmp_path / "one", [1, 2]))
    assert add(write_archive(tmp_path / "two", [2, 3])) == ["two: 2 of 15,625 architectures, now 3"]
    assert "partial: 3 of" in nasbench201.describe_data()[0]


@pytest.mark.parametrize("form", ["pickle.pbz2", "pth", "old pth"])
def test_the_one_file_forms_give_what_the_folder_gives(tmp_path, data, form, capfd):
    rows = [4, 40, 400]
    add(write_archive(tmp_path / "archive", rows))
    wanted = table_of(data)
    (data / "nasbench201.npz").unlink()
    if form == "pickle.pbz2":
        infos = {row: member(row) for row in rows}
        path = tmp_path / "NATS-tss-v1_0-3ffb9.pickle.pbz2"
        content = {"meta_archs": STRINGS, "arch2infos": infos, "evaluated_indexes": set(rows)}
        path.write_bytes(bz2.compress(pickle.dumps(content)))
    else:
        infos = {row: {"less": member(row)["12"], "full": member(row)["200"]} for row in rows}
        path = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
        content = {"meta_archs": STRINGS, "arch2infos": infos, "evaluated_indexes": set(rows)}
        torch.save(content, path, _use_new_zipfile_serialization=form == "pth")
    nasbench201.add_data(path)
    assert "28 GB of memory" in capfd.readouterr().out
    got = table_of(data)
    assert list(got.columns) == list(wanted.columns)
    for name in wanted.columns:
        np.testing.assert_allclose(got[name], wanted[name], rtol=1e-14)


def test_the_state_of_every_source_is_described(tmp_path, data, order):
    lines = nasbench201.describe_data()
    assert len(lines) == 6
    assert all(" missing; " in line and " adds " in line for line in lines)
    write_csvs(tmp_path, order)
    add(tmp_path)
    states = {line.split()[0]: line for line in nasbench201.describe_data()}
    assert states["csv12"].split(maxsplit=1)[1] == "present: 15,625 of 15,625 architectures"
    assert "missing; HELP's latency folder" in states["help"]


# --- bad input -------------------------------------------------------------------------------------------------------


def bad_files(folder: Path, mark: Path) -> dict[str, tuple[Path, str]]:
    """Kind of damage -> (what is imported, what the error says)."""
    good = bz2.compress(pickle.dumps(member(1)))
    other = bz2.compress(pickle.dumps({"12": {"arch_str": "|"}}))
    short = pickle.dumps({"nasbench201": {"cifar10": {"a_latency": [1.0]}}})
    evil = pickle.dumps({"a": Evil(mark)})
    files = {
        "truncated csv": ("accuracy_12_epochs.csv", b"\n".join(CSV.read_bytes().splitlines()[:9000])),
        "csv with text": ("accuracy_12_epochs.csv", CSV.read_bytes().replace(b",|", b"x,|", 1)),
        "csv with an unknown cell": ("accuracy_12_epochs.csv", CSV.read_bytes().replace(b"|none~0|", b"|max~0|", 1)),
        "csv with 200 per cent": ("accuracy_12_epochs.csv", CSV.read_bytes().replace(b"\r\n", b"\r\n2", 1)),
        "truncated member": ("archive/000001.pickle.pbz2", good[: len(good) // 2]),
        "flipped member": ("archive/000001.pickle.pbz2", good[:2000] + b"x" + good[2001:]),
        "member of something else": ("archive/000001.pickle.pbz2", other),
        "evil member": ("archive/000001.pickle.pbz2", bz2.compress(evil)),
        "unknown trial": ("archive/000001.pickle.pbz2", bz2.compress(pickle.dumps(member(1, seeds=(777, 1))))),
        "evil hardware": ("HW-NAS-Bench-v1_0.pickle", evil),
        "hardware of something else": ("HW-NAS-Bench-v1_0.pickle", pickle.dumps({"fbnet": {}})),
        "short hardware": ("HW-NAS-Bench-v1_0.pickle", short),
        "evil latency": ("latency/phone.pt", evil),
        "text latency": ("latency/phone.pt", b"hello"),
        "evil pth": ("NAS-Bench-201-v1_1-096897.pth", evil),
        "pth of something else": ("NAS-Bench-201-v1_1-096897.pth", None),
        "unknown file": ("notes.txt", b"hello"),
        "unknown csv": ("accuracy.csv", b"a,b\n1,2\n"),
    }  # fmt: skip
    says = {
        "truncated csv": "8,999 rows, expected 15,625; download the file again",
        "csv with text": "could not convert string to float",
        "csv with an unknown cell": "unknown operation 'max'",
        "csv with 200 per cent": "value 2.* at row 0; download",
        "truncated member": "damaged or no NATS-Bench file .*; download it again",
        "flipped member": "damaged or no NATS-Bench file .*; download it again",
        "member of something else": "no architecture of NATS-Bench's topology space",
        "evil member": "it asks for posix.system",
        "unknown trial": "trial with seed 1 at 200 epochs",
        "evil hardware": "it asks for posix.system",
        "hardware of something else": "not HW-NAS-Bench: expected",
        "short hardware": "cifar10 a_latency: 1 values, expected 15,625",
        "evil latency": "damaged, or holds more than plain data",
        "text latency": "damaged, or holds more than plain data",
        "evil pth": "damaged, or holds more than plain data",
        "pth of something else": "not the content of a NAS-Bench-201",
        "unknown file": "no NAS-Bench-201 data recognised; known are: NATS-Bench folder",
        "unknown csv": "no NAS-Bench-201 data recognised",
    }
    made = {}
    for kind, (name, content) in files.items():
        path = folder / kind.replace(" ", "-") / name
        path.parent.mkdir(parents=True)
        if content is None:
            torch.save({"a": 1}, path)
        else:
            path.write_bytes(content)
        made[kind] = (path, says[kind])
    return made


CSV = Path()


def test_bad_files_are_refused_in_one_line_nothing_runs_and_the_table_stays(tmp_path, data, order, monkeypatch):
    good = tmp_path / "good"
    good.mkdir()
    write_csvs(good, order)
    add(good)
    before = (data / "nasbench201.npz").read_bytes()
    monkeypatch.setitem(globals(), "CSV", good / "accuracy_12_epochs.csv")
    mark = tmp_path / "mark"
    for kind, (path, says) in bad_files(tmp_path, mark).items():
        for target in (path.parent,) if path.suffix == ".csv" else (path, path.parent):
            with pytest.raises(ValueError, match=says) as caught:
                add(target)
            assert "\n" not in str(caught.value), kind
            assert str(tmp_path) in str(caught.value), kind
        assert (data / "nasbench201.npz").read_bytes() == before, kind
    assert not mark.exists()


def test_a_path_without_anything_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        add(tmp_path / "nowhere")


def test_a_damaged_table_is_named_with_its_cure(tmp_path, data):
    write_csvs(tmp_path, np.arange(len(CELLS)))
    add(tmp_path)
    path = data / "nasbench201.npz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"nasbench201\.npz: damaged table .*import it again"):
        nasbench201.problem()
    with pytest.raises(ValueError, match=r"damaged table .*; delete it and import all sources again"):
        add(tmp_path)


def test_a_missing_package_is_named_with_its_cure(tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    archive = write_archive(tmp_path / "archive", [1])
    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ValueError, match=r"needs nats_bench, which is not installed; pip install 'mobench\[import\]'"):
        add(archive)


@pytest.mark.parametrize(
    "others",
    [
        {
            "a.csv": b"x" * 200_000 + b",b\n",
            "b.csv": b'"' + b"y\n" * 100_000,
            "bank.csv": b"a,b\n1,2\n",
            "c.csv": b"\xff\0,",
        },
        {"bank.csv": b"date,=1+1\n"},
    ],
    ids=len,
)
def test_unrelated_csvs_in_a_folder_are_skipped_with_a_line(tmp_path, data, order, others):
    write_csvs(tmp_path, order)
    for name, content in others.items():
        (tmp_path / name).write_bytes(content)
    *read, skipped = add(tmp_path)
    assert len(read) == 2
    names = ", ".join(sorted(others)[:3]) + (", ..." if len(others) > 3 else "")
    assert skipped == f"skipped {len(others)} other CSV file{'s' * (len(others) > 1)}: {names}"


def test_a_csv_of_ours_that_is_none_below_its_header_is_a_line(tmp_path, data):
    header = ",".join(["cellstr", *readers.CSV_12])
    (tmp_path / "accuracy_12_epochs.csv").write_text(f"{header}\n{'x' * 200_000}\n")
    with pytest.raises(ValueError, match=r"accuracy_12_epochs.csv: damaged \(field larger than field limit"):
        add(tmp_path)


def test_helpers_import_nothing_from_the_folder_that_one_is_in(tmp_path, data):
    archive = write_archive(tmp_path / "archive", range(1, 9))
    here = tmp_path / "here"
    here.mkdir()
    for name in ("struct", "signal", "json", "bz2"):
        (here / f"{name}.py").write_text(f"open('{name}.imported', 'w')\n")
    code = "import sys; sys.path.remove(''); from mobench.problems._nasbench201 import archive; archive.CHUNK = 2\n"
    code += "from pathlib import Path\nif __name__ == '__main__':\n"
    code += "    print(len(archive.read_archive(Path(sys.argv[1]), data=Path(sys.argv[2]), progress=False)[0]))"
    command = [sys.executable, "-c", code, str(archive), str(data)]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr
    assert list(here.glob("*.imported")) == []
