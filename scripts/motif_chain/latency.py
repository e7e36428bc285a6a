"""Measure the CPU latency of some chains and put into the table the sum over blocks that is nearest to it.

A chain runs one block after the other, so its latency is a fixed part and a part a block, which depends on the stage
and the operation. Networks are timed in turn with a reference: their ratio is what survives on a machine that others
use, too. How far the sum misses networks that it was not fitted to is measured by leaving out tenths of them.

python scripts/motif_chain/latency.py --networks 300
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from pack import processor

from mobench import Array, Progress, Table, load_table, save_table
from mobench.live import measure_in_turn
from mobench.problems._chain.network import chain
from mobench.problems._chain.space import OPERATIONS, SIZE, STAGE_OF, STAGES, all_networks, to_strings
from mobench.problems._chain.table import TABLE

REPEATS = {1: 25, 64: 13}
"""Rounds at each batch size."""
REFERENCE = (5, 8, 6, 2)
UNDISTURBED = 10
"""The percentile of the reference's times that stands for a machine left alone."""
FOLDS = 10


def measure(X: Array, batch: int, repeats: int) -> Array:
    """Time (n, 4) chains: (n, 2), the median ratio to the reference, and the reference's median in ms."""
    reference, found = chain(REFERENCE), np.empty((len(X), 2))
    with Progress(len(X), unit=f"batch {batch}: network", show=True) as bar:
        for i, x in enumerate(X):
            times = measure_in_turn((reference, chain(x)), (1, SIZE, SIZE), batch=batch, repeats=repeats)
            found[i] = np.median(times[:, 1] / times[:, 0]), np.median(times[:, 0])
            bar.advance()
    return found


def features(X: Array) -> Array:
    """A one, and how many blocks of each stage have each operation but `skip`: (n, 17)."""
    stages = [X[:, [at == stage for at in STAGE_OF]] for stage in range(len(STAGES))]
    counts = [(stage[:, :, None] == np.arange(1, len(OPERATIONS))).sum(axis=1) for stage in stages]
    return np.column_stack([np.ones(len(X)), *counts])


def fit(X: Array, latency: Array) -> tuple[Array, float]:
    """The nearest sum, (17,), and the median relative miss of chains that were left out of a fit."""
    A, fold = features(X), np.arange(len(X)) % FOLDS
    weights = 1.0 / latency
    parts = [
        np.linalg.lstsq((A * weights[:, None])[fold != k], np.ones((fold != k).sum()), rcond=None)[0]
        for k in range(FOLDS)
    ]
    missed = np.concatenate([abs(A[fold == k] @ parts[k] * weights[fold == k] - 1.0) for k in range(FOLDS)])
    return np.linalg.lstsq(A * weights[:, None], np.ones(len(X)), rcond=None)[0], float(np.median(missed))


def main() -> None:
    """Measure, fit, and write the sums into the table's header."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    networks = all_networks()
    X = networks[np.random.default_rng(1).choice(len(networks), options.networks, replace=False)]
    sums = {}
    for batch, repeats in REPEATS.items():
        ratio, reference = measure(X, batch, repeats).T
        undisturbed = float(np.percentile(reference, UNDISTURBED))
        (fixed, *parts), missed = fit(X, ratio * undisturbed)
        sums[f"latency:cpu_b{batch}"] = {
            "fixed": round(float(fixed), 5),
            "stages": [[0.0, *np.round(part, 5).tolist()] for part in np.split(np.array(parts), len(STAGES))],
            "median_relative_miss": round(missed, 4),
            "method": "least squares of a sum over blocks to CPU times over those of a reference called in turn, in ms",
            "networks": options.networks,
            "repeats": repeats,
            "reference": to_strings(np.array([REFERENCE]))[0],
            "reference_ms": round(undisturbed, 4),
            "host": processor(),
            "threads": 1,
            "torch": torch.__version__,
        }
        print(f"latency:cpu_b{batch}: {sums[f'latency:cpu_b{batch}']}")
    table = load_table(options.table)
    save_table(options.table, Table(table.columns, {**table.about, "latency": sums}), compress=True)


if __name__ == "__main__":
    main()
