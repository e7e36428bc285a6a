"""Score Motif's 5,260 networks by zero-cost proxies, in shards; a second call resumes, and the last one packs.

python scripts/motif/proxies.py --seeds 1 2 --out results/motif_proxies
"""

import argparse
import logging
import os
import time
from pathlib import Path

import numpy as np
import torch
from make import SHARDS, shard_file

from mobench import Array, Column, Table, load_table, save_table
from mobench.live.proxies import NAMES
from mobench.problems._cells.prices import IMAGES
from mobench.problems._cells.proxies import scores
from mobench.problems._cells.space import functional_classes
from mobench.problems._images.datasets import load_dataset
from mobench.problems._motif.table import PROXIES, SKELETON

ABOUT = {
    "title": "Zero-cost proxies of Motif's networks",
    "rows": "the 5,260 classes, by their first genotypes; a column a proxy and seed",
    "source": "scripts/motif/proxies.py: weights and images as the trainings of these seeds begin",
    "images": IMAGES,
}

log = logging.getLogger("proxies")


def score_shard(file: Path, seed: int, rows: Array) -> None:
    """Score some classes and write the file, whole or not at all."""
    data = load_dataset("motif")
    found = [scores(row, SKELETON, data, seed=seed) for row in rows.tolist()]
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    with part.open("wb") as stream:
        np.savez(stream, rows=rows, scores=np.array(found))
    part.replace(file)


def pack(out: Path, seeds: list[int]) -> Table:
    """The table with these seeds anew; five significant digits, for another seed changes the second."""
    names = np.unique(functional_classes())
    columns = dict(load_table(PROXIES).columns) if PROXIES.exists() else {}
    for seed in seeds:
        whole = np.empty((len(names), len(NAMES)))
        for shard in range(SHARDS):
            with np.load(shard_file(out, seed, shard)) as file:
                whole[np.searchsorted(names, file["rows"])] = file["scores"]
        for name, values in zip(NAMES, whole.T, strict=True):
            columns[f"{name}:{seed}"] = Column(rounded(values).astype(np.float32))
    return Table(columns, ABOUT | {"torch": torch.__version__})


def rounded(values: Array, digits: int = 5) -> Array:
    """Values with so many significant digits."""
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values)))))
    found: Array = np.round(values * scale) / scale
    return found


def main() -> None:
    """Score what is missing, then pack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path("results/motif_proxies"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rows = np.unique(functional_classes())
    jobs = [
        (file, seed, rows[shard::SHARDS])
        for seed in options.seeds
        for shard in range(SHARDS)
        if not (file := shard_file(options.out, seed, shard)).exists()
    ]
    begun = time.perf_counter()
    for done, job in enumerate(jobs, start=1):
        score_shard(*job)
        left = (time.perf_counter() - begun) / done * (len(jobs) - done)
        log.info("%s; %d of %d, %.0f min left", job[0], done, len(jobs), left / 60)
    save_table(PROXIES, pack(options.out, options.seeds))


if __name__ == "__main__":
    main()
