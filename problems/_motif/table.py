"""Motif's table as it ships: errors of all trained seeds, and the network around the cells."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np

from mobench import Array, Table, load_table
from mobench.problems._cells.space import Skeleton, functional_classes
from mobench.problems._images.motif import TEST

SKELETON = Skeleton(inputs=1, size=8, classes=10, channels=4, cells=2, stages=2)


EPOCHS = 12


TABLE = Path(__file__).with_name("motif.npz")


PROXIES = Path(__file__).with_name("proxies.npz")
"""Zero-cost proxies of the networks; see `scripts/motif/proxies.py`."""


SEEN = 2
"""Seeds 0 and 1 answer a searcher; the mean of all later ones is scored."""


MISSING = 65535
"""The count of right answers of a training that was not made."""


def seeds_of(table: Table) -> list[int]:
    """Seeds with which any network was trained, ascending."""
    return sorted(int(name.partition(":")[2]) for name in table.columns if name.startswith("test_correct:"))


def in_percent(counts: Array, images: int) -> Array:
    """Errors in per cent of counts of right answers; NaN where a training was not made."""
    percent: Array = np.where(counts == MISSING, np.nan, 100.0 * (1.0 - counts / images))
    return percent


def errors(table: Table, split: str, images: int, seeds: Sequence[int]) -> Array:
    """Errors of some seeds in per cent, (seeds, 12, 5260) or at the end (seeds, 5260); NaN, and last, if missing."""
    percent = in_percent(np.stack([table[f"{split}_correct:{seed}"].T for seed in seeds]), images)
    trained_first = np.argsort(np.isnan(percent), axis=0, kind="stable")
    ordered: Array = np.take_along_axis(percent, trained_first, axis=0)
    return ordered


def measured_latencies(table: Table) -> dict[str, tuple[Array, float]]:
    """Latencies that all networks were measured for, (n,) in ms, by objective, with their relative standard error.

    A latency is the median of some passes; how far two of them lie apart in the median tells its error.
    """
    found = {}
    for name, column in table.columns.items():
        if name.startswith("latency:"):
            apart = float(column.about["median_relative_difference"])
            error = apart / (sqrt(2.0 * column.about["passes"]) * NormalDist().inv_cdf(0.75))
            found[name] = column.values, error
    return found


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
            f"{TABLE}: Motif's table is missing; reinstall mobench, or make it: scripts/motif/make.py and pack.py"
        ) from None


@functools.cache
def proxies_table() -> Table:
    """The shipped table of zero-cost proxies, read once.

    Raises
    ------
    ValueError
        It is missing or damaged.
    """
    try:
        return load_table(PROXIES)
    except FileNotFoundError:
        raise ValueError(
            f"{PROXIES}: Motif's proxies are missing; reinstall mobench, or make them: scripts/motif/proxies.py"
        ) from None


def proxy(name: str, seed: int = 0) -> Array:
    """Scores of the networks by a zero-cost proxy, (5260,), as they begin with a seed."""
    return proxies_table()[f"{name}:{seed}"]


def true_errors() -> Array:
    """Mean test errors of the scored seeds of all genotypes, in per cent: (15625,), in the order of `all_cells`."""
    _, member = np.unique(functional_classes(), return_inverse=True)
    means: Array = np.nanmean(errors(load(), "test", TEST, seeds_of(load())[SEEN:]), axis=0)[member]
    return means
