"""Tables of right answers, a row a network: ``valid_correct:SEED`` at each look, ``test_correct:SEED`` at the end."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mobench import Array, Table, load_table
from mobench.problems._cells.noise import seed_noise
from mobench.problems._motif.table import MISSING, in_percent, seeds_of

__all__ = ["MISSING", "errors", "load", "seeds_of", "spread", "trained", "whole_seeds"]


def trained(table: Table, seed: int) -> Array:
    """Which networks were trained with a seed: (n,) bool."""
    there: Array = table[f"test_correct:{seed}"] != MISSING
    return there


def whole_seeds(table: Table) -> list[int]:
    """Seeds with which all networks were trained that have a training of the first seed; that one is first."""
    seeds = seeds_of(table)
    return [seed for seed in seeds if trained(table, seed)[trained(table, seeds[0])].all()]


def errors(table: Table, split: str, images: int, seeds: Sequence[int]) -> Array:
    """Errors of some seeds in per cent, (seeds, looks, n) or at the end (seeds, n); NaN where not trained."""
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
def load(file: Path) -> Table:
    """A shipped table, read once.

    Raises
    ------
    ValueError
        It is missing or damaged; the message says how to get it back.
    """
    try:
        return load_table(file)
    except FileNotFoundError:
        raise ValueError(
            f"{file}: the table of {file.stem} is missing; reinstall mobench, or make it: scripts/trained"
        ) from None
