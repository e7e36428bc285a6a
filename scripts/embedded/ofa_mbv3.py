"""Make ofa_mbv3's table: an error model fitted to measured sub-networks, and latencies that add up over blocks.

python scripts/embedded/ofa_mbv3.py --shared ../shared/data --to problems/_embedded

`--shared` is a folder with, in ofa_mbv3/: dynast_measured.npz (IntelLabs/DyNAS-T 251cb5e: sub-networks of width 1.0 and
their top-1), acc_predictor_f16.npz and note10_lut.json.gz (mit-han-lab/once-for-all 6a47124: the accuracy predictor and
the block latencies of width 1.2), help_ofa_latency.npz (HayeonLee/HELP 45f70eb: 5,000 sub-networks timed on GPUs).
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from mobench import Array, Column, Table, save_table
from mobench.problems._ofa_mbv3.genes import BLOCKS, CHOICES, DEEPEST, EXPANSIONS, KERNELS, RESOLUTIONS, STAGES
from mobench.problems._ofa_mbv3.network import SQUEEZE, STRIDES, shapes

FLOOR = 21.0
"""Per cent of error below which the model never goes at 224; cross-validated on the networks of the fit."""
RIDGE = {"error": 1.0, "latency": 0.1}
STEP = {"error": 1e-6, "latency": 1e-4}
"""Units of the whole numbers: of the logarithm, and of milliseconds."""
HELD_OUT = {"error": 432, "latency": 1000}
"""Networks that are not in the fit."""
SAMPLED = 20_000
"""Random networks at which the predictor is asked; as many again are held out."""
GPUS = {"v100_b64": "v100_64", "titan_rtx_b64": "titan_rtx_64", "titan_xp_b64": "titan_xp_64"}
PREDICTED = (112, 128, 144, *RESOLUTIONS)
"""Resolutions that the predictor has an input for; those of the first three still have the weights they began with."""
WIDTH = 1.2
"""Of the Note10's and the predictor's networks."""
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


def one_hot(configurations: Array) -> Array:
    """Which of nine configurations (n, 20) blocks have; (n, 20, 9), zero for absent ones."""
    return (configurations[:, :, None] == np.arange(CHOICES)).astype(np.float64)


def configurations(upstream: Any) -> Array:
    """Configurations (n, 20) of upstream's kernels, expansions and depths; 9 where a block is absent."""
    chosen = len(EXPANSIONS) * np.searchsorted(KERNELS, upstream["ks"]) + np.searchsorted(EXPANSIONS, upstream["e"])
    present = np.tile(np.arange(DEEPEST), STAGES) < np.repeat(upstream["d"], DEEPEST, axis=1)
    return np.where(present, chosen, CHOICES)


def measured(folder: Path) -> tuple[Array, Array]:
    """Configurations (n, 20) of the distinct measured networks, and the means of their errors in per cent, (n,)."""
    upstream = np.load(folder / "dynast_measured.npz", allow_pickle=False)
    networks, member = np.unique(configurations(upstream), axis=0, return_inverse=True)
    top1 = np.bincount(member.ravel(), upstream["top1"].astype(np.float64)) / np.bincount(member.ravel())
    return networks, 100.0 - top1


def split(n: int, held_out: int) -> tuple[Array, Array]:
    """Rows of the fit and held-out rows."""
    order = np.random.default_rng(0).permutation(n)
    return order[held_out:], order[:held_out]


def ridge(features: Array, values: Array, penalty: float) -> tuple[Array, float]:
    """Coefficients and intercept, which is not penalised."""
    centre = features.mean(axis=0)
    centred = features - centre
    gram = centred.T @ centred + penalty * np.eye(features.shape[1])
    coefficients = np.linalg.solve(gram, centred.T @ (values - values.mean()))
    return coefficients, float(values.mean() - centre @ coefficients)


