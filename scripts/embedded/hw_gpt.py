"""Make hw_gpt's tables: the additive models of scales s and m, and the medians of the networks that were measured.

python scripts/embedded/hw_gpt.py --shared PATH --to problems/_embedded

`--shared` is a folder with hw_gpt_bench/table_s.npz and table_m.npz, which hold what upstream measured as arrays:
genes, medians and interquartile ranges of the repeats, of the same 10,000 networks on every device.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from mobench import Array, Column, Table, save_table
from mobench.problems._hw_gpt.coefficients import features
from mobench.problems._hw_gpt.columns import GENES, RESOLUTION, STEPS, objective, packed

GPUS = ("p100", "v100", "rtx2080", "rtx3080", "a6000", "a40", "a100", "h100")
METRICS = ("perplexity", "memory", *(f"{kind}:{gpu}" for kind in ("latency", "energy") for gpu in GPUS))
NOISE = {("m", "energy:a100")}
"""Metrics whose repeats lie apart by half their median."""
TRAIN = 8000
"""Networks of the fit; the others are held out."""
LEAST_TAU = 0.85
"""Metrics that the model ranks worse than this on held-out networks are not offered."""
RIDGE = 1e-2
SOURCE: dict[str, Any] = {
    "title": "HW-GPT-Bench: GPT-2-like sub-networks, measured",
    "source": "github.com/automl/HW-GPT-Bench, files added in cfddd10 and 795cba8 (2024-05-20)",
    "paper": "Sukthanker, Zela, Staffler, Klein, Franke, Hutter: HW-GPT-Bench, arXiv 2405.10299 (2024)",
    "licence": "Apache-2.0",
    "errata": [
        "energy is labelled kWh upstream; with latency and power it is Wh at scale s, and of another batch at scale m",
        "energy of the A100 at scale m is noise and left out",
    ],
}
SPELT = {"p100": "P100", "memory": "memory_mb"}
"""Where upstream's arrays have another word."""


def main() -> None:
    """Read the options, write four tables and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the reference data")
    parser.add_argument("--to", type=Path, default=Path("problems/_embedded"), help="where the tables go")
    options = parser.parse_args()
    for scale in ("s", "m"):
        upstream = np.load(options.shared / "hw_gpt_bench" / f"table_{scale}.npz", allow_pickle=False)
        tables = {f"hw_gpt_{scale}": model(upstream, scale), f"hw_gpt_pool_{scale}": pool(upstream, scale)}
        for name, table in tables.items():
            path = options.to / f"{name}.npz"
            save_table(path, table, compress=True)
            print(f"{path}: {path.stat().st_size:,} bytes, {', '.join(table.columns)}")


def genes(upstream: Any) -> Array:
    """The (n, d) rows of upstream's arrays; genes of absent layers are 0."""
    blocks = np.stack([upstream["heads"], upstream["mlp"]], axis=2).reshape(len(upstream["bias"]), -1)
    head = np.column_stack([upstream["embed"], upstream["layers"], upstream["bias"]])
    return np.column_stack([head, np.where(blocks == 255, 0, blocks)]).astype(np.uint8)


def measured(upstream: Any, name: str) -> Array:
    """Medians of a metric, (n,); NaN where it was not measured."""
    word = "_".join(SPELT.get(part, part) for part in name.split(":"))
    return np.asarray(upstream[word], dtype=np.float64)


def model(upstream: Any, scale: str) -> Table:
    """Fit every metric to the training networks, and keep those that rank the held-out ones well."""
    X, columns = genes(upstream).astype(np.int64), {}
    order = np.random.default_rng(0).permutation(len(X))
    for name in METRICS:
        known = np.isfinite(measured(upstream, name))
        train, test = (part[known[part]] for part in (order[:TRAIN], order[TRAIN:]))
        coefficients = fit(features(X[train]), np.log(measured(upstream, name)[train]))
        logs, truth = features(X[test]) @ coefficients * RESOLUTION, np.log(measured(upstream, name)[test])
        tau = float(kendalltau(logs, truth)[0])
        r2 = float(1 - ((logs - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())
        print(f"{scale} {name:16} R2 {r2:.4f} tau {tau:.4f} of {len(test)} held out, {len(train)} in the fit")
        if tau >= LEAST_TAU and (scale, name) not in NOISE:
            about = {"held_out_r2": round(r2, 4), "held_out_tau": round(tau, 4), "train": len(train), "test": len(test)}
            columns[name] = Column(coefficients, "2**-24 of the natural logarithm", about)
    about = {
        "rows": "coefficients, in the order of problems/_hw_gpt/coefficients.py",
        "scale": scale,
        "split": f"numpy.random.default_rng(0).permutation({len(X)}): the first {TRAIN} train, the others are held out",
        "left out": f"metrics with Kendall's tau below {LEAST_TAU} on held-out networks",
        "seen and scored": "the same",
    }
    return Table(columns, SOURCE | about)


def fit(features: Array, logs: Array) -> Array:
    """Ridge regression by the normal equations, in whole steps of `RESOLUTION`; int32."""
    gram = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.rint(np.linalg.solve(gram, features.T @ logs) / RESOLUTION).astype(np.int32)


def pool(upstream: Any, scale: str) -> Table:
    """Medians of all networks whose perplexity is known, as logarithms of 16 bits."""
    known = np.isfinite(measured(upstream, "perplexity"))
    columns = {GENES: Column(genes(upstream)[known], "", {"absent layers": 0})}
    for name in METRICS:
        if (scale, name) not in NOISE:
            numbers, about = packed(measured(upstream, name)[known])
            error = (about["high"] - about["low"]) / STEPS / 2
            columns[name] = Column(numbers, objective(name).unit, about | {"largest relative rounding error": error})
    about = {
        "rows": "measured networks whose perplexity is known, in upstream's order",
        "scale": scale,
        "values": f"exp(low + (high - low) / {STEPS} * number); medians of the repeats",
        "repeats": "10 of a latency, 50 of an energy",
        "seen and scored": "the same",
    }
    return Table(columns, SOURCE | about)


if __name__ == "__main__":
    main()
