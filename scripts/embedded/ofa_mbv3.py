"""Make ofa_mbv3's table: an error model fitted to measured sub-networks, and latencies that add up over blocks.

python scripts/embedded/ofa_mbv3.py --shared PATH --to problems/_embedded

`--shared` is a folder with, in ofa_mbv3/: dynast_measured.npz (IntelLabs/DyNAS-T 251cb5e: sub-networks of width 1.0 and
their top-1), acc_predictor_f16.npz and note10_lut.json.gz (mit-han-lab/once-for-all 6a47124: the accuracy predictor and
the block latencies of width 1.2), help_ofa_latency.npz (HayeonLee/HELP 45f70eb: 5,000 sub-networks timed on GPUs).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from _ofa_fits import configurations, fit_of, one_hot, ridge, split, whole
from _ofa_latency import GPUS, gpu, note10

from mobench import Array, Column, Table, save_table
from mobench.problems._ofa_mbv3.genes import (
    BLOCKS,
    CHOICES,
    DEEPEST,
    DEPTHS,
    EXPANSIONS,
    KERNELS,
    RESOLUTIONS,
    STAGES,
)

FLOOR = 21.0
"""Per cent of error below which the model never goes at 224; cross-validated on the networks of the fit."""
RIDGE = 1.0
STEP = 1e-6
"""Of the logarithm: a whole number."""
HELD_OUT = 432
"""Networks that are not in the fit."""
SAMPLED = 20_000
"""Random networks at which the predictor is asked; as many again are held out."""
PREDICTED = (112, 128, 144, *RESOLUTIONS)
"""Resolutions that the predictor has an input for; those of the first three still have the weights they began with."""
ABOUT: dict[str, Any] = {
    "title": "Once-for-all MobileNetV3: an additive model of measured sub-networks",
    "source": "error: github.com/IntelLabs/DyNAS-T 251cb5e, and answers of the predictor of mit-han-lab/once-for-all "
    "6a47124; latency:note10: mit-han-lab/once-for-all 6a47124; other latencies: HayeonLee/HELP 45f70eb",
    "licence": "Apache-2.0 (DyNAS-T, once-for-all at that commit), MIT (HELP)",
    "rows": "kernel 3, 5, 7 x expansion 3, 4, 6 of blocks 1 to 4 of stages 1 to 5, the last the fastest; the first "
    "block carries what all networks share",
    "columns": f"resolutions {', '.join(map(str, RESOLUTIONS))}",
    "split": "numpy.random.default_rng(0).permutation(networks): the first are held out",
    "errata": [
        "the predictor's inputs for resolutions 112, 128 and 144 are untrained",
        "errors are of width 1.0, latencies of width 1.2; the predictor's of width 1.2 are brought to 1.0 by a line",
        "latencies of batch 1 are noise and left out",
    ],
}


def main() -> None:
    """Read the options, write the table and say how well it fits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the reference data")
    parser.add_argument("--to", type=Path, default=Path("problems/_embedded"), help="where the table goes")
    options = parser.parse_args()
    folder = options.shared / "ofa_mbv3"
    columns = {"error": error(folder), "latency:note10": note10(folder)}
    columns |= {f"latency:{name}": gpu(folder, theirs) for name, theirs in GPUS.items()}
    path = options.to / "ofa_mbv3.npz"
    save_table(path, Table(columns, ABOUT), compress=True)
    print(f"{path}: {path.stat().st_size:,} bytes")
    for name, column in columns.items():
        print(name, {key: value for key, value in column.about.items() if key.startswith("held_out")})


def measured(folder: Path) -> tuple[Array, Array]:
    """Configurations (n, 20) of the distinct measured networks, and the means of their errors in per cent, (n,)."""
    upstream = np.load(folder / "dynast_measured.npz", allow_pickle=False)
    networks, member = np.unique(configurations(upstream), axis=0, return_inverse=True)
    top1 = np.bincount(member.ravel(), upstream["top1"].astype(np.float64)) / np.bincount(member.ravel())
    return networks, 100.0 - top1


