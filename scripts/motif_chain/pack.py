"""Put a journal of trainings into the table that mobench ships, beside what the table has.

python scripts/motif_chain/pack.py --journal results/motif_chain/trained --to problems/_chain/motif_chain.npz
"""

import argparse
import hashlib
import platform
import subprocess
from pathlib import Path

import numpy as np
from make import read_journal
from trainer import BATCH, EPOCHS, FLAGS, RATE

from mobench import Array, Column, Table, load_table, save_table
from mobench.problems._chain.space import all_networks, index
from mobench.problems._chain.table import MISSING, TABLE, seeds_of
from mobench.problems._images import motif_chain as _data

TRAINING = (
    f"{EPOCHS} epochs, batch {BATCH}, SGD with Nesterov momentum 0.9, weight decay 5e-4, float32, learning rate {RATE} "
    "with cosine decay by step; weights drawn at [seed, 3, row], order at [seed, 2, row]"
)


def counts_of(table: Table | None, found: Array, rows: Array) -> dict[int, tuple[Array, Array]]:
    """Right answers of each seed, (n, epochs) on validation and (n,) on test images; `MISSING` where not trained."""
    counts = {}
    for seed in sorted({*(seeds_of(table) if table else ()), *found["seed"].tolist()}):
        valid, test = np.full((len(rows), EPOCHS), MISSING, np.uint16), np.full(len(rows), MISSING, np.uint16)
        if table and seed in seeds_of(table):
            valid, test = table[f"valid_correct:{seed}"].copy(), table[f"test_correct:{seed}"].copy()
        new = found[found["seed"] == seed]
        at = np.searchsorted(rows, new["row"])
        valid[at], test[at] = new["valid"], new["test"]
        counts[seed] = valid, test
    return counts


def processor() -> str:
    """Name this machine's processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def provenance(trained: dict[int, int], networks: int) -> dict[str, object]:
    """Say what the rows are and how they came about; `trained` counts the networks of each seed."""
    here = Path(__file__).parent
    sources = {"trainer.c": here / "trainer.c", "_images/motif_chain.py": Path(_data.__file__)}
    compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return {
        "what": "chains trained on generated images; one row a network, named by `row`",
        "coverage": {
            f"seed {seed}": f"{count:,} of {networks:,} networks x {EPOCHS} epochs" for seed, count in trained.items()
        },
        "missing": f"a count of {MISSING}: not trained with this seed",
        "training": TRAINING,
        "data": f"{_data.TRAIN} training, {_data.VALID} validation and {_data.TEST} test images of 8x8, from seed "
        f"{_data.DATA_SEED}",
        "made_by": "scripts/motif_chain/make.py and pack.py",
        "sha256": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sources.items()},
        "compiled_by": f"{compiler}, {' '.join(FLAGS)}",
        "host": processor(),
        "licence": "MIT",
    }


def main() -> None:
    """Pack what there is, and say what there is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journal", type=Path, default=Path("results/motif_chain/trained"))
    parser.add_argument("--to", type=Path, default=TABLE)
    options = parser.parse_args()
    rows = index(all_networks())
    old = load_table(options.to) if options.to.exists() else None
    if old and old.about["training"] != TRAINING:
        raise SystemExit(f"{options.to}: trained by another recipe, {old.about['training']}; pack into a new file")
    columns = dict(old.columns) if old else {}
    columns["row"] = Column(rows.astype(np.uint16), "", {"of": "mobench.problems._chain.space.index"})
    trained = {}
    for seed, (valid, test) in counts_of(old, read_journal(options.journal), rows).items():
        for split, counts, images, epochs in (
            ("valid", valid, _data.VALID, list(range(1, EPOCHS + 1))),
            ("test", test, _data.TEST, [EPOCHS]),
        ):
            about = {"split": split, "seed": seed, "images": images, "epochs": epochs}
            columns[f"{split}_correct:{seed}"] = Column(counts, "right answers", about)
        trained[seed] = int((test != MISSING).sum())
        print(f"seed {seed}: {trained[seed]:,} of {len(rows):,} networks")
    if not trained:
        raise SystemExit(f"{options.journal}: no training is there; nothing packed")
    latency = {"latency": old.about["latency"]} if old and "latency" in old.about else {}
    save_table(options.to, Table(columns, provenance(trained, len(rows)) | latency), compress=True)
    print(f"{options.to}: {options.to.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
