"""How far two measurements of the same networks agree, by how their repeats are read: alone, or in turn with another.

A hundred random Motif networks are timed in three passes, each in its own order, on this machine as it is.
``python benchmarks/latency_reliability.py [networks]``
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import spearmanr

from mobench import Array
from mobench.live.latency import measure_in_turn
from mobench.problems._cells.network import Network
from mobench.problems._cells.space import all_cells, functional_classes
from mobench.problems._motif.table import SKELETON

PASSES, REPEATS = 3, 25
READINGS: dict[str, Callable[[Array], Array]] = {
    "median of the repeats": lambda times: np.median(times[:, :, 1], axis=1),
    "least of the repeats": lambda times: times[:, :, 1].min(axis=1),
    "median ratio in turn": lambda times: np.median(times[:, :, 1] / times[:, :, 0], axis=1),
}


def one_pass(cells: Array, batch: int, number: int) -> Array:
    """Times of all cells, each in turn with the reference: (cells, repeats, 2), ms."""
    reference = Network((2, 3, 4, 1, 2, 3), SKELETON)
    times = np.empty((len(cells), REPEATS, 2))
    for i in np.random.default_rng([0, number]).permutation(len(cells)):
        modules = (reference, Network(tuple(int(gene) for gene in cells[i]), SKELETON))
        times[i] = measure_in_turn(modules, (1, 8, 8), batch=batch, repeats=REPEATS)
    return times


def main(networks: int) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    classes = all_cells()[np.unique(functional_classes())]
    cells = np.random.default_rng(0).choice(classes, networks, replace=False)
    for batch in (1, 64):
        passes = [one_pass(cells, batch, number) for number in range(PASSES)]
        for name, reading in READINGS.items():
            pairs = list(itertools.combinations([reading(times) for times in passes], 2))
            rho = sorted(float(spearmanr(a, b).statistic) for a, b in pairs)
            off = sorted(float(np.median(abs(a / b - 1))) for a, b in pairs)
            print(f"batch {batch:<3} {name:<22} rank correlation {rho[0]:.2f} to {rho[-1]:.2f}, ", end="")
            print(f"median difference {100 * off[0]:.1f} to {100 * off[-1]:.1f} %")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
