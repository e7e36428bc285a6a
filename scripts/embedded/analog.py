"""Make analog's table: accuracies of all 15,625 cells of NAS-Bench-201, in digital and on simulated analog hardware.

python scripts/embedded/analog.py --shared PATH

`--shared` holds analog_nasbench/analog_nasbench.npz: the entries of analognasbench/data.anb of PyPI's analog-nasbench
0.1.3 as arrays, with cells as NAS-Bench-201 numbers them.
"""

from pathlib import Path

import numpy as np
from _packing import rounded, write

from mobench import Array, Column, Table
from mobench.problems._cells.space import all_cells, index
from mobench.problems.tables.analog import CONDITIONS, DRIFTS

PER_ACCURACY, PER_DRIFT = 500, 100
ABOUT = {
    "title": "AnalogNAS-Bench: cells of NAS-Bench-201 under analog in-memory computing, CIFAR-10",
    "rows": "mobench.problems._cells.space.all_cells",
    "source": "github.com/IBM/analog-nas 71dae1f (2025-03-30), analognasbench; PyPI analog-nasbench 0.1.3",
    "paper": "AnalogNAS-Bench: A NAS Benchmark for Analog In-Memory Computing, arXiv 2506.18495 (2025)",
    "licence": "Apache-2.0 (the repository's; the package on PyPI names none)",
    "errata": ["one training each; test accuracies, there is no validation accuracy"],
}


def make(shared: Path) -> dict[str, Table]:
    """The table, from the arrays."""
    with np.load(shared / "analog_nasbench" / "analog_nasbench.npz", allow_pickle=False) as file:
        source: dict[str, Array] = dict(file)
    order = np.argsort(index(source["nb201_arch"]))
    if not np.array_equal(source["nb201_arch"][order], all_cells()):
        raise SystemExit("nb201_arch: not all cells, each once")
    columns: dict[str, Column] = {}
    for name, theirs in {**CONDITIONS, **DRIFTS}.items():
        columns[name] = rounded(source[theirs][order], per=PER_DRIFT if name in DRIFTS else PER_ACCURACY)
        if name in DRIFTS:
            columns[f"{name}/std"] = rounded(source[f"{theirs}_std"][order], per=PER_DRIFT)
    return {"analog": Table(columns, ABOUT)}


if __name__ == "__main__":
    write(__doc__, make)
