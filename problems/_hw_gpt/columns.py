"""The numbers of HW-GPT-Bench that ship: names, units, and how they are packed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mobench import Array, Objective, Table

EXACT: Mapping[str, float] = {"params": 1e-6, "flops": 1e-9}
"""Objectives that are counted, and the unit of which the objective has millions or billions."""
GENES = "genes"
"""Column of a pool's rows, (N, d); all others are values."""
RESOLUTION = 2.0**-24
"""Step of the modelled logarithms, which are whole multiples of it, so that their sums are exact."""
STEPS = 65_535
"""Steps of a measured logarithm from its least to its greatest value."""
_UNITS = {"latency": "ms", "energy": "Wh", "memory": "MB", "params": "M", "flops": "G"}


def objective(name: str) -> Objective:
    """The objective of this name, minimised."""
    return Objective(name, _UNITS.get(name.partition(":")[0], ""))


def values(names: tuple[str, ...], totals: Array) -> Array:
    """Values (n, m) in their units of whole numbers (n, m): counts, or logarithms in steps of `RESOLUTION`."""
    pairs = zip(names, totals.T, strict=True)
    return np.column_stack([total * EXACT[n] if n in EXACT else np.exp(total * RESOLUTION) for n, total in pairs])


def packed(column: Array) -> tuple[Array, dict[str, float]]:
    """Positive numbers as logarithms in `STEPS` steps, (n,) uint16, and what `unpacked` needs."""
    logs = np.log(np.asarray(column, dtype=np.float64))
    low, high = float(logs.min()), float(logs.max())
    return np.rint((logs - low) / (high - low) * STEPS).astype(np.uint16), {"low": low, "high": high}


def unpacked(table: Table, name: str) -> Array:
    """The numbers of a packed column, (n,)."""
    column = table.columns[name]
    low, high = column.about["low"], column.about["high"]
    numbers: Array = np.exp(low + (high - low) / STEPS * column.values)
    return numbers
