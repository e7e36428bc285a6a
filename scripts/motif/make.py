"""Train Motif's classes, seed by seed, in shards that appear whole or not at all; a second call resumes.

python scripts/motif/make.py --seeds 0 1 2 --workers 2 --out results/motif
"""

import argparse
import logging
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
from trainer import Task, library

from mobench import Array
from mobench.problems._cells.space import all_cells, functional_classes

SHARDS = 88
"""Shards of a seed: shard s holds every 88th class, beginning with the s-th, so that any of them is a fair sample."""

log = logging.getLogger("motif")
_task: Task | None = None


def shard_file(out: Path, seed: int, shard: int) -> Path:
    """Name the file of a shard."""
    return out / f"seed{seed}" / f"shard{shard:02d}.npz"


def train_rows(job: tuple[Path, int, Array]) -> tuple[Path, float]:
    """Train the classes `rows` with one seed and write what they got right; returns the file and the seconds taken."""
    global _task
    file, seed, rows = job
    begun = time.perf_counter()
    if _task is None:
        _task = Task()
    cells = all_cells()[rows]
    found = [_task.train(genes, seed=seed, row=int(row)) for genes, row in zip(cells, rows, strict=True)]
    valid = np.stack([scores[:, 0, 1] for _, scores, _ in found]).astype(np.uint16)
    test = np.array([final[1] for *_, final in found]).astype(np.uint16)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    with part.open("wb") as stream:
        np.savez(stream, rows=rows, valid=valid, test=test)
    part.replace(file)
    return file, time.perf_counter() - begun


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    library()  # compiled once, before the workers start
    rows = np.unique(functional_classes())
    jobs = [
        (file, seed, rows[shard::SHARDS])
        for seed in options.seeds
        for shard in range(SHARDS)
        if not (file := shard_file(options.out, seed, shard)).exists()
    ]
    begun = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        for done, (file, seconds) in enumerate(pool.imap_unordered(train_rows, jobs), start=1):
            left = (time.perf_counter() - begun) / done * (len(jobs) - done)
            log.info("%s: %.0f s; %d of %d, %.0f min left", file, seconds, done, len(jobs), left / 60)


if __name__ == "__main__":
    main()
