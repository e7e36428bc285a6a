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
from kinds import KINDS
from pack import processor
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
    features : callable
        (n, d) genotypes to (n, k): what the sum counts.
    header : callable
        (k,) weights of these to entries of the table's header.
    """

    network: Callable[[Sequence[int]], nn.Module]
    reference: tuple[int, ...]
    decode: Callable[[Array], list[str]]
    features: Callable[[Array], Array]
    header: Callable[[Array], dict[str, Any]]


def chain_features(X: Array) -> Array:
    """A one, and how many blocks of each stage have each operation but `skip`: (n, 17)."""
    stages = [X[:, [at == stage for at in chains.STAGE_OF]] for stage in range(len(chains.STAGES))]
    counts = [(stage[:, :, None] == np.arange(1, len(chains.OPERATIONS))).sum(axis=1) for stage in stages]
    return np.column_stack([np.ones(len(X)), *counts])


def chain_header(weights: Array) -> dict[str, Any]:
    """The fixed part, and that of each operation in each stage."""
    stages = [[0.0, *part.tolist()] for part in np.split(weights[1:], len(chains.STAGES))]
    return {"fixed": float(weights[0]), "stages": stages}


def transformer_features(X: Array) -> Array:
    """At each width: a one, how many attentions have 1 and 2 heads, and perceptrons ratio 1 and 2: (n, 20)."""
    counts = [(X[:, first::2, None] == np.arange(1, 3)).sum(axis=1) for first in (1, 2)]
    each = np.column_stack([np.ones(len(X)), *counts])
    wide = X[:, 0, None] == np.arange(len(transformers.WIDTHS))
    return (wide[:, :, None] * each[:, None]).reshape(len(X), -1)


def transformer_header(weights: Array) -> dict[str, Any]:
    """At each width: the fixed part, and that of each number of heads and of each ratio."""
    fixed, *parts = weights.reshape(len(transformers.WIDTHS), -1).T
    nothing = np.zeros(len(fixed))
    sizes = np.stack([nothing, parts[0], parts[1], nothing, parts[2], parts[3]], axis=1)
    return {"fixed": fixed.tolist(), "parts": sizes.reshape(len(fixed), 2, 3).tolist()}


TIMED = {
    "motif_chain": Timed(chain, (5, 8, 6, 2), chains.to_strings, chain_features, chain_header),
    "motif_transformer": Timed(
        transformer, (3, 1, 1, 1, 1, 1, 1), transformers.to_strings, transformer_features, transformer_header
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


def fit(A: Array, latency: Array) -> tuple[Array, float]:
    """The nearest sum of (n, k) features, (k,), and the median relative miss of networks left out of a fit."""
    fold, weights = np.arange(len(A)) % FOLDS, 1.0 / latency
    parts = [
        np.linalg.lstsq((A * weights[:, None])[fold != k], np.ones((fold != k).sum()), rcond=None)[0]
        for k in range(FOLDS)
    ]
    missed = np.concatenate([abs(A[fold == k] @ parts[k] * weights[fold == k] - 1.0) for k in range(FOLDS)])
    return np.linalg.lstsq(A * weights[:, None], np.ones(len(A)), rcond=None)[0], float(np.median(missed))


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
        weights, missed = fit(timed.features(X), ratio * undisturbed)
        sums[f"latency:cpu_b{batch}"] = {
            **timed.header(weights.round(5)),
            "median_relative_miss": round(missed, 4),
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
