"""Readers of the sources of NAS-Bench-201 data: CSVs, HELP's latencies, HW-NAS-Bench; all into rows of `all_cells`."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobench import Array, Column, check_pickles, load_pickle
from mobench.problems._cells.space import from_strings, index
from mobench.problems._nasbench201 import official as official
from mobench.problems._nasbench201.columns import ROWS, UNITS

ORDER_SHA256 = "83abc799e45cf34e9d2163654668ab998b9a54d01c39e72ca1f71f2cdf356d84"
"""Digest of the architecture strings in NAS-Bench-201's order, one a line: tells a true order from a shuffled one."""

DATASETS = official.DATASETS
CSV_200 = {
    f"{name}TestAccuracy200Epochs": dataset
    for name, dataset in zip(("CIFAR10", "CIFAR100", "ImageNet"), DATASETS, strict=True)
}
CSV_12 = {
    f"{short}-{subset}": (dataset, kind)
    for short, dataset in zip(("cifar10", "cifar100", "imagenet"), DATASETS, strict=True)
    for subset, kind in (("val", "valid"), ("test", "test"))
}
_HARDWARE = re.compile(r"(?P<device>\w+?)_(?P<metric>latency|energy|arithmetic_intensity)")


@dataclass
class Reading:
    """What has been read so far.

    Attributes
    ----------
    columns : dict
        Name to (15625, ...) float column in the rows of `all_cells`, NaN where there is no value. Names are
        ``source/...``, so that sources never overwrite each other.
    order : Array or None
        Rows of `all_cells` in NAS-Bench-201's order, (15625,), once a source has told it.
    notes : list of str
        One line a file.
    sources : dict
        What is known of each source: file names and counts.
    """

    columns: dict[str, Column]
    order: Array | None
    notes: list[str]
    sources: dict[str, dict[str, Any]]


def learn_order(strings: list[str], reading: Reading) -> None:
    """Keep NAS-Bench-201's order where `strings` are in it (a sorted or shuffled copy of a file is not)."""
    if reading.order is None and hashlib.sha256("\n".join(strings).encode()).hexdigest() == ORDER_SHA256:
        reading.order = index(from_strings(strings))


def _rows(strings: list[str], file: Path) -> Array:
    """Rows of `all_cells` of architecture strings, each at most once."""
    try:
        rows = index(from_strings(strings))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from None
    if len(np.unique(rows)) < len(rows):
        raise ValueError(f"{file}: an architecture occurs twice; download the file again")
    return rows


def _note(kind: str, file: Path, what: str, reading: Reading, **about: Any) -> None:
    reading.notes.append(f"{file.name}: {what}")
    entry = reading.sources.setdefault(kind, {})
    entry["files"] = sorted({*entry.get("files", ()), file.name})
    entry |= about


def read_order(file: Path, reading: Reading) -> None:
    """Read HELP's ``str_arch2idx.pt``."""
    numbers = _load_pt(file)
    if not isinstance(numbers, dict):
        raise ValueError(f"{file}: expected a mapping from architecture strings to numbers, found {type(numbers)}")
    if not all(isinstance(string, str) and isinstance(number, int) for string, number in numbers.items()):
        raise ValueError(f"{file}: expected a mapping from architecture strings to numbers; download it again")
    learn_order(sorted(numbers, key=numbers.__getitem__), reading)


def read_meta(file: Path, reading: Reading) -> None:
    """Read the list of architectures in a NATS-Bench archive."""
    meta = official.read_member(file)
    if not isinstance(meta, dict):
        raise ValueError(f"{file}: expected a mapping with 'meta_archs'; download it again")
    learn_order(official.listed(meta, file), reading)


