"""Measure the CPU latency of Motif's classes: several passes over all of them, each in its own order; resumable.

One pass is one independent estimate of every network, so that passes say how far the column can be trusted. A fixed
reference network is measured every 50 networks, to see drift. Leave the machine alone meanwhile. The columns are put
into Motif's table: medians over the passes, and the spread of the repeats.

python scripts/motif/latency.py --passes 3 --out results/motif --table problems/motif.npz
"""

import argparse
import itertools
import json
import os
from pathlib import Path

import numpy as np
import torch
from pack import processor
from scipy.stats import spearmanr

from mobench import Array, Column, Progress, Table, load_table, save_table
from mobench.problems._cell import all_cells, functional_classes
from mobench.problems.live.latency import measure_latency
from mobench.problems.live.network import Network
from mobench.problems.motif import SKELETON

BATCHES = (1, 64)
REPEATS, WARM_UP = 5, 0.01
REFERENCE_EVERY = 50
REFERENCE = (3, 3, 3, 3, 3, 3)
"""All 3x3 convolutions: the slowest cell."""


def measure(genes: Array | tuple[int, ...]) -> Array:
    """Measure the network of a cell: (batches, 3) medians and quartiles, in milliseconds a call."""
    network = Network(tuple(int(gene) for gene in genes), SKELETON)
    shape = (SKELETON.inputs, SKELETON.size, SKELETON.size)
    found = [measure_latency(network, shape, batch=b, repeats=REPEATS, warm_up=WARM_UP) for b in BATCHES]
    return np.array([(x.median, x.low, x.high) for x in found])


def pass_file(out: Path, number: int) -> Path:
    """Name the file of a pass."""
    return out / "latency" / f"pass{number}.npz"


def measure_pass(out: Path, number: int, rows: Array) -> None:
    """Measure all `rows` in the order of this pass, keeping what is there every 200 networks."""
    cells, file = all_cells()[rows], pass_file(out, number)
    order = np.random.default_rng([0, number]).permutation(len(rows))
    times = np.full((len(rows), len(BATCHES), 3), np.nan)
    reference: list[Array] = []
    if file.exists():
        saved = np.load(file, allow_pickle=False)
        times, reference = saved["times"], list(saved["reference"])
    left = [int(i) for i in order if np.isnan(times[i]).any()]
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"torch": torch.__version__, "host": processor(), "threads": 1, "repeats": REPEATS, "warm_up": WARM_UP}
    with Progress(len(left), unit=f"networks, pass {number}", show=True) as bar:
        for done, i in enumerate(left, start=1):
            if done % REFERENCE_EVERY == 1:
                reference.append(measure(REFERENCE))
            times[i] = measure(cells[i])
            if done % 200 == 0 or done == len(left):
                part = file.with_suffix(f".{os.getpid()}.npz")
                np.savez(part, rows=rows, times=times, reference=np.array(reference), about=np.array(json.dumps(about)))
                part.replace(file)
            bar.advance()


def reliability(times: Array) -> dict[str, float]:
    """Agreement of (passes, networks) latencies, over the pairs of passes: mean rank correlation, median difference."""
    pairs = list(itertools.combinations(times, 2))
    return {
        "rank_correlation": round(float(np.mean([spearmanr(a, b).statistic for a, b in pairs])), 4),
        "median_relative_difference": round(float(np.mean([np.median(abs(a / b - 1.0)) for a, b in pairs])), 4),
    }


def columns_of(out: Path, passes: int) -> dict[str, Column]:
    """Make a column of latencies and one of spreads for each batch size."""
    files = [np.load(pass_file(out, number), allow_pickle=False) for number in range(passes)]
    times = np.stack([file["times"] for file in files])
    drift = np.concatenate([file["reference"] for file in files])[:, :, 0]
    columns = {}
    for i, batch in enumerate(BATCHES):
        median, low, high = np.moveaxis(times[:, :, i], 2, 0)
        about = json.loads(str(files[0]["about"])) | {"batch": batch, "passes": passes} | reliability(median)
        about["reference"] = dict(zip(("low", "median", "high"), np.percentile(drift[:, i], [5, 50, 95]), strict=True))
        columns[f"latency:cpu_b{batch}"] = Column(np.median(median, axis=0).astype(np.float32), "ms", about)
        spread = np.median((high - low) / median, axis=0).astype(np.float16)
        columns[f"spread:cpu_b{batch}"] = Column(
            spread, "", {"of": "interquartile range of the repeats over the median"}
        )
    return columns


def main() -> None:
    """Measure what is missing, and put the columns into the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    parser.add_argument("--table", type=Path, default=Path("problems/motif.npz"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = np.unique(functional_classes())
    for number in range(options.passes):
        measure_pass(options.out, number, rows)
    table = load_table(options.table)
    columns = columns_of(options.out, options.passes)
    save_table(options.table, Table({**table.columns, **columns}, table.about), compress=True)
    for name, column in columns.items():
        print(f"{name}: {column.about}")


if __name__ == "__main__":
    main()
