"""Pack whole measurements of `nasbench201_latency.py` into the table that `nasbench201` offers objectives from.

python scripts/gpu/pack_latency.py h200_b1=results/gpu/nasbench201-cuda-graph-float32-b1.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mobench import Column, Table, load_table, save_table
from mobench.problems._cells.space import functional_classes
from mobench.problems.tables.nasbench201 import SHIPPED


def main(arguments: list[str] | None = None) -> None:
    """Expand the networks to all 15,625 cells, one column a device."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurements", nargs="+", metavar="DEVICE=FILE")
    parser.add_argument("--to", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    _, network = np.unique(functional_classes(), return_inverse=True)
    columns, about = {}, {}
    for entry in options.measurements:
        device, _, file = entry.partition("=")
        measured = load_table(Path(file))
        missing = int(np.isnan(measured["median"]).sum())
        if missing:
            raise SystemExit(f"{file}: {missing} networks are not measured yet; run nasbench201_latency.py again")
        columns[f"latency:{device}"] = Column(measured["median"].astype(np.float32)[network], "ms")
        about[device] = dict(measured.about)
    save_table(options.to, Table(columns, about), compress=True)
    print(f"{options.to}: {', '.join(columns)}")


if __name__ == "__main__":
    main()
