"""Train the chains, seed by seed, and append each to a journal; what it or the shipped table holds is not made again.

python scripts/motif_chain/make.py --seeds 0 1 2 --journal results/motif_chain/trained

The order of a seed's networks is drawn once for all, so that what is complete so far is a fair sample, and a journal is
the same whether or not its maker was killed on the way: a torn last record is cut off and made again. `pack.py` puts a
journal into the table, from which another machine goes on.
"""

import argparse
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from trainer import EPOCHS, Task, library

from mobench import Array, load_table
from mobench.problems._chain.space import all_networks, index
from mobench.problems._chain.table import MISSING, TABLE
from mobench.problems._images.motif_chain import generate

RECORD = np.dtype([("seed", "<u2"), ("row", "<u2"), ("valid", "<u2", (EPOCHS,)), ("test", "<u2")])
"""One training: right answers on the validation images after each epoch, and on the test images after the last."""

log = logging.getLogger("motif_chain")
_task: Task | None = None
_networks: Array = all_networks()
_rows: Array = index(_networks)


def read_journal(journal: Path) -> Array:
    """Records of all trainings that a journal holds whole; none where it is not there."""
    if not journal.exists():
        return np.zeros(0, dtype=RECORD)
    return np.fromfile(journal, dtype=RECORD, count=journal.stat().st_size // RECORD.itemsize)


def trained_in(table: Path) -> set[tuple[int, int]]:
    """Seed and row of each training that a table holds; none where it is not there."""
    if not table.exists():
        return set()
    known = load_table(table)
    return {
        (int(name.partition(":")[2]), int(row))
        for name in known.columns
        if name.startswith("test_correct:")
        for row in known["row"][known[name] != MISSING]
    }


def missing(seeds: list[int], known: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Seed and row of what is to be trained, all of a seed before the next."""
    order = np.random.default_rng(0).permutation(_rows)
    return ((seed, int(row)) for seed in seeds for row in order if (seed, int(row)) not in known)


def train(job: tuple[int, int]) -> bytes:
    """Train one network; its record."""
    global _task
    if _task is None:
        _task = Task(generate())
    seed, row = job
    _, valid, test = _task.train(_networks[np.searchsorted(_rows, row)], seed=seed, row=row)
    return np.array([(seed, row, valid, test)], dtype=RECORD).tobytes()


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--limit", type=int, help="stop after so many trainings")
    parser.add_argument("--continue", dest="table", type=Path, default=TABLE, help="a table whose trainings are there")
    parser.add_argument("--journal", type=Path, default=Path("results/motif_chain/trained"))
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    library()  # compiled once, before the workers start
    found = read_journal(options.journal)
    known = trained_in(options.table) | {(int(r["seed"]), int(r["row"])) for r in found}
    jobs = list(missing(options.seeds, known))[: options.limit]
    log.info("%d trainings are there, %d are to be made", len(known), len(jobs))
    options.journal.parent.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    with options.journal.open("ab") as stream, multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        os.truncate(options.journal, len(found) * RECORD.itemsize)
        for done, record in enumerate(pool.imap(train, jobs), start=1):
            stream.write(record)
            stream.flush()
            if done % 100 == 0 or done == len(jobs):
                left = (time.perf_counter() - begun) / done * (len(jobs) - done)
                log.info("%d of %d, %.0f min left", done, len(jobs), left / 60)


if __name__ == "__main__":
    main()
