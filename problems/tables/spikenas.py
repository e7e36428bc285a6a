"""SpikeNAS-Bench: spiking networks of 15,625 cells; error against parameters and firing rate, from its training logs.

Sun et al. 2025, IEEE Transactions on Artificial Intelligence 6(6). Import: ``mobench data add spikenas --from PATH``.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len

from mobench import Array, Column, Objective, Space, Table, data_folder, load_table, save_table
from mobench.problems._table.problem import FidelityTable, Offer, View, genes_by_name, stacked

Name = Literal["error", "params", "firing_rate"]

FILE = "spikenas.npz"
ROWS = 5**6
OPERATIONS = ("none", "skip", "lif_low_conv3x3", "lif_middle_conv3x3", "lif_high_conv3x3")
"""A leaky integrate-and-fire neuron of low, middle or high threshold before a convolution."""
EDGES = ("3<-2", "3<-1", "2<-1", "3<-0", "2<-0", "1<-0")
"""(target<-source) of the genes: the digits of an architecture's number to base 5, the most significant first."""
EPOCHS = (10, 40, 60)
"""Shorter trainings that are seen: the early stops of the benchmark's own searches."""
WHOLE = 100
"""Epochs of the whole training (some cells were trained for 200)."""
COLUMNS = {"valid": "%", "test": "%", "params": "", "firing_rate": "", "epochs": "", "seconds": "s"}
"""What is kept of a training, with units; seconds are those of one epoch."""
FOLDERS = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "tinyimagenet": "TinyImagenet"}
SOURCE = "github.com/tju-sun-lab/SpikeNAS-Bench"
_ADD = "`mobench data add spikenas --from PATH`"
_TEXT = re.compile(
    r"architecture id: (?P<id>\d+)\s+model parameters: (?P<params>\d+)\s+(?P<head>epoch,[^\n]*)\n"
    r"(?P<epochs>(?:[\d.]+,[^\n]*\n)+)test (?:accuracy|top1): (?P<test>[\d.]+)[^\n]*\n"
    r"firing rate of layers: [^\n]*?(?P<rate>[\d.]+)\s*\n"
    r"Elapsed time: (?P<hours>[\d.]+?)hour(?P<minutes>[\d.]+?)minute(?P<seconds>[\d.]+?)second\s*"
)


def problem(
    *,
    dataset: Literal["cifar10", "cifar100", "tinyimagenet"] = "cifar10",
    objectives: Annotated[tuple[Name, ...], Len(1)] = ("error", "params", "firing_rate"),
) -> FidelityTable:
    """SpikeNAS-Bench on one dataset: the whole grid of cells, or a pool of those whose logs are imported.

    Parameters
    ----------
    dataset
        The images.
    objectives
        Any of ``error`` (%), ``params`` (M) and ``firing_rate`` (spikes of a neuron in a time step), all minimised.

    Raises
    ------
    ValueError
        No log of this dataset is imported, or an objective is named twice.
    """
    if len(set(objectives)) < len(objectives):
        raise ValueError(f"objectives: expected each name once, found {', '.join(objectives)}")
    path = data_folder() / FILE
    table = load_table(path) if path.exists() else Table({})
    if f"{dataset}/test" not in table.columns:
        raise ValueError(f"no training of {dataset} is imported; get {SOURCE} and import its folder data with {_ADD}")
    rows = np.flatnonzero(np.isfinite(table[f"{dataset}/test"]))
    got = {name: table[f"{dataset}/{name}"][rows] for name in COLUMNS}
    views: dict[int | None, View] = {}
    for i, epochs in enumerate((*EPOCHS, None)):
        seen, scored, noise = stacked([_offer(name, got, i) for name in objectives])
        views[epochs] = View(seen, seconds=got["seconds"] * (epochs or got["epochs"]))
    views[WHOLE] = views[None]
    values = (OPERATIONS,) * len(EDGES)
    grid = Space(tuple(map(len, values)), EDGES, values=values)
    space = grid if len(rows) == ROWS else Space(grid.cardinalities, EDGES, pool=grid.at(rows), values=values)
    return FidelityTable(
        space,
        tuple(_offer(name, got, 0).objective for name in objectives),
        views,
        scored,
        noise,
        partial(genes_by_name, EDGES, [OPERATIONS] * len(EDGES)),
        SOURCE,
    )


