"""Write the shards that a packed table holds, so that `make.py` and `near.py` train only what is missing.

python scripts/motif/unpack.py --table problems/_motif/motif.npz --out results/motif
"""

import argparse
from pathlib import Path

import numpy as np
from make import SHARDS, shard_file

from mobench import load_table
from mobench.problems._motif.table import MISSING, TABLE, seeds_of


def main() -> None:
    """Unpack what is not there yet: a shard where all of it was trained, else a file of what was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--out", type=Path, default=Path("results/motif"))
    options = parser.parse_args()
    table = load_table(options.table)
    for seed in seeds_of(table):
        valid, test = table[f"valid_correct:{seed}"], table[f"test_correct:{seed}"]
        for shard in range(SHARDS):
            at = np.arange(shard, len(test), SHARDS)
            trained = at[test[at] != MISSING]
            whole = shard_file(options.out, seed, shard)
            file = whole if len(trained) == len(at) else whole.with_name(f"part{shard:02d}.npz")
            if len(trained) and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                np.savez(file, rows=table["row"][trained].astype(np.int64), valid=valid[trained], test=test[trained])
        print(f"seed {seed}: {(test != MISSING).sum():,} of {len(test):,} classes")


if __name__ == "__main__":
    main()
