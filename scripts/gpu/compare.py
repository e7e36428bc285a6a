"""Compare latencies measured here with those that others measured: ranks, ratios, how a front moves, a figure each.

NAS-Bench-201's are compared with its 15 older GPU settings, HW-GPT-Bench's with its eight GPUs. Files are measurements
of `latency.py`, whole or in part (networks come in a random order), or a packed table of NAS-Bench-201:

python scripts/gpu/compare.py results/gpu/nasbench201-*.npz results/gpu/hw_gpt-*.npz --to results/gpu/compared
python scripts/gpu/compare.py problems/tables/nasbench201_latency.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import kendalltau, spearmanr
from spaces import hw_gpt_rows

from mobench import Array, Table, load_table, nondominated
from mobench.core.indicators import hypervolume
from mobench.problems._cells.space import all_cells, functional_classes
from mobench.problems._embedded.tables import embedded
from mobench.problems._hw_gpt.columns import unpacked
from mobench.problems.tables import nasbench201

OLDER = tuple(
    f"{card}_{batch}" for card in ("titanx", "titanxp", "1080ti", "2080ti", "titan_rtx") for batch in (1, 32, 256)
)
"""The GPU settings of NAS-Bench-201's published latencies, by generation."""
BEFORE = "1080ti"
"""The card from which a front moves."""
GPUS = ("p100", "v100", "rtx2080", "rtx3080", "a6000", "a40", "a100", "h100")
GREY, BLUE, RED = "#a0aec0", "#2b6cb0", "#c53030"


def columns_in(file: Path) -> Iterator[tuple[str, str, Array]]:
    """Space, name and latencies of what a file holds; those of networks, NaN where one is not measured."""
    table = load_table(file)
    if "space" in table.about:
        yield table.about["space"], file.stem, table["median"].astype(float)
    else:
        first = np.unique(functional_classes())
        for name in table.columns:
            if name.startswith("latency:"):
                yield "nasbench201", name.partition(":")[2], table[name].astype(float)[first]


def agreement(new: Array, older: Mapping[str, Array]) -> pd.DataFrame:
    """Ranks and ratios of (n,) latencies against others', one row each: over the networks that are measured."""
    rows = {}
    for name, old in older.items():
        both = np.isfinite(new) & np.isfinite(old)
        ratio = new[both] / old[both]
        low, median, high = np.percentile(ratio, [25, 50, 75])
        rows[name] = {
            "networks": int(both.sum()),
            "spearman": float(spearmanr(new[both], old[both]).statistic),
            "kendall": float(kendalltau(new[both], old[both]).statistic),
            "ratio": median,
            "ratio_spread": (high - low) / median,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("setting")


def moved(error: Array, before: Array, after: Array) -> dict[str, float]:
    """How the front of error and latency moves from one device to another, over networks measured on both.

    Returns
    -------
    dict
        Sizes of the two fronts and of what they share; ``hypervolume``, of the networks of the old front on the new
        device over that of the new front, between its ideal and its nadir enlarged by a tenth; ``excess``, the median
        of how much longer, in per cent, a network of the old front takes than the fastest one that errs no more.
    """
    known = np.isfinite(error) & np.isfinite(before) & np.isfinite(after)
    error, before, after = error[known], before[known], after[known]
    old, new = (nondominated(np.column_stack([error, latency])) for latency in (before, after))
    F = np.column_stack([error, after])
    low, high = F[new].min(axis=0), F[new].max(axis=0)
    scaled = (F - low) / np.where(high > low, high - low, 1.0)
    best = np.array([after[error <= it].min() for it in error[old]])
    return {
        "before": int(old.sum()),
        "after": int(new.sum()),
        "shared": int((old & new).sum()),
        "hypervolume": hypervolume(scaled[old], 1.1) / hypervolume(scaled[new], 1.1),
        "excess": float(100.0 * np.median(after[old] / best - 1.0)),
    }


def draw(path: Path, name: str, table: pd.DataFrame, error: Array, before: Array, after: Array) -> None:
    """Draw the rank correlations, and both fronts on the new device."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.barh(table.index, table["spearman"], color=BLUE)
    left.set(xlabel=f"Spearman's rho with {name}", xlim=(min(0.0, table["spearman"].min()), 1.0))
    known = np.isfinite(before) & np.isfinite(after)
    right.plot(after[known], error[known], ".", color=GREY, markersize=2, rasterized=True)
    for latency, colour, label in ((before, RED, f"front of {BEFORE}"), (after, BLUE, "front here")):
        best = np.flatnonzero(known)[nondominated(np.column_stack([error, latency])[known])]
        best = best[np.argsort(after[best])]
        right.plot(after[best], error[best], "o", color=colour, markersize=4, label=label)
    right.set(xlabel=f"latency, {name} [ms]", ylabel="test error [%]", xscale="log", yscale="log")
    right.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def cells() -> tuple[Array, dict[str, Array]]:
    """Test error on CIFAR-10 of the 5,260 networks, and their published latencies by setting."""
    X = all_cells()[np.unique(functional_classes())]
    F = nasbench201.problem(objectives=("error", *(f"latency:{name}" for name in OLDER))).score(X)
    return F[:, 0], dict(zip(OLDER, F[:, 1:].T, strict=True))


def language_models() -> dict[str, Array]:
    """Published latencies of the networks of HW-GPT-Bench that were measured again, by GPU."""
    table: Table = embedded("hw_gpt_pool_s")
    return {gpu: unpacked(table, f"latency:{gpu}")[hw_gpt_rows()] for gpu in GPUS}


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and write them with a figure where a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--to", type=Path, help="a folder for tables and figures")
    options = parser.parse_args(arguments)
    for space, name, new in (found for file in options.files for found in columns_in(file)):
        if space not in ("nasbench201", "hw_gpt") or np.isfinite(new).sum() < 3:
            print(f"{name}: nothing to compare")
            continue
        error, older = cells() if space == "nasbench201" else (None, language_models())
        table = agreement(new, older)
        print(f"{name}\n{table.round(4).to_string()}")
        if options.to:
            options.to.mkdir(parents=True, exist_ok=True)
            table.to_csv(options.to / f"{name}.csv")
        if error is not None:
            before = older[f"{BEFORE}_{256 if name.endswith('b256') else 1}"]
            found = moved(error, before, new)
            print(f"the front of {BEFORE}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))
            if options.to:
                draw(options.to / f"{name}.png", name, table, error, before, new)


if __name__ == "__main__":
    main()
