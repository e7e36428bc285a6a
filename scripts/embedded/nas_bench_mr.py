"""Make nas_bench_mr's table: genes, costs and the results of eight tasks of 2,507 networks.

python scripts/embedded/nas_bench_mr.py --shared PATH

`--shared` holds nas_bench_mr/nas_bench_mr.npz: arrays of the files in data/ of dingmyu/NCP.
"""

from pathlib import Path

import numpy as np
from _packing import whole, write

from mobench import Array, Column, Table
from mobench.problems.tables.nas_bench_mr import GENES, TASKS

ABOUT = {
    "title": "NAS-Bench-MR: multi-resolution networks, each trained on eight tasks",
    "rows": "the networks, in lexicographic order of `genes`, which are the numbers of the authors' codes",
    "source": "github.com/dingmyu/NCP 5259acd (2023-02-21), data/",
    "paper": "Ding, Huo, Lu, Yang, Wang, Lu, Wang, Luo: Learning Versatile Neural Architectures by Propagating Network "
    "Codes, ICLR 2022",
    "licence": "BSD-2-Clause (LICENSE); the README says: for academic use, for commercial use contact the author",
    "errata": ["one training of each network and task", "3D detection, the ninth task, is left out"],
}


def make(shared: Path) -> dict[str, Table]:
    """The table, from the arrays."""
    with np.load(shared / "nas_bench_mr" / "nas_bench_mr.npz", allow_pickle=False) as file:
        source: dict[str, Array] = dict(file)
    order = np.lexsort(source["genes"].T[::-1])
    source = {name: numbers[order] for name, numbers in source.items()}
    if source["genes"].shape[1] != len(GENES):
        raise SystemExit(f"genes: expected {len(GENES)} columns, found {source['genes'].shape[1]}")
    columns = {
        "genes": Column(source["genes"]),
        "flops": Column(source["flops_g"].astype(np.float32), "G"),
        "params": Column(np.rint(source["params_m"].astype(np.float64) * 1e6).astype(np.uint32)),
    }
    for task in TASKS:
        metric = "mIoU" if task.startswith("seg") else "top1"
        accuracy = source[f"{task}_{metric}"]
        columns[task] = whole(accuracy, per=1000 if task.startswith("video") else 100, metric=metric)
    return {"nas_bench_mr": Table(columns, ABOUT)}


if __name__ == "__main__":
    write(__doc__, make)
