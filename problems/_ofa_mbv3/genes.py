"""The genes of a once-for-all MobileNetV3: a resolution, and depth, kernels and expansions of five stages."""

from __future__ import annotations

import numpy as np

from mobench import Array, Space

RESOLUTIONS = (160, 176, 192, 208, 224)
"""What the accuracy predictor was trained on and the Note10 was measured at: see the page."""
DEPTHS = (2, 3, 4)
KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
STAGES = 5
DEEPEST = DEPTHS[-1]
BLOCKS = STAGES * DEEPEST
CHOICES = len(KERNELS) * len(EXPANSIONS)
"""Configurations of a block: the kernel's gene times three plus the expansion's."""
NAMES = (
    "resolution",
    *(
        name
        for stage in range(1, STAGES + 1)
        for name in (f"depth {stage}", *(f"{g} {stage}.{b + 1}" for b in range(DEEPEST) for g in ("kernel", "expand")))
    ),
)


def space() -> Space:
    """46 genes, stage after stage; those of a block that a stage is not deep enough for decide nothing."""
    meant = (RESOLUTIONS, *(DEPTHS, *(KERNELS, EXPANSIONS) * DEEPEST) * STAGES)
    return Space(tuple(map(len, meant)), NAMES, inactive=inactive, values=meant)


def inactive(X: Array) -> Array:
    """Which genes of (n, 46) rows belong to absent blocks; (n, 46), bool."""
    absent = np.zeros((len(X), STAGES, 1 + 2 * DEEPEST), dtype=bool)
    absent[:, :, 1:] = np.repeat(~_present(X), 2, axis=2)
    return np.column_stack([np.zeros(len(X), dtype=bool), absent.reshape(len(X), STAGES * (1 + 2 * DEEPEST))])


def _present(X: Array) -> Array:
    """Which blocks (n, 46) rows have; (n, 5, 4), bool."""
    present: Array = np.arange(DEEPEST) < _stages(X)[:, :, :1] + DEPTHS[0]
    return present


def _stages(X: Array) -> Array:
    return X[:, 1:].reshape(len(X), STAGES, 1 + 2 * DEEPEST)


def blocks(X: Array) -> Array:
    """Configuration of each block of (n, 46) rows, `CHOICES` where it is absent; (n, 20)."""
    genes = _stages(X)
    configurations = len(EXPANSIONS) * genes[:, :, 1::2] + genes[:, :, 2::2]
    return np.where(_present(X), configurations, CHOICES).reshape(len(X), BLOCKS)


def rows(resolution: int, configurations: Array) -> Array:
    """Rows (n, 46) of one gene of the resolution and (n, 20) configurations: the inverse of `blocks`."""
    n = len(configurations)
    chosen = configurations.reshape(n, STAGES, DEEPEST)
    absent = chosen == CHOICES
    genes = np.zeros((n, STAGES, 1 + 2 * DEEPEST), dtype=np.int64)
    genes[:, :, 0] = DEEPEST - DEPTHS[0] - absent.sum(axis=2)
    genes[:, :, 1::2], genes[:, :, 2::2] = np.divmod(np.where(absent, 0, chosen), len(EXPANSIONS))
    return np.column_stack([np.full(n, resolution), genes.reshape(n, -1)])


def decode(X: Array) -> list[str]:
    """Resolution, then stage by stage the kernel and the expansion of each block, ``224 | 3x3e6 5x5e4 | ...``."""
    words = [f"{kernel}x{kernel}e{expansion}" for kernel in KERNELS for expansion in EXPANSIONS] + [""]
    written = []
    for gene, chosen in zip(X[:, 0].tolist(), blocks(X).reshape(len(X), STAGES, DEEPEST).tolist(), strict=True):
        stages = (" ".join(words[block] for block in stage if words[block]) for stage in chosen)
        written.append(" | ".join([str(RESOLUTIONS[gene]), *stages]))
    return written
