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

from mobench.problems._cells.space import all_cells, functional_classes

SHARDS = 88
"""Shards of a seed: shard s holds every 88th class, beginning with the s-th, so that any of them is a fair sample."""

log = logging.getLogger("motif")
_task: Task | None = None


def shard_file(out: Path, seed: int, shard: int) -> Path:
    """Name the file of a shard."""
    return out / f"seed{seed}" / f"shard{shard:02d}.npz"


def make_shard(job: tuple[Path, int, int]) -> tuple[Path, float]:
    """Train the classes of one shard and write it; returns its file and the seconds it took."""
    global _task
    out, seed, shard = job
    begun = time.perf_counter()
    if _task is None:
        _task = Task()
    rows = np.unique(functional_classes())[shard::SHARDS]
    cells = all_cells()[rows]
    found = [_task.train(genes, seed=seed, row=int(row)) for genes, row in zip(cells, rows, strict=True)]
    scores, final = np.stack([scores for _, scores, _ in found]), np.stack([final for *_, final in found])
    arrays = {
        "loss": scores[..., 0],
        "correct": scores[..., 1],
        "final_loss": final[:, 0],
        "final_correct": final[:, 1],
    }
    kinds = {name: np.uint16 if name.endswith("correct") else np.float32 for name in arrays}
    file = shard_file(out, seed, shard)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, rows=rows, **{name: values.astype(kinds[name]) for name, values in arrays.items()})
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
    jobs = [(options.out, seed, shard) for seed in options.seeds for shard in range(SHARDS)]
    jobs = [job for job in jobs if not shard_file(*job).exists()]
    begun = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        for done, (file, seconds) in enumerate(pool.imap_unordered(make_shard, jobs), start=1):
            left = (time.perf_counter() - begun) / done * (len(jobs) - done)
            log.info("%s: %.0f s; %d of %d, %.0f min left", file, seconds, done, len(jobs), left / 60)


if __name__ == "__main__":
    main()
