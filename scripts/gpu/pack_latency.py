"""Put whole measurements of `latency.py` into the tables that problems offer objectives from, with their provenance.

A file of NAS-Bench-201 in graph mode at batch 1 on an H200 becomes ``latency:h200_b1``; bfloat16 and eager launches are
part of the name, ``latency:h200_bfloat16_b1``, ``latency:h200_eager_b1``. Files with gaps are left out.

python scripts/gpu/pack_latency.py results/gpu/*.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measurement import reliability

from mobench import Array, Column, Table, load_table, save_table
from mobench.problems._cells.space import functional_classes
from mobench.problems._chain.table import TABLE as MOTIF_CHAIN
from mobench.problems._motif.table import TABLE as MOTIF
from mobench.problems._transformer.table import TABLE as MOTIF_TRANSFORMER
from mobench.problems.tables.nasbench201 import SHIPPED


def of_genotypes(values: Array) -> Array:
    """Latencies of the 5,260 networks as those of all 15,625 cells."""
    _, network = np.unique(functional_classes(), return_inverse=True)
    cells: Array = values[network]
    return cells


TABLES: dict[str, tuple[Path, Callable[[Array], Array]]] = {
    "nasbench201": (SHIPPED, of_genotypes),
    "motif": (MOTIF, np.asarray),
    "motif_chain": (MOTIF_CHAIN, np.asarray),
    "motif_transformer": (MOTIF_TRANSFORMER, np.asarray),
}
"""Where the columns of a space go, and what makes rows of the table of (n,) measurements."""
SHOWN = ("card", "mode", "dtype", "batch", "torch", "cuda", "tf32_convolutions", "channels_last", "threads", "host")


def name_of(card: str) -> str:
    """A short name of a card: ``h200`` of NVIDIA H200, ``h100`` of NVIDIA H100 80GB HBM3, ``cpu`` of a processor."""
    words = card.lower().split()
    named = [word for word in words if any(letter.isdigit() for letter in word)]
    return named[0] if words[:1] == ["nvidia"] and named else "cpu"


def column_of(measured: Table, device: str, rows: Callable[[Array], Array]) -> tuple[str, Column]:
    """The name and the column of one measurement."""
    about = measured.about
    parts = [device, *(it for it in (about["dtype"], about["mode"]) if it not in ("float32", "graph")), ""]
    facts = {name: value for name, value in reliability(measured).items() if np.isfinite(value)}
    kept = {name: about[name] for name in SHOWN if name in about} | facts | {"passes": 1}
    kept["method"] = "median of repeats, see docs/latency.md; made by scripts/gpu"
    return f"latency:{'_'.join(parts)}b{about['batch']}", Column(
        rows(measured["median"].astype(np.float32)), "ms", kept
    )


def main(arguments: list[str] | None = None) -> int:
    """Pack; return how many files were left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--device", help="its short name; left out: as the card says")
    parser.add_argument("--to", type=Path, help="another table than the one that mobench ships")
    options = parser.parse_args(arguments)
    left_out = 0
    for file in options.files:
        measured = load_table(file)
        space, missing = measured.about["space"], int(np.isnan(measured["median"]).sum())
        if missing or space not in TABLES:
            why = f"{missing} networks are not measured yet" if missing else f"{space} has no table to put it in"
            print(f"{file}: left out, {why}")
            left_out += 1
            continue
        shipped, rows = TABLES[space]
        path = options.to or shipped
        name, column = column_of(measured, options.device or name_of(measured.about["card"]), rows)
        old = load_table(path) if path.exists() else Table({})
        save_table(path, Table({**old.columns, name: column}, old.about), compress=True)
        print(f"{path}: {name}")
    return left_out


if __name__ == "__main__":
    main()
