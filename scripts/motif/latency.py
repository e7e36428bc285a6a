"""Measure the CPU latency of Motif's classes: several passes over all of them, each in its own order; resumable.

A network is timed in turn with a fixed reference network: their ratio is what survives on a machine that is not left
alone. One pass is one independent estimate of every network, so that passes say how far the column can be trusted. The
columns are put into Motif's table: the median ratio over the passes in milliseconds of the undisturbed reference, and
the spread of the repeats.

python scripts/motif/latency.py --passes 2 --out results/motif --table problems/_motif/motif.npz
"""

import argparse
import itertools
import os
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from trainer import processor

from mobench import Array, Column, Progress, Table, load_table, save_table
from mobench.live.latency import measure_in_turn
from mobench.problems._cells.network import Network
from mobench.problems._cells.space import all_cells, functional_classes, to_strings
from mobench.problems._motif.table import SKELETON

REPEATS = {1: 15, 64: 7}
"""Rounds at each batch size."""
REFERENCE = (2, 3, 4, 1, 2, 3)
"""A cell with every operation but none: 1x1, 3x3, pooling, skip, 1x1, 3x3."""
UNDISTURBED = 10
"""The percentile of the reference's times that stands for a machine left alone."""


def measure(network: Network, reference: Network) -> Array:
    """Measure a network: (batches, 4), median and quartiles of its time over the reference's, and the latter in ms."""
    shape, found = (SKELETON.inputs, SKELETON.size, SKELETON.size), []
    for batch, repeats in REPEATS.items():
        times = measure_in_turn((reference, network), shape, batch=batch, repeats=repeats)
        found.append([*np.percentile(times[:, 1] / times[:, 0], [50, 25, 75]), np.median(times[:, 0])])
    return np.array(found)


def pass_file(out: Path, number: int) -> Path:
    """Name the file of a pass."""
    return out / "latency" / f"pass{number}.npz"


def measure_pass(out: Path, number: int, rows: Array) -> None:
    """Measure all `rows` in the order of this pass, keeping what is there every 200 networks."""
    cells, file = all_cells()[rows], pass_file(out, number)
    order = np.random.default_rng([0, number]).permutation(len(rows))
    found = np.full((len(rows), len(REPEATS), 4), np.nan)
    if file.exists():
        found = np.load(file, allow_pickle=False)["found"]
    left = [int(i) for i in order if np.isnan(found[i]).any()]
    file.parent.mkdir(parents=True, exist_ok=True)
    reference = Network(REFERENCE, SKELETON)
    with Progress(len(left), unit=f"pass {number}: network", show=True) as bar:
        for done, i in enumerate(left, start=1):
            found[i] = measure(Network(tuple(int(gene) for gene in cells[i]), SKELETON), reference)
            if done % 200 == 0 or done == len(left):
                part = file.with_suffix(f".{os.getpid()}.npz")
                np.savez(part, rows=rows, found=found)
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
    found = np.stack([np.load(pass_file(out, number), allow_pickle=False)["found"] for number in range(passes)])
    columns = {}
    for i, (batch, repeats) in enumerate(REPEATS.items()):
        ratio, low, high, reference = np.moveaxis(found[:, :, i], 2, 0)
        undisturbed = float(np.percentile(reference, UNDISTURBED))
        about = {
            "method": "median of CPU time over that of a reference called in turn, in ms of the undisturbed reference",
            "reference": to_strings(np.array([REFERENCE]))[0],
            "reference_ms": round(undisturbed, 4),
            "reference_ms_percentiles_5_50_95": np.percentile(reference, [5, 50, 95]).round(4).tolist(),
            "batch": batch,
            "repeats": repeats,
            "passes": passes,
            **reliability(ratio),
            "host": processor(),
            "threads": 1,
            "torch": torch.__version__,
        }
        columns[f"latency:cpu_b{batch}"] = Column(
            (np.median(ratio, axis=0) * undisturbed).astype(np.float32), "ms", about
        )
        spread = np.median((high - low) / ratio, axis=0).astype(np.float16)
        columns[f"spread:cpu_b{batch}"] = Column(
            spread, "", {"of": "interquartile range of the repeats over the median"}
        )
    return columns


def main() -> None:
    """Measure what is missing, and put the columns into the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    parser.add_argument("--table", type=Path, default=Path("problems/_motif/motif.npz"))
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
