"""Make macro's table: three test accuracies of each of the 6,561 rows, and their costs.

python scripts/embedded/macro.py --shared PATH

`--shared` holds nas_bench_macro/nas-bench-macro_cifar10.json, which is in data/ of xiusu/NAS-Bench-Macro.
"""

import itertools
import json
from pathlib import Path

import numpy as np
from _packing import whole, write

from mobench import Column, Table

ABOUT = {
    "title": "NAS-Bench-Macro: chains of eight blocks, trained on CIFAR-10",
    "rows": "all 6,561 choices of a block for each of eight layers, in lexicographic order",
    "source": "github.com/xiusu/NAS-Bench-Macro 61a2bfc, data/nas-bench-macro_cifar10.json",
    "paper": "Su, Huang, Li, You, Wang, Qian, Zhang, Xu: Prioritized Architecture Sampling with "
    "Monto-Carlo Tree Search, CVPR 2021",
    "licence": "Apache-2.0",
    "errata": ["there is no validation accuracy: every number is a test accuracy"],
}


def make(shared: Path) -> dict[str, Table]:
    """The table, from the JSON file."""
    entries = json.loads((shared / "nas_bench_macro" / "nas-bench-macro_cifar10.json").read_text(encoding="utf-8"))
    rows = [entries["".join(genes)] for genes in itertools.product("012", repeat=8)]
    costs = {name: Column(np.array([row[name] for row in rows], dtype=np.uint32)) for name in ("params", "flops")}
    accuracies = np.array([row["test_acc"] for row in rows])
    return {"macro": Table({"accuracy": whole(accuracies, per=100, split="test", trials=3), **costs}, ABOUT)}


if __name__ == "__main__":
    write(__doc__, make)