def _offer(name: str, got: dict[str, Array], fidelity: int) -> Offer:
    """One objective of the cells that are there."""
    if name == "error":
        return Offer(Objective("error", "%"), 100 - got["test"], 100 - got["valid"][:, [fidelity]])
    if name == "params":
        return Offer(Objective("params", "M"), got["params"] / 1e6, noise=np.zeros(len(got["params"])))
    return Offer(Objective("firing_rate", "spikes/step"), got["firing_rate"])


def add_data(path: Path, *, folder: Path | None = None) -> list[str]:
    """Import all logs ``<dataset>/<number>/train_process.txt`` in a folder and its subfolders.

    Returns
    -------
    list of str
        What was read, one line a dataset.

    Raises
    ------
    ValueError
        There are none, or one is damaged; what was imported before is untouched.
    """
    target = (data_folder() if folder is None else folder) / FILE
    columns = dict(load_table(target).columns) if target.exists() else {}
    notes = []
    for dataset, name in FOLDERS.items():
        files = [f for f in Path(path).expanduser().absolute().rglob("train_process.txt") if f.parts[-3] == name]
        if not files:
            continue
        read = [_read(file) for file in files]
        for key, unit in COLUMNS.items():
            old = columns.get(f"{dataset}/{key}")
            values = np.full((ROWS, *np.shape(read[0][1][key])), np.nan) if old is None else old.values.copy()
            for number, found in read:
                values[number] = found[key]
            columns[f"{dataset}/{key}"] = Column(values, unit)
        notes.append(f"{name}: {len(files):,} of {ROWS:,} architectures")
    if not notes:
        raise ValueError(f"{path}: no SpikeNAS-Bench logs, {'/'.join(FOLDERS.values())}/NUMBER/train_process.txt")
    save_table(target, Table(columns, {"source": SOURCE}))
    return notes


def _read(file: Path) -> tuple[int, dict[str, Array | float]]:
    """The number of the architecture and what its log says."""
    match = _TEXT.fullmatch(file.read_text(encoding="utf-8", errors="replace"))
    if match is None or match["id"] != file.parent.name or int(match["id"]) >= ROWS:
        raise ValueError(f"{file}: not a log of SpikeNAS-Bench, or of another architecture; download it again")
    column = [name.strip() for name in match["head"].split(",")].index("val_acc")
    accuracy = [float(line.split(",")[column]) for line in match["epochs"].splitlines()]
    hours, minutes, seconds = (float(match[part]) for part in ("hours", "minutes", "seconds"))
    if len(accuracy) < WHOLE:
        raise ValueError(f"{file}: {len(accuracy)} epochs, expected 100 or 200; download it again")
    return int(match["id"]), {
        "valid": np.array([*(accuracy[epochs - 1] for epochs in EPOCHS), accuracy[-1]]),
        "test": float(match["test"]),
        "params": float(match["params"]),
        "firing_rate": float(match["rate"]),
        "epochs": len(accuracy),
        "seconds": (3600 * hours + 60 * minutes + seconds) / len(accuracy),
    }


def describe_data(*, folder: Path | None = None) -> list[str]:
    """How many architectures of each dataset are here, and where they are from."""
    path = (data_folder() if folder is None else folder) / FILE
    table = load_table(path) if path.exists() else Table({})
    lines = []
    for dataset in FOLDERS:
        column = table.columns.get(f"{dataset}/test")
        count = 0 if column is None else int(np.isfinite(column.values).sum())
        state = f"{'present' if count == ROWS else 'partial'}: {count:,} of {ROWS:,} architectures"
        lines.append(f"{dataset:<12} {state if count else f'missing; its training logs are in {SOURCE}'}")
    return lines