def read_csv(kind: str, file: Path, reading: Reading) -> None:
    """Read ``nats_bench.csv`` (kind csv200) or ``accuracy_12_epochs.csv`` (kind csv12)."""
    try:
        with file.open(newline="", errors="replace") as lines:
            rows = list(csv.DictReader(lines))
    except csv.Error as error:
        raise ValueError(f"{file}: damaged ({error}); download the file again") from None
    if len(rows) != ROWS:
        raise ValueError(f"{file}: {len(rows):,} rows, expected {ROWS:,}; download the file again")
    strings = [row["ArchitectureString" if kind == "csv200" else "cellstr"] for row in rows]
    places = _rows(strings, file)
    names = {h: (d, "test") for h, d in CSV_200.items()} if kind == "csv200" else CSV_12
    for header, (dataset, subset) in names.items():
        try:
            values = np.array([row[header] for row in rows], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{file}: column {header!r}: {error}; download the file again") from None
        _check(values, f"{file}: column {header!r}", low=0, high=100)
        epochs = 200 if kind == "csv200" else 12
        reading.columns[f"csv/{dataset}/{epochs}/{subset}"] = _column(places, values, "%")
    learn_order(strings, reading)
    what = "200-epoch test accuracy" if kind == "csv200" else "12-epoch validation and test accuracy"
    _note(kind, file, f"{what}, 3 datasets, {ROWS:,} of {ROWS:,} architectures", reading, rows=ROWS)


def _check(values: Array, where: str, *, low: float = 0, high: float = np.inf) -> None:
    bad = ~((values >= low) & (values <= high))
    if bad.any():
        raise ValueError(f"{where}: value {values[bad][0]} at row {int(np.argmax(bad))}; download the file again")


def _column(places: Array, values: Array, unit: str) -> Column:
    full = np.full((ROWS, *values.shape[1:]), np.nan)
    full[places] = values
    return Column(full, unit)


def _load_pt(file: Path) -> Any:
    import torch  # slow to import: only where there is a torch file

    check_pickles(file)
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds
        cause = str(error).strip().partition("\n")[0]
        raise ValueError(f"{file}: damaged, or holds more than plain data ({cause}); download it again") from None


def _in_order(values: Any, where: str, unit: str, order: Array | None) -> Column:
    """A column from `values` in NAS-Bench-201's order."""
    if hasattr(values, "shape"):
        shape = tuple(values.shape)
    elif isinstance(values, list) and all(isinstance(value, int | float) for value in values):
        shape = (len(values),)
    else:
        raise ValueError(f"{where}: expected {ROWS:,} numbers, found {type(values).__name__}")
    if shape != (ROWS,):  # before it is copied: a view of one number can have any shape
        raise ValueError(f"{where}: {math.prod(shape):,} values, expected {ROWS:,}; is it of another search space?")
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"{where}: expected {ROWS:,} numbers, found {type(values).__name__}") from None
    _check(numbers, where)
    if order is None:
        raise ValueError(
            f"{where}: has no architecture names; import it with or after a source that tells NAS-Bench-201's order: "
            "str_arch2idx.pt, accuracy_12_epochs.csv, nats_bench.csv or an official file"
        )
    return _column(order, numbers, unit)


def read_latencies(files: list[Path], reading: Reading) -> None:
    """Read HELP's latencies, one file a device."""
    for file in files:
        reading.columns[f"help/latency:{file.stem}"] = _in_order(_load_pt(file), str(file), "ms", reading.order)
    if files:
        devices = sum(name.startswith("help/") for name in reading.columns)
        _note("help", files[0].parent, f"latency on {len(files)} device settings", reading, devices=devices)


def read_hardware(file: Path, reading: Reading) -> None:
    """Read HW-NAS-Bench's pickle."""
    content = load_pickle(file)
    space = content.get("nasbench201") if isinstance(content, dict) else None
    if not isinstance(space, dict) or not set(DATASETS) & set(space):
        raise ValueError(f"{file}: not HW-NAS-Bench: expected a mapping with 'nasbench201' and its datasets")
    added = 0
    for dataset in (d for d in DATASETS if d in space):
        configs = space[dataset].get("config", []) if isinstance(space[dataset], dict) else None
        if not isinstance(configs, list):
            raise ValueError(f"{file}: not HW-NAS-Bench: expected {dataset} to be a mapping with a list 'config'")
        strings = [c["arch_str"] for c in configs if isinstance(c, dict) and "arch_str" in c]
        order = _rows(strings, file) if len(strings) == ROWS else reading.order
        for name, values in space[dataset].items():
            if match := _HARDWARE.fullmatch(name):
                column = _in_order(values, f"{file}: {dataset} {name}", UNITS[match["metric"]], order)
                reading.columns[f"hwnas/{dataset}/{match['metric']}:{match['device']}"] = column
                added += 1
        if len(strings) == ROWS:
            learn_order(strings, reading)
    _note("hwnas", file, f"{added} measurements of {ROWS:,} architectures", reading, measurements=added)


def add_official(file: Path, strings: list[str], numbers: Array, reading: Reading) -> None:
    """Add k architectures, `numbers` (k, len(FIELDS)), to those that were imported before."""
    places = _rows(strings, file)
    for name, columns in _groups():
        unit = _unit(name)
        new = numbers[:, columns] if "/trials" in name else numbers[:, columns[0]]
        old = reading.columns.get(f"official/{name}")
        values = _column(places, new, unit).values
        if old is not None:
            values = np.where(np.isin(np.arange(ROWS), places).reshape(-1, *[1] * (new.ndim - 1)), values, old.values)
        about = {"seeds": list(official.SEEDS[int(name.split("/")[1])])} if "/trials" in name else {}
        reading.columns[f"official/{name}"] = Column(values, unit, about)
    have = int((~np.isnan(reading.columns["official/cifar10/200/test"].values)).sum())
    what = f"{len(strings):,} of {ROWS:,} architectures"
    _note("official", file, what if have == len(strings) else f"{what}, now {have:,}", reading, rows=have)


def _groups() -> Iterable[tuple[str, list[int]]]:
    """Columns of the table and the fields that make them: the trials of one training form one column."""
    groups: dict[str, list[int]] = {}
    for i, field in enumerate(official.FIELDS):
        stem, _, last = field.rpartition("/")
        groups.setdefault(f"{stem}/trials" if last.isdigit() else field, []).append(i)
    return groups.items()


def _unit(name: str) -> str:
    last = name.rpartition("/")[2]
    return {"seconds": "s", "flops": "M", "params": "M"}.get(last, "ms" if last.startswith("latency") else "%")