def effects(networks: Array, errors: Array, *, floor: float = FLOOR) -> Array:
    """Logarithm of the error above the floor as a sum over blocks, (20, 9), of effects of kernel and of expansion.

    Depths need none of their own: a block that is there adds what its depth is worth.
    """
    grid = one_hot(networks).reshape(-1, BLOCKS, len(KERNELS), len(EXPANSIONS))
    features = np.concatenate([grid.sum(axis=3), grid.sum(axis=2)], axis=2).reshape(len(grid), -1)
    coefficients, intercept = ridge(features, np.log(errors - floor), RIDGE)
    kernel, expansion = np.split(coefficients.reshape(BLOCKS, -1), [len(KERNELS)], axis=1)
    blocks = (kernel[:, :, None] + expansion[:, None, :]).reshape(BLOCKS, CHOICES)
    blocks[0] += intercept
    return blocks


def modelled(networks: Array, blocks: Array, *, floor: float = FLOOR) -> Array:
    """Errors (n,) at 224 in per cent by the effects (20, 9)."""
    return floor + np.exp(np.einsum("nbc,bc->n", one_hot(networks), blocks))


def predicted(folder: Path, networks: Array, resolution: int) -> Array:
    """Errors (n,) in per cent by the official predictor; its inputs are kernels, expansions, resolution."""
    grid = one_hot(networks).reshape(-1, BLOCKS, len(KERNELS), len(EXPANSIONS))
    asked = np.tile(np.equal(PREDICTED, resolution), (len(networks), 1))
    h = np.column_stack([grid.sum(axis=3).reshape(len(grid), -1), grid.sum(axis=2).reshape(len(grid), -1), asked])
    weights = np.load(folder / "acc_predictor_f16.npz", allow_pickle=False)
    for layer in (0, 2, 4):
        h = np.maximum(h @ weights[f"{layer}.weight"].T.astype(np.float64) + weights[f"{layer}.bias"], 0.0)
    return 100.0 - 100.0 * (h @ weights["6.weight"].T.astype(np.float64) + weights["6.bias"])[:, 0]


def drawn(n: int, seed: int) -> Array:
    """Configurations (n, 20) of networks with uniform kernels, expansions and depths."""
    rng = np.random.default_rng(seed)
    depths = np.repeat(rng.integers(DEPTHS[0], DEEPEST + 1, (n, STAGES)), DEEPEST, axis=1)
    return np.where(np.tile(np.arange(DEEPEST), STAGES) < depths, rng.integers(0, CHOICES, (n, BLOCKS)), CHOICES)


def error(folder: Path) -> Column:
    """The error at 224 from measurements; a lower resolution adds a line through the predictor's differences."""
    networks, errors = measured(folder)
    train, test = split(len(networks), HELD_OUT)
    blocks = effects(networks[train], errors[train])
    about = fit_of(modelled(networks[test], blocks), errors[test])
    sample, other = drawn(SAMPLED, 1), drawn(SAMPLED, 2)
    at_224, at_224_other = modelled(sample, blocks), modelled(other, blocks)
    answers, answers_other = ({r: predicted(folder, X, r) for r in RESOLUTIONS} for X in (sample, other))
    floor, logs, unmeasured = [], [], {}
    for r in RESOLUTIONS:
        slope, offset = np.polyfit(at_224, answers[r] - answers[RESOLUTIONS[-1]], 1)
        floor.append(float(FLOOR + slope * FLOOR + offset))
        logs.append(blocks.copy())
        logs[-1][0] += np.log1p(slope)
        line = np.polyfit(at_224, answers[r], 1)
        unmeasured[str(r)] = list(fit_of(np.polyval(line, at_224_other), answers_other[r]).values())
    about |= {"held_out": len(test), "train": len(train), "floor": floor, "step": STEP}
    about |= {"held_out_predictor": unmeasured, "value": "floor + exp(step x sum)"}
    return Column(whole(np.stack(logs, axis=-1), STEP), "%", about)


if __name__ == "__main__":
    main()
