"""Train a problem's networks, seed by seed, into a journal; what it or the shipped table holds is not made again.

python scripts/trained/make.py motif_chain --seeds 0 1 2 --journal results/motif_chain/trained

The order of a seed's networks is drawn once for all, so that what is complete so far is a fair sample, and a journal is
the same whether or not its maker was killed on the way: a torn last record is cut off and made again. `pack.py` puts a
journal into the table, from which another machine goes on.
"""

import argparse
import functools
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from compiled import compiled
from kind import Trainer
from kinds import KINDS

from mobench import Array, load_table
from mobench.problems._trained.table import MISSING

log = logging.getLogger("trained")


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


def missing(rows: Array, seeds: list[int], known: set[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Seed and row of what is to be trained, all of a seed before the next."""
    order = np.random.default_rng(0).permutation(rows)
    return ((seed, int(row)) for seed in seeds for row in order if (seed, int(row)) not in known)


@functools.cache
def task_of(name: str) -> Trainer:
    """The trainer of a problem, with its images, once in each process."""
    return KINDS[name].task(KINDS[name].images.generate())


def train(name: str, job: tuple[int, int]) -> bytes:
    """Train one network; its record."""
    kind, (seed, row) = KINDS[name], job
    _, valid, test = task_of(name).train(kind.networks[np.searchsorted(kind.rows, row)], seed=seed, row=row)
    return np.array([(seed, row, valid, test)], dtype=kind.record).tobytes()


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", choices=KINDS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--limit", type=int, help="stop after so many trainings")
    parser.add_argument(
        "--continue", dest="table", type=Path, help="a table whose trainings are there; the shipped one"
    )
    parser.add_argument("--journal", type=Path, help="results/PROBLEM/trained by default")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    kind = KINDS[options.problem]
    journal = options.journal or Path("results") / kind.name / "trained"
    compiled(kind.source, batch=kind.batch)  # once, before the workers start
    found = kind.read_journal(journal)
    known = trained_in(options.table or kind.table) | {(int(r["seed"]), int(r["row"])) for r in found}
    jobs = list(missing(kind.rows, options.seeds, known))[: options.limit]
    log.info("%d trainings are there, %d are to be made", len(known), len(jobs))
    journal.parent.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    with journal.open("ab") as stream, multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        os.truncate(journal, len(found) * kind.record.itemsize)
        for done, record in enumerate(pool.imap(functools.partial(train, kind.name), jobs), start=1):
            stream.write(record)
            stream.flush()
            if done % 100 == 0 or done == len(jobs):
                left = (time.perf_counter() - begun) / done * (len(jobs) - done)
                log.info("%d of %d, %.0f min left", done, len(jobs), left / 60)


if __name__ == "__main__":
    main()
