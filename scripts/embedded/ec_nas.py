"""Make ec_nas's tables: accuracies, measured energies and times of the cells with up to four and up to five vertices.

python scripts/embedded/ec_nas.py --shared PATH

`--shared` holds ec_nas/ec_4v.npz and ec_5v.npz: arrays of the measured records of PedramBakh/EC-NAS-Bench.
"""

from pathlib import Path

import numpy as np
from _packing import whole, write

from mobench import Array, Column, Table
from mobench.problems.tables.ec_nas import EPOCHS, OPERATIONS, edges

IMAGES = 9984
"""Images of a split: 39 batches of 256."""
ABOUT = {
    "rows": "the cells, in lexicographic order of `genes`; columns are named by the epochs of a training",
    "source": "github.com/PedramBakh/EC-NAS-Bench 13e373e; the measured records on a Quadro RTX 6000",
    "paper": "Bakhtiarifard, Igel, Selvan: EC-NAS: Energy Consumption Aware Tabular Benchmarks for Neural Architecture "
    "Search, ICASSP 2024",
    "licence": "MIT, Copyright (c) 2022 Pedram Bakh",
    "errata": [
        "2,532 cells are all with up to five vertices, as NAS-Bench-101 counts them; the source says 2,632",
        "a mean power of 540 to 1,206 W is more than one such card can draw",
    ],
}


def make(shared: Path) -> dict[str, Table]:
    """A table for each number of vertices."""
    tables = {}
    for vertices in EPOCHS:
        with np.load(shared / "ec_nas" / f"ec_{vertices}v.npz", allow_pickle=False) as file:
            tables[f"ec_nas_{vertices}"] = table(dict(file), vertices)
    return tables


def table(source: dict[str, Array], vertices: int) -> Table:
    """The table of the cells with up to so many vertices."""
    encoded = [genes(a, o, vertices) for a, o in zip(source["adjacency"], source["ops"], strict=True)]
    cells, row = np.unique(np.array(encoded, dtype=np.uint8), axis=0, return_inverse=True)
    columns = {"genes": Column(cells), "params": Column(np.empty(len(cells), dtype=np.uint32))}
    columns["params"].values[row] = source["params"]
    for epochs in EPOCHS[vertices]:
        at = np.flatnonzero(source["epochs"] == epochs)
        at = at[np.argsort(row[at], kind="stable")].reshape(len(cells), -1)  # (cells, trials)
        for name, theirs in (("valid", "val_acc"), ("test", "test_acc")):
            accuracy = 100.0 * source[theirs][at].astype(np.float64)
            columns[f"{name}/{epochs}"] = whole(accuracy, per=IMAGES / 100, split=name)
        columns[f"energy/{epochs}"] = Column(source["energy_kwh"][at].astype(np.float64).round(6), "kWh")
        columns[f"seconds/{epochs}"] = Column(source["train_seconds"][at], "s")
    return Table(columns, {"title": f"EC-NAS-Bench: cells with up to {vertices} vertices"} | ABOUT)


def genes(adjacency: str, operations: str, vertices: int) -> list[int]:
    """The genes of one cell, whose output becomes the last of so many vertices."""
    n = int(len(adjacency) ** 0.5)
    place = [*range(n - 1), vertices - 1]
    there = {(place[k % n], place[k // n]) for k, bit in enumerate(adjacency) if bit == "1"}  # (target, source)
    names = [name.partition("-")[0] for name in operations.split(",")[1:-1]]
    chosen = [OPERATIONS.index(name) for name in names] + [0] * (vertices - n)
    return [*(int(edge in there) for edge in edges(vertices)), *chosen]


if __name__ == "__main__":
    write(__doc__, make)