def fit_of(predicted: Array, truth: Array) -> dict[str, float]:
    """R2 and Kendall's tau, as the table's header has them."""
    r2 = 1 - ((predicted - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    return {"held_out_r2": round(float(r2), 4), "held_out_tau": round(float(kendalltau(predicted, truth)[0]), 4)}


def effects(networks: Array, errors: Array, *, floor: float = FLOOR) -> Array:
    """Logarithm of the error above the floor as a sum over blocks, (20, 9): an effect of the kernel, one of the expansion.

    Depths need none of their own: a block that is there adds what its depth is worth.
    """
    grid = one_hot(networks).reshape(-1, BLOCKS, len(KERNELS), len(EXPANSIONS))
    features = np.concatenate([grid.sum(axis=3), grid.sum(axis=2)], axis=2).reshape(len(grid), -1)
    coefficients, intercept = ridge(features, np.log(errors - floor), RIDGE["error"])
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
    present = np.tile(np.arange(DEEPEST), STAGES) < np.repeat(rng.integers(2, DEEPEST + 1, (n, STAGES)), DEEPEST, axis=1)
    return np.where(present, rng.integers(0, CHOICES, (n, BLOCKS)), CHOICES)


def error(folder: Path) -> Column:
    """The error at 224 from measurements; what a lower resolution adds is a line through the predictor's differences."""
    networks, errors = measured(folder)
    train, test = split(len(networks), HELD_OUT["error"])
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
    about |= {"held_out": len(test), "train": len(train), "floor": floor, "step": STEP["error"]}
    about |= {"held_out_predictor": unmeasured, "value": "floor + exp(step x sum)"}
    return Column(whole(np.stack(logs, axis=-1), "error"), "%", about)


def whole(blocks: Array, kind: str) -> Array:
    """Terms (20, 9, resolutions) in whole steps, (180, resolutions)."""
    return np.rint(blocks / STEP[kind]).astype(np.int32).reshape(BLOCKS * CHOICES, -1)


def note10(folder: Path) -> Column:
    """Measured latencies of the blocks, the others in the first."""
    tables = json.loads(gzip.decompress((folder / "note10_lut.json.gz").read_bytes()))
    blocks = np.stack([_note10(tables[str(r)], r) for r in RESOLUTIONS], axis=-1)
    return Column(whole(blocks, "latency"), "ms", {"step": STEP["latency"], "batch": 1, "width": WIDTH})


def _note10(latencies: dict[str, float], resolution: int) -> Array:
    blocks, fixed = np.empty((BLOCKS, CHOICES)), 0.0
    names = set(latencies)
    for i, block in enumerate(shapes(resolution, width=WIDTH)):
        stage, position = divmod(i, DEEPEST)
        for choice in range(CHOICES):
            kernel, expansion = KERNELS[choice // len(EXPANSIONS)], EXPANSIONS[choice % len(EXPANSIONS)]
            name = (
                f"expanded_conv-input:{block.before}x{block.before}x{block.inputs}-output:{block.after}x{block.after}x"
                f"{block.outputs}-expand:{block.inputs * expansion}-kernel:{kernel}-stride:"
                f"{1 if position else STRIDES[stage]}-idskip:{int(position > 0)}-se:{int(SQUEEZE[stage])}-hs:{int(stage > 1)}"
            )
            blocks[i, choice] = latencies[name]
            names.discard(name)
    fixed = sum(latencies[name] for name in names)  # stem, its block, and the four layers behind the last stage
    blocks[0] += fixed
    return blocks


def timed(folder: Path, theirs: str) -> tuple[Array, Array, Array]:
    """Configurations (n, 20), resolutions (n,) and milliseconds (n,) of HELP's networks on a device."""
    upstream = np.load(folder / "help_ofa_latency.npz", allow_pickle=False)
    return configurations(upstream), upstream["r"].astype(np.int64), upstream[f"latency_{theirs}"].astype(np.float64)


def by_area(networks: Array, resolutions: Array) -> Array:
    """Features of a latency, (n, 385): each resolution, each configuration of a block, and it by the area it works on."""
    grid, kinds = one_hot(networks), np.unique(resolutions)
    area = np.array([[b.after**2 for b in shapes(r)] for r in kinds], dtype=np.float64)
    area /= area[-1]
    scaled = grid * area[np.searchsorted(kinds, resolutions)][:, :, None]
    each = resolutions[:, None] == kinds
    return np.column_stack([each, grid.reshape(len(grid), -1), scaled.reshape(len(grid), -1)])


def gpu(folder: Path, theirs: str) -> Column:
    """A latency that adds up over blocks, fitted to networks at 25 resolutions from 128 to 224."""
    networks, resolutions, latency = timed(folder, theirs)
    train, test = split(len(networks), HELD_OUT["latency"])
    features = by_area(networks, resolutions)
    coefficients, intercept = ridge(features[train], latency[train], RIDGE["latency"])
    about = fit_of(features[test] @ coefficients + intercept, latency[test])
    kinds = np.unique(resolutions)
    each, fixed, scaled = np.split(coefficients, [len(kinds), len(kinds) + BLOCKS * CHOICES])
    area = np.array([[b.after**2 for b in shapes(r)] for r in kinds], dtype=np.float64)
    terms = []
    for r in RESOLUTIONS:
        at = int(np.searchsorted(kinds, r))
        terms.append(fixed.reshape(BLOCKS, -1) + scaled.reshape(BLOCKS, -1) * (area[at] / area[-1])[:, None])
        terms[-1][0] += each[at] + intercept
    about |= {"held_out": len(test), "train": len(train), "step": STEP["latency"], "batch": 64, "width": WIDTH}
    return Column(whole(np.stack(terms, axis=-1), "latency"), "ms", about)


if __name__ == "__main__":
    main()
