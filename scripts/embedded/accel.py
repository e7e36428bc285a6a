"""Make accel's table: ImageNet errors, training times, costs and measured throughput and latency of 5,125 networks.

python scripts/embedded/accel.py --shared PATH

`--shared` holds accel_nasbench/accel_nasbench.npz: arrays of the files in anb_dataset_jsons.tar.gz of
afzalxo/Accel-NASBench, in the order of their numbers.
"""

from pathlib import Path

import numpy as np
from _packing import logarithms, whole, write

from mobench import Array, Column, Table
from mobench.problems.tables.accel import CHOICES, DEVICES, FPGAS

SPELT = {"rtx3090": "3090"}
"""Where upstream has another word."""
STEPS, STEPS_OF_NOISE = 2**16 - 2, 2**8 - 1
ABOUT = {
    "title": "Accel-NASBench: MnasNet-like networks on ImageNet, measured on accelerators",
    "rows": "the distinct networks, in lexicographic order of `genes`; of 13 that were trained twice, the means",
    "source": "github.com/afzalxo/Accel-NASBench 4260357 (2025-05-16), anb_dataset/anb_dataset_jsons.tar.gz",
    "paper": "Ahmad, Du, Xie, Zhang: Accel-NASBench: Sustainable Benchmarking for Accelerator-Aware NAS, DAC 2024",
    "licence": "Apache-2.0",
    "errata": [
        "errors are those of the authors' short training scheme, on the ImageNet validation set, one training each",
        "49 networks lack a measurement on one or more devices",
    ],
}


def make(shared: Path) -> dict[str, Table]:
    """The table, from the arrays."""
    with np.load(shared / "accel_nasbench" / "accel_nasbench.npz", allow_pickle=False) as file:
        source: dict[str, Array] = dict(file)
    if source["names"].tolist() != list(CHOICES):
        raise SystemExit("names: not the genes of this space")
    coded = [np.searchsorted(values, source["genes"][:, j]) for j, values in enumerate(CHOICES.values())]
    genes, row = np.unique(np.column_stack(coded), axis=0, return_inverse=True)

    def mean(name: str) -> Array:
        """Means over the trainings of each network, (5125,)."""
        return np.bincount(row, source[name].astype(np.float64)) / np.bincount(row)

    twice = np.bincount(row) == 2
    apart = np.array([np.ptp(source["val_top1"][row == i].astype(np.float64)) for i in np.flatnonzero(twice)])
    noise = {"standard deviation of a training": float(np.sqrt((apart**2).mean() / 2)), "networks trained twice": 13}
    columns = {
        "genes": Column(genes.astype(np.uint8)),
        "error": whole(100 - mean("val_top1"), per=1000, split="ImageNet validation", **noise),
        "train_seconds": logarithms(mean("train_time"), steps=2**12 - 1, unit="s"),
        "macs": Column(mean("macs").astype(np.float32), "M"),
        "params": Column(np.rint(mean("params") * 1e6).astype(np.uint32)),
    }
    for device in DEVICES:
        name = f"throughput_{SPELT.get(device, device)}"
        columns[f"throughput:{device}"] = logarithms(mean(name), steps=STEPS, unit="images/s")
        if device not in FPGAS:
            columns[f"noise:{device}"] = logarithms(mean(f"{name}_std"), steps=STEPS_OF_NOISE, unit="images/s")
    columns |= {f"latency:{f}": logarithms(mean(f"latency_{f}"), steps=STEPS, unit="ms") for f in FPGAS}
    return {"accel": Table(columns, ABOUT)}


if __name__ == "__main__":
    write(__doc__, make)
