"""Write the shards that a packed table holds whole, so that `make.py` trains only what is missing.

python scripts/motif/unpack.py --table problems/_motif/motif.npz --out results/motif
"""

import argparse
from pathlib import Path

import numpy as np
from make import SHARDS, shard_file

from mobench import Table, load_table
from mobench.problems._motif.table import MISSING


def shard_of(table: Table, seed: int, shard: int) -> dict[str, np.ndarray] | None:
    """Arrays of a shard as `make.py` writes them (losses as coarse as the table's); None where a class is missing."""
    at = slice(shard, None, SHARDS)
    correct = np.stack([table[f"{name}_correct:{seed}"][at] for name in ("valid", "early_test")], axis=2)
    final = table[f"test_correct:{seed}"][at]
    if (final == MISSING).any() or (correct == MISSING).any():
        return None
    loss = np.stack([table[f"{name}_loss:{seed}"][at] for name in ("valid", "early_test")], axis=2)
    return {
        "rows": table["row"][at].astype(np.int64),
        "loss": loss.astype(np.float32),
        "correct": correct,
        "final_loss": table[f"test_loss:{seed}"][at].astype(np.float32),
        "final_correct": final,
    }


def main() -> None:
    """Unpack what is whole and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=Path("problems/_motif/motif.npz"))
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    options = parser.parse_args()
    table = load_table(options.table)
    seeds = sorted(int(name.partition(":")[2]) for name in table.columns if name.startswith("test_correct:"))
    for seed in seeds:
        written = 0
        for shard in range(SHARDS):
            file, arrays = shard_file(options.out, seed, shard), shard_of(table, seed, shard)
            if arrays is not None and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                np.savez(file, **arrays)
                written += 1
        print(f"seed {seed}: {written} of {SHARDS} shards unpacked")


if __name__ == "__main__":
    main()
