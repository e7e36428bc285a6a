"""The table of `motif_chain` as it ships: right answers of all trainings, and how to read them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mobench import Array, Table, load_table
from mobench.problems._cells.noise import seed_noise
from mobench.problems._chain.space import STAGE_OF, BlockCosts, all_networks, block_costs, nearest_sum
from mobench.problems._motif.table import MISSING, in_percent, measured_latencies, seeds_of

__all__ = ["EPOCHS", "MISSING", "TABLE", "costs_of", "errors", "load", "seeds_of", "spread", "trained", "whole_seeds"]

EPOCHS = 8
TABLE = Path(__file__).with_name("motif_chain.npz")


def trained(table: Table, seed: int) -> Array:
    """Which networks were trained with a seed: (n,) bool."""
    there: Array = table[f"test_correct:{seed}"] != MISSING
    return there


def whole_seeds(table: Table) -> list[int]:
    """Seeds with which all networks were trained that have a training of the first seed; that one is first."""
    seeds = seeds_of(table)
    return [seed for seed in seeds if trained(table, seed)[trained(table, seeds[0])].all()]


def costs_of(table: Table) -> dict[str, BlockCosts]:
    """Costs by objective as sums, in its unit: M multiply-adds, k parameters, and ms.

    Those on a CPU are in the header; to latencies that all networks were measured for, the nearest sum stands.
    """
    latencies = {
        name: BlockCosts(about["fixed"], np.array(about["stages"])[list(STAGE_OF)])
        for name, about in table.about.get("latency", {}).items()
    }
    latencies |= {name: nearest_sum(all_networks(), it) for name, (it, _) in measured_latencies(table).items()}
    return {"flops": block_costs("flops").over(1e6), "params": block_costs("params").over(1e3)} | latencies


def errors(table: Table, split: str, images: int, seeds: Sequence[int]) -> Array:
    """Errors of some seeds in per cent, (seeds, epochs, n) or at the end (seeds, n); NaN where not trained."""
    return in_percent(np.stack([table[f"{split}_correct:{seed}"].T for seed in seeds]), images)


def spread(tests: Array) -> Array:
    """Standard deviation between the trainings of each network: (n,) for (seeds, n) errors, NaN where not trained.

    That of the networks with several trainings, pooled over those with the nearest mean errors, and in between on a
    line: those with one training borrow it from others that are about as accurate.
    """
    several, mean = (~np.isnan(tests)).sum(axis=0) > 1, np.nanmean(tests, axis=0)
    known, noise = mean[several], seed_noise(tests[:, several])
    order = np.argsort(known, kind="stable")
    borrowed: Array = np.asarray(np.interp(mean, known[order], noise[order]))
    return borrowed


@functools.cache
def load() -> Table:
    """The shipped table, read once.

    Raises
    ------
    ValueError
        It is missing or damaged; the message says how to get it back.
    """
    try:
        return load_table(TABLE)
    except FileNotFoundError:
        raise ValueError(
            f"{TABLE}: the table of motif_chain is missing; reinstall mobench, or make it: scripts/motif_chain"
        ) from None
