"""Pack Motif's shards into the table that mobench ships; one seed has to be complete, others may be in part.

Measured latencies that the table has already stay in it.

python scripts/motif/pack.py --shards results/motif --to problems/_motif/motif.npz
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from trainer import BATCH, EPOCHS, FLAGS, RATE, SKELETON, compiled_by, processor

from mobench import Array, Column, Table, load_table, save_table
from mobench.problems._cells.space import functional_classes
from mobench.problems._images import motif as _motif_data
from mobench.problems._motif.table import MISSING, SEEN


def read_seed(shards: Path, seed: int, rows: Array) -> dict[str, Array]:
    """Put the shards of a seed together.

    Returns
    -------
    dict of right answers: ``valid`` (n, 12) after each epoch and ``test`` (n,), for the n `rows`; `MISSING` where a
    class was not trained. Empty if there is no shard.
    """
    files = sorted((shards / f"seed{seed}").glob("*.npz"))
    whole: dict[str, Array] = {}
    for file in files:
        part = np.load(file, allow_pickle=False)
        at = np.searchsorted(rows, part["rows"])
        for name in ("valid", "test"):
            values = part[name]
            whole.setdefault(name, np.full((len(rows), *values.shape[1:]), MISSING, dtype=np.uint16))[at] = values
    return whole


def columns_of(seed: int, found: dict[str, Array]) -> dict[str, Column]:
    """Make the two columns of a seed."""
    splits = {"valid": (_motif_data.VALID, list(range(1, EPOCHS + 1))), "test": (_motif_data.TEST, [EPOCHS])}
    return {
        f"{split}_correct:{seed}": Column(
            found[split], "right answers", {"split": split, "seed": seed, "images": images, "epochs": epochs}
        )
        for split, (images, epochs) in splits.items()
    }


def provenance(trained: dict[int, int]) -> dict[str, object]:
    """Say what the rows are and how they came about; `trained` counts the classes of each seed."""
    here = Path(__file__).parent
    sources = {"trainer.c": here / "trainer.c", "_motif_data.py": Path(_motif_data.__file__)}
    return {
        "what": "NAS-Bench-201 cells trained on Motif's generated images; one row a functional class, named by `row`",
        "coverage": {
            f"seed {seed}": f"{count:,} of 5,260 classes x {EPOCHS} epochs" for seed, count in trained.items()
        },
        "missing": f"a count of {MISSING}: not trained with this seed",
        "seen": f"seeds below {SEEN} answer searchers, the others are scored",
        "skeleton": vars(SKELETON),
        "training": f"{EPOCHS} epochs, batch {BATCH}, SGD with Nesterov momentum 0.9, weight decay 5e-4, float32, "
        f"learning rate {RATE} with cosine decay by step; weights drawn at [seed, 3, row], order at [seed, 2, row]",
        "data": f"{_motif_data.TRAIN} training, {_motif_data.VALID} validation and {_motif_data.TEST} test images "
        f"of 8x8, from seed {_motif_data.DATA_SEED}",
        "made_by": "scripts/motif/make.py, near.py and pack.py",
        "sha256": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sources.items()},
        "compiled_by": compiled_by(FLAGS),
        "host": processor(),
        "licence": "MIT",
    }


def main() -> None:
    """Pack what there is, and say what there is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, default=Path("results/motif"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--to", type=Path, default=Path("problems/_motif/motif.npz"))
    options = parser.parse_args()
    rows = np.unique(functional_classes())
    about = {"of": "mobench.problems._cells.space.all_cells"}
    columns: dict[str, Column] = {"row": Column(rows.astype(np.uint16), "", about)}
    trained: dict[int, int] = {}
    for seed in options.seeds:
        found = read_seed(options.shards, seed, rows)
        if found:
            columns |= columns_of(seed, found)
            trained[seed] = int((found["test"] != MISSING).sum())
        print(f"seed {seed}: {trained.get(seed, 0):,} of {len(rows):,} classes")
    if len(rows) not in trained.values():
        raise SystemExit(f"{options.shards}: no seed is complete; nothing packed")
    if options.to.exists():
        known = load_table(options.to).columns
        columns |= {name: known[name] for name in known if name.startswith(("latency:", "spread:"))}
    save_table(options.to, Table(columns, provenance(trained)), compress=True)
    print(f"{options.to}: {options.to.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
