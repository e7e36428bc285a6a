"""Put a journal of trainings into the table that mobench ships, beside what the table has.

python scripts/trained/pack.py motif_chain --journal results/motif_chain/trained --to problems/_chain/motif_chain.npz
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from compiled import compiled_by, processor
from kind import Kind
from kinds import KINDS

from mobench import Array, Column, Table, load_table, save_table
from mobench.problems._trained.table import MISSING, seeds_of


def counts_of(table: Table | None, found: Array, rows: Array, looks: int) -> dict[int, tuple[Array, Array]]:
    """Right answers of each seed, (n, looks) on validation and (n,) on test images; `MISSING` where not trained."""
    counts = {}
    for seed in sorted({*(seeds_of(table) if table else ()), *found["seed"].tolist()}):
        valid, test = np.full((len(rows), looks), MISSING, np.uint16), np.full(len(rows), MISSING, np.uint16)
        if table and seed in seeds_of(table):
            there = np.searchsorted(rows, table["row"])  # a table may be of fewer networks than the space has by now
            valid[there], test[there] = table[f"valid_correct:{seed}"], table[f"test_correct:{seed}"]
        new = found[found["seed"] == seed]
        at = np.searchsorted(rows, new["row"])
        valid[at], test[at] = new["valid"], new["test"]
        counts[seed] = valid, test
    return counts


def provenance(kind: Kind, trained: dict[int, int]) -> dict[str, object]:
    """Say what the rows are and how they came about; `trained` counts the networks of each seed."""
    images = [Path(str(module.__file__)) for module in kind.drawn_by]
    sources = {kind.source.name: kind.source, **{f"_images/{path.name}": path for path in images}}
    networks, epochs = len(kind.rows), kind.looks[-1]
    return {
        "what": kind.what,
        "coverage": {
            f"seed {seed}": f"{count:,} of {networks:,} networks x {epochs:g} epochs" for seed, count in trained.items()
        },
        "missing": f"a count of {MISSING}: not trained with this seed",
        "training": kind.training,
        "data": f"{kind.images.TRAIN} training, {kind.images.VALID} validation and {kind.images.TEST} test images of "
        f"8x8, from seed {kind.images.DATA_SEED}",
        "made_by": "scripts/trained/make.py and pack.py",
        "sha256": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sources.items()},
        "compiled_by": compiled_by(),
        "host": processor(),
        "licence": "MIT",
    }


def main() -> None:
    """Pack what there is, and say what there is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", choices=KINDS)
    parser.add_argument("--journal", type=Path, help="results/PROBLEM/trained by default")
    parser.add_argument("--to", type=Path, help="the shipped table by default")
    options = parser.parse_args()
    kind = KINDS[options.problem]
    journal, to = options.journal or Path("results") / kind.name / "trained", options.to or kind.table
    old = load_table(to) if to.exists() else None
    if old and old.about["training"] != kind.training:
        raise SystemExit(f"{to}: trained by another recipe, {old.about['training']}; pack into a new file")
    columns = dict(old.columns) if old else {}
    columns["row"] = Column(kind.rows.astype(np.uint16), "", {"of": kind.rows_of})
    trained = {}
    for seed, (valid, test) in counts_of(old, kind.read_journal(journal), kind.rows, len(kind.looks)).items():
        for split, counts, images, epochs in (
            ("valid", valid, kind.images.VALID, kind.looks),
            ("test", test, kind.images.TEST, kind.looks[-1:]),
        ):
            about = {"split": split, "seed": seed, "images": images, "epochs": epochs}
            columns[f"{split}_correct:{seed}"] = Column(counts, "right answers", about)
        trained[seed] = int((test != MISSING).sum())
        print(f"seed {seed}: {trained[seed]:,} of {len(kind.rows):,} networks")
    if not trained:
        raise SystemExit(f"{journal}: no training is there; nothing packed")
    latency = {"latency": old.about["latency"]} if old and "latency" in old.about else {}
    save_table(to, Table(columns, provenance(kind, trained) | latency), compress=True)
    print(f"{to}: {to.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
