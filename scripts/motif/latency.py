"""Measure the CPU latency of Motif's classes: several passes over all of them, each in its own order; resumable.

One pass is one independent estimate of every network, so that passes say how far the column can be trusted. A fixed
reference network is measured every 50 networks, to see drift. Leave the machine alone meanwhile.

python scripts/motif/latency.py --passes 3 --out results/motif
"""

import argparse
import os
import platform
from pathlib import Path

import numpy as np
import torch

from mobench import Array, Progress
from mobench.problems._cell import all_cells, functional_classes
from mobench.problems.live.latency import measure_latency
from mobench.problems.live.network import Network
from mobench.problems.motif import SKELETON

BATCHES = (1, 64)
REPEATS, WARM_UP = 15, 0.02
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
    about = {"torch": torch.__version__, "host": platform.node(), "repeats": REPEATS, "warm_up": WARM_UP}
    with Progress(len(left), unit=f"networks, pass {number}", show=True) as bar:
        for done, i in enumerate(left, start=1):
            if done % REFERENCE_EVERY == 1:
                reference.append(measure(REFERENCE))
            times[i] = measure(cells[i])
            if done % 200 == 0 or done == len(left):
                part = file.with_suffix(f".{os.getpid()}.npz")
                np.savez(part, rows=rows, times=times, reference=np.array(reference), about=np.array(repr(about)))
                part.replace(file)
            bar.advance()


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = np.unique(functional_classes())
    for number in range(options.passes):
        measure_pass(options.out, number, rows)


if __name__ == "__main__":
    main()
