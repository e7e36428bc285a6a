"""Measure the CPU latency of some networks and put into the table the sum over their parts that is nearest to it.

A network runs one part after the other, so its latency is a fixed part and a part each, which depends on its kind.
Networks are timed in turn with a reference: their ratio is what survives on a machine that others use, too. How far the
sum misses networks that it was not fitted to is measured by leaving out tenths of them.

python scripts/trained/latency.py motif_chain --networks 300
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from compiled import processor
from kinds import KINDS
from torch import nn

from mobench import Array, Progress, Table, load_table, save_table
from mobench.live import measure_in_turn
from mobench.problems._chain import space as chains
from mobench.problems._chain.network import chain
from mobench.problems._images.motif import SIZE
from mobench.problems._transformer import space as transformers
from mobench.problems._transformer.network import transformer

REPEATS = {1: 25, 64: 25}
"""Rounds at each batch size."""
UNDISTURBED = 10
"""The percentile of the reference's times that stands for a machine left alone."""
FOLDS = 10


class Timed(NamedTuple):
    """How one problem's networks are timed.

    Attributes
    ----------
    network : callable
        Makes the network of a genotype.
    reference : tuple of int
        The genotype that others are timed against.
    decode : callable
        Names of genotypes.
    nearest_sum : callable
        The sum over parts that is nearest to the costs of genotypes.
    header : callable
        Such a sum to entries of the table's header.
    """

    network: Callable[[Sequence[int]], nn.Module]
    reference: tuple[int, ...]
    decode: Callable[[Array], list[str]]
    nearest_sum: Callable[[Array, Array], Any]
    header: Callable[[Any], dict[str, Any]]


def chain_header(cost: chains.BlockCosts) -> dict[str, Any]:
    """The fixed part, and that of each operation in each stage."""
    first = [chains.STAGE_OF.index(stage) for stage in range(len(chains.STAGES))]
    return {"fixed": round(cost.fixed, 5), "stages": cost.blocks[first].round(5).tolist()}


def transformer_header(cost: transformers.PartCosts) -> dict[str, Any]:
    """At each width: the fixed part, and that of each number of heads and of each ratio."""
    return {"fixed": cost.fixed.round(5).tolist(), "parts": cost.parts.round(5).tolist()}


TIMED = {
    "motif_chain": Timed(chain, (5, 8, 6, 2), chains.to_strings, chains.nearest_sum, chain_header),
    "motif_transformer": Timed(
        transformer, (3, 1, 1, 1, 1, 1, 1, 0), transformers.to_strings, transformers.nearest_sum, transformer_header
    ),
}


def measure(timed: Timed, X: Array, batch: int, repeats: int) -> Array:
    """Time (n, d) networks: (n, 2), the median ratio to the reference, and the reference's median in ms."""
    reference, found = timed.network(timed.reference), np.empty((len(X), 2))
    with Progress(len(X), unit=f"batch {batch}: network", show=True) as bar:
        for i, x in enumerate(X):
            times = measure_in_turn((reference, timed.network(x)), (1, SIZE, SIZE), batch=batch, repeats=repeats)
            found[i] = np.median(times[:, 1] / times[:, 0]), np.median(times[:, 0])
            bar.advance()
    return found


def median_miss(timed: Timed, X: Array, latency: Array) -> float:
    """The median relative miss of networks that were left out of a fit."""
    fold = np.arange(len(X)) % FOLDS
    left_out = [timed.nearest_sum(X[fold != k], latency[fold != k]).of(X[fold == k]) for k in range(FOLDS)]
    missed = [abs(said / latency[fold == k] - 1.0) for k, said in enumerate(left_out)]
    return float(np.median(np.concatenate(missed)))


def main() -> None:
    """Measure, fit, and write the sums into the table's header."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", choices=TIMED)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--table", type=Path, help="the shipped table by default")
    options = parser.parse_args()
    timed, networks = TIMED[options.problem], KINDS[options.problem].networks
    path = options.table or KINDS[options.problem].table
    X = networks[np.random.default_rng(1).choice(len(networks), options.networks, replace=False)]
    sums = {}
    for batch, repeats in REPEATS.items():
        ratio, reference = measure(timed, X, batch, repeats).T
        undisturbed = float(np.percentile(reference, UNDISTURBED))
        latency = ratio * undisturbed
        sums[f"latency:cpu_b{batch}"] = {
            **timed.header(timed.nearest_sum(X, latency)),
            "median_relative_miss": round(median_miss(timed, X, latency), 4),
            "method": "least squares of a sum over parts to CPU times over those of a reference called in turn, in ms",
            "networks": options.networks,
            "repeats": repeats,
            "reference": timed.decode(np.array([timed.reference]))[0],
            "reference_ms": round(undisturbed, 4),
            "host": processor(),
            "threads": 1,
            "torch": torch.__version__,
        }
        print(f"latency:cpu_b{batch}: {sums[f'latency:cpu_b{batch}']}")
    table = load_table(path)
    save_table(path, Table(table.columns, {**table.about, "latency": sums}), compress=True)


if __name__ == "__main__":
    main()
