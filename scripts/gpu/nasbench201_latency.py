"""Measure the latency of NAS-Bench-201's 5,260 networks on one device, in steps that go on where the last one ended.

Networks come in a random order, so that what is there at any time is a fair sample. A reference network is measured
again every 25 networks, to see drift; after all of them, a random subset is measured again, to see reliability.

python scripts/gpu/nasbench201_latency.py --device cuda --mode graph --batch 1 --minutes 9 --out results/gpu
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mobench import Array, Column, Table, load_table, save_table
from mobench.live.latency import Latency, measure_latency
from mobench.problems._cells.network import Network
from mobench.problems._cells.space import CIFAR10, all_cells, functional_classes

REPEATS, WARM_UP = 15, 0.02
KEEP_EVERY, REFERENCE_EVERY = 50, 25
SUBSET = 250
"""Networks measured twice."""
REFERENCE = (3, 3, 3, 3, 3, 3)
"""All 3x3 convolutions: the slowest cell."""
COLUMNS = ("median", "low", "high", "memory", "again")
"""Of each network: median and quartiles (ms), peak memory on CUDA (MiB), and the median of a second measurement."""


class Measurement:
    """What one setting has measured so far: (5260,) arrays by the names of `COLUMNS`, and in `about` the reference."""

    def __init__(self, path: Path, options: argparse.Namespace, networks: int) -> None:
        self.path, self.options = path, options
        self.about: dict[str, Any] = {"mode": options.mode, "batch": options.batch, "dtype": options.dtype}
        self.about["reference"] = []
        self.columns = {name: np.full(networks, np.nan) for name in COLUMNS}
        if path.exists():
            kept = load_table(path)
            self.about, self.columns = dict(kept.about), {name: kept[name].astype(float) for name in COLUMNS}

    def measure(self, genes: Array | tuple[int, ...]) -> Latency:
        """Measure one network with the options of this setting."""
        options = self.options
        found = measure_latency(
            Network([int(gene) for gene in genes], CIFAR10),
            (CIFAR10.inputs, CIFAR10.size, CIFAR10.size),
            batch=options.batch,
            device=options.device,
            dtype=getattr(torch, options.dtype),
            mode=options.mode,
            repeats=REPEATS,
            warm_up=WARM_UP,
        )
        self.about |= {"device": found.device} | {n: v for n, v in found.about.items() if n in ("torch", "cuda")}
        return found

    def reference(self) -> None:
        """Measure the reference network; on CUDA its clock and temperature are read with it."""
        found = self.measure(REFERENCE)
        seen = {name: found.about[name] for name in ("temperature", "clock_rate") if name in found.about}
        self.about["reference"].append({"ms": found.median} | seen)

    def first(self, i: int, genes: Array) -> None:
        """Measure network i for the first time, its peak memory too."""
        if self.options.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats()
        found = self.measure(genes)
        peak = torch.cuda.max_memory_allocated() / 2**20 if self.options.device.startswith("cuda") else np.nan
        for name, value in zip(COLUMNS[:4], (found.median, found.low, found.high, peak), strict=True):
            self.columns[name][i] = value

    def keep(self) -> None:
        """Write everything."""
        columns = {name: Column(values, "MiB" if name == "memory" else "ms") for name, values in self.columns.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_table(self.path, Table(columns, self.about))


def work(measurement: Measurement, cells: Array, *, limit: int | None, minutes: float) -> int:
    """Measure what is missing, all networks and then the subset again; return how many are left."""
    order = np.random.default_rng(0).permutation(len(cells))[:limit]
    medians, again = measurement.columns["median"], measurement.columns["again"]
    missing = [(i, False) for i in order.tolist() if np.isnan(medians[i])]
    missing += [(i, True) for i in order[:SUBSET].tolist() if np.isnan(again[i])]
    end = time.monotonic() + 60 * minutes
    for done, (i, twice) in enumerate(missing):
        if time.monotonic() > end:
            measurement.keep()
            return len(missing) - done
        if done % REFERENCE_EVERY == 0:
            measurement.reference()
        if twice:
            again[i] = measurement.measure(cells[i]).median
        else:
            measurement.first(i, cells[i])
        if done % KEEP_EVERY == KEEP_EVERY - 1:
            measurement.keep()
    measurement.keep()
    return 0


def reliability(measurement: Measurement) -> str:
    """Rank correlation and median relative difference of the two measurements, and the spread of the reference."""
    first, again = measurement.columns["median"], measurement.columns["again"]
    reference = np.array([seen["ms"] for seen in measurement.about["reference"]])
    both = ~(np.isnan(first) | np.isnan(again))
    drift = np.ptp(reference) / np.median(reference)
    if both.sum() < 2:
        return f"reference: range over median {drift:.3f}"
    ranks = [np.argsort(np.argsort(values[both])) for values in (first, again)]
    rho, change = np.corrcoef(*ranks)[0, 1], np.abs(again[both] / first[both] - 1.0)
    return (
        f"{both.sum()} networks twice: rank correlation {rho:.4f}, median relative difference {np.median(change):.4f}; "
        f"reference: range over median {drift:.3f}"
    )


def main(arguments: list[str] | None = None) -> None:
    """Go on with one setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--mode", choices=["eager", "graph"], default="eager")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after so long; the next call goes on (9)")
    parser.add_argument("--limit", type=int, help="the first so many networks of the random order only")
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    options = parser.parse_args(arguments)
    kind = options.device.partition(":")[0]
    path = options.out / f"nasbench201-{kind}-{options.mode}-{options.dtype}-b{options.batch}.npz"
    cells = all_cells()[np.unique(functional_classes())]
    measurement = Measurement(path, options, len(cells))
    left = work(measurement, cells, limit=options.limit, minutes=options.minutes)
    print(f"{path}: {int((~np.isnan(measurement.columns['median'])).sum())} networks, {left} measurements left")
    print(reliability(measurement))


if __name__ == "__main__":
    main()
