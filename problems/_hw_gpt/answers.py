"""What the shipped tables answer: the model of a whole scale, or the values of the networks that were measured."""

from __future__ import annotations

import numpy as np

from mobench import Table, nearest
from mobench.problems._hw_gpt.additive import Additive
from mobench.problems._hw_gpt.coefficients import unfolded
from mobench.problems._hw_gpt.columns import EXACT, GENES, objective, unpacked, values
from mobench.problems._hw_gpt.scales import Scale
from mobench.problems._table.problem import Offer

LISTED = 3
"""Objectives of which the true front of a model is listed, at most."""


def modelled(scale: Scale, table: Table, names: tuple[str, ...]) -> Additive:
    """Counts and modelled logarithms of m objectives, as sums.

    Raises
    ------
    ValueError
        An objective that is unknown or not modelled, one named twice, or too many.
    """
    if not 1 <= len(names) <= LISTED or len(set(names)) < len(names):
        raise ValueError(
            f"objectives: expected one to {LISTED} different names, found {names}; for more take kind=measured: "
            "the true front of the surrogate would be too long to list"
        )
    offered = (*table.columns, *EXACT)
    for name in names:
        if name not in offered:
            cure = f"kind=measured may have it{nearest(name, offered)}"
            raise ValueError(f"objectives: {name!r} is unknown, or cannot be modelled well enough; {cure}")
    sums = [scale.costs(name) if name in EXACT else unfolded(table[name]) for name in names]
    base, terms = (np.stack(parts, axis=-1) for parts in zip(*sums, strict=True))
    return Additive(base, terms)


def held_out(table: Table, names: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """R2 (of the logarithm) and Kendall's tau on held-out networks, as the table has them; counts are exact."""
    abouts = {name: table.columns[name].about for name in names if name not in EXACT}
    known = {name: (float(about["held_out_r2"]), float(about["held_out_tau"])) for name, about in abouts.items()}
    return {name: known.get(name, (1.0, 1.0)) for name in names}


def offers(scale: Scale, table: Table) -> dict[str, Offer]:
    """All that a pool's table has, and what can be counted, by name; seen and scored are the same."""
    X = table[GENES].astype(np.int64)
    numbers = {name: unpacked(table, name) for name in table.columns if name != GENES}
    for name in EXACT:
        base, terms = scale.costs(name)
        numbers[name] = values((name,), Additive(base[..., None], terms[..., None]).totals(X))[:, 0]
    return {name: Offer(objective(name), column) for name, column in numbers.items()}
