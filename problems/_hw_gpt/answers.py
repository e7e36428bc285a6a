"""What a shipped table says of chosen objectives: the model of a whole scale, or the values of a pool."""

from __future__ import annotations

import numpy as np

from mobench import Array, Table
from mobench.problems._hw_gpt.additive import Additive
from mobench.problems._hw_gpt.coefficients import unfolded
from mobench.problems._hw_gpt.columns import EXACT, GENES, unpacked, values
from mobench.problems._hw_gpt.scales import Scale


def offered(table: Table) -> list[str]:
    """Names of the objectives that a table can answer for."""
    return [*(name for name in table.columns if name != GENES), *EXACT]


def modelled(scale: Scale, table: Table, names: tuple[str, ...]) -> Additive:
    """Counts and modelled logarithms of m objectives, as sums."""
    sums = [scale.costs(name) if name in EXACT else unfolded(table[name]) for name in names]
    base, terms = (np.stack(parts, axis=-1) for parts in zip(*sums, strict=True))
    return Additive(base, terms)


def held_out(table: Table, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """R2 (of the logarithm) and Kendall's tau on held-out networks, as the table has them; counts are exact."""
    abouts = {name: table.columns[name].about for name in names if name not in EXACT}
    known = {name: (float(about["held_out_r2"]), float(about["held_out_tau"])) for name, about in abouts.items()}
    return {name: known.get(name, (1.0, 1.0)) for name in names}


def measured(scale: Scale, table: Table, names: tuple[str, ...]) -> Array:
    """Values of the N networks of a pool, counted where they can be; (N, m)."""
    X = table[GENES].astype(np.int64)
    return np.column_stack([_counted(scale, X, name) if name in EXACT else unpacked(table, name) for name in names])


def _counted(scale: Scale, X: Array, name: str) -> Array:
    base, terms = scale.costs(name)
    return values((name,), Additive(base[..., None], terms[..., None]).totals(X))
