"""Latencies of ofa_mbv3 as sums over blocks: the Note10's measured ones, and fits to the networks that HELP timed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
from _ofa_fits import configurations, fit_of, one_hot, ridge, split, whole

from mobench import Array, Column
from mobench.problems._ofa_mbv3.genes import BLOCKS, CHOICES, DEEPEST, EXPANSIONS, KERNELS, RESOLUTIONS
from mobench.problems._ofa_mbv3.network import SQUEEZE, STRIDES, shapes

GPUS = {"v100_b64": "v100_64", "titan_rtx_b64": "titan_rtx_64", "titan_xp_b64": "titan_xp_64"}
WIDTH = 1.2
RIDGE = 0.1
STEP = 1e-4
"""Milliseconds of a whole number."""
HELD_OUT = 1000


def note10(folder: Path) -> Column:
    """Measured latencies of the blocks, the others in the first."""
    tables = json.loads(gzip.decompress((folder / "note10_lut.json.gz").read_bytes()))
    blocks = np.stack([_note10(tables[str(r)], r) for r in RESOLUTIONS], axis=-1)
    return Column(whole(blocks, STEP), "ms", {"step": STEP, "batch": 1, "width": WIDTH})


def _note10(latencies: dict[str, float], resolution: int) -> Array:
    blocks = np.empty((BLOCKS, CHOICES))
    names = set(latencies)
    for i, block in enumerate(shapes(resolution, width=WIDTH)):
        stage, position = divmod(i, DEEPEST)
        for choice in range(CHOICES):
            kernel, expansion = KERNELS[choice // len(EXPANSIONS)], EXPANSIONS[choice % len(EXPANSIONS)]
            name = (
                f"expanded_conv-input:{block.before}x{block.before}x{block.inputs}-output:{block.after}x{block.after}x"
                f"{block.outputs}-expand:{block.inputs * expansion}-kernel:{kernel}-"
                f"stride:{1 if position else STRIDES[stage]}-idskip:{int(position > 0)}-"
                f"se:{int(SQUEEZE[stage])}-hs:{int(stage > 1)}"
            )
            blocks[i, choice] = latencies[name]
            names.discard(name)
    blocks[0] += sum(latencies[name] for name in sorted(names))  # stem, its block, four layers behind the last stage
    return blocks


def timed(folder: Path, theirs: str) -> tuple[Array, Array, Array]:
    """Configurations (n, 20), resolutions (n,) and milliseconds (n,) of HELP's networks on a device."""
    upstream = np.load(folder / "help_ofa_latency.npz", allow_pickle=False)
    return configurations(upstream), upstream["r"].astype(np.int64), upstream[f"latency_{theirs}"].astype(np.float64)


def by_area(networks: Array, resolutions: Array) -> Array:
    """Features of a latency, (n, 385): each resolution, each configuration of a block, and it times its area."""
    grid, kinds = one_hot(networks), np.unique(resolutions)
    area = np.array([[b.after**2 for b in shapes(r)] for r in kinds], dtype=np.float64)
    area /= area[-1]
    scaled = grid * area[np.searchsorted(kinds, resolutions)][:, :, None]
    each = resolutions[:, None] == kinds
    return np.column_stack([each, grid.reshape(len(grid), -1), scaled.reshape(len(grid), -1)])


def gpu(folder: Path, theirs: str) -> Column:
    """A latency that adds up over blocks, fitted to networks at 25 resolutions from 128 to 224."""
    networks, resolutions, latency = timed(folder, theirs)
    train, test = split(len(networks), HELD_OUT)
    features = by_area(networks, resolutions)
    coefficients, intercept = ridge(features[train], latency[train], RIDGE)
    about = fit_of(features[test] @ coefficients + intercept, latency[test])
    kinds = np.unique(resolutions)
    each, fixed, scaled = np.split(coefficients, [len(kinds), len(kinds) + BLOCKS * CHOICES])
    area = np.array([[b.after**2 for b in shapes(r)] for r in kinds], dtype=np.float64)
    terms = []
    for r in RESOLUTIONS:
        at = int(np.searchsorted(kinds, r))
        terms.append(fixed.reshape(BLOCKS, -1) + scaled.reshape(BLOCKS, -1) * (area[at] / area[-1])[:, None])
        terms[-1][0] += each[at] + intercept
    about |= {"held_out": len(test), "train": len(train), "step": STEP, "batch": 64, "width": WIDTH}
    return Column(whole(np.stack(terms, axis=-1), STEP), "ms", about)
