"""Train more seeds of the classes within reach of a front, round by round, until each of them has enough.

    python scripts/motif/near.py --upto 10 --workers 2 --out results/motif

A class is within reach of a front if no class whose every cost is as low has a lower error by two standard errors of
the difference; with fewer costs as objectives, fewer are. A round trains one more seed of each class within reach and
settles some of them. What is on a front of the scored seeds is within reach, too.
"""

import argparse
import logging
import multiprocessing
from pathlib import Path

import numpy as np
from make import train_rows
from pack import read_seed
from trainer import library

from mobench import Array
from mobench.problems._cells.noise import seed_noise
from mobench.problems._cells.space import functional_classes
from mobench.problems._images.motif import TEST
from mobench.problems._motif.table import SEEN, in_percent
from mobench.problems.tables.motif import problem

COSTS = ("flops", "params", "latency:cpu_b1", "latency:cpu_b64")
CHUNK = 20
"""Trainings of a job."""

log = logging.getLogger("motif")


def test_errors(out: Path, rows: Array, *, seeds: int) -> Array:
    """Test errors in per cent, (seeds, n) for the n `rows`; NaN where not trained."""
    errors = np.full((seeds, len(rows)), np.nan)
    for seed in range(seeds):
        found = read_seed(out, seed, rows)
        if found:
            errors[seed] = in_percent(found["test"], TEST)
    return errors


def within_reach(errors: Array, costs: Array, *, distance: float = 2.0) -> Array:
    """Which classes no class with costs as low beats by `distance` standard errors of the difference.

    Parameters
    ----------
    errors : (seeds, n) float array, NaN where not trained
    costs : (n, m) float array

    Returns
    -------
    (n,) bool array
    """
    mean, trained = np.nanmean(errors, axis=0), (~np.isnan(errors)).sum(axis=0)
    variance = seed_noise(errors) ** 2 / trained
    reach = np.empty(len(mean), dtype=bool)
    for i in range(len(mean)):
        as_cheap = (costs <= costs[i]).all(axis=1)
        ahead = mean[i] - mean - distance * np.sqrt(variance[i] + variance)
        reach[i] = not (ahead[as_cheap] > 0).any()
    return reach


def on_scored_front(errors: Array, costs: Array) -> Array:
    """Which classes no class with costs as low beats in the mean error of the scored seeds: (n,) bool."""
    mean = np.nanmean(errors[SEEN:], axis=0)
    return np.array([not (mean[(costs <= costs[i]).all(axis=1)] < mean[i]).any() for i in range(len(mean))])


def main() -> None:
    """Train what is missing, a seed a round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upto", type=int, default=10, help="seeds of every class within reach in the end")
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    library()
    rows, costs = np.unique(functional_classes()), problem(objectives=COSTS).costs
    seeds = SEEN + 2
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        while True:
            errors = test_errors(options.out, rows, seeds=options.upto)
            near = within_reach(errors, costs) | on_scored_front(errors, costs)
            jobs = []
            for seed in range(seeds):
                lack = rows[near & np.isnan(errors[seed])]
                parts = np.array_split(lack, -(-len(lack) // CHUNK)) if len(lack) else []
                jobs += [(options.out / f"seed{seed}" / f"near{part[0]:05d}.npz", seed, part) for part in parts]
            log.info("%d seeds: %d classes within reach, %d jobs", seeds, near.sum(), len(jobs))
            if not jobs and seeds == options.upto:
                break
            for done, (file, seconds) in enumerate(pool.imap_unordered(train_rows, jobs), start=1):
                log.info("%s: %.0f s; %d of %d", file, seconds, done, len(jobs))
            seeds = min(seeds + 1, options.upto)


if __name__ == "__main__":
    main()
