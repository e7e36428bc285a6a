"""Blocks of a page made smaller, each in its way and saying so: their files hold everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mobench.report.front_panels import Front
from mobench.report.grid import Grid
from mobench.report.page import Code, Drawing, Leaf, Text
from mobench.report.tables import Table

__all__ = ["level", "thinned"]

FEWEST = 10
"""Rows of a table, and points of a set, that stay."""


def level(sizes: Sequence[int], limit: float) -> float:
    """The most that each may take so that all together take `limit`; infinite where they do anyway.

    Examples
    --------
    >>> level([10, 20, 90, 100], 100)
    35.0
    """
    left = float(limit)
    for i, size in enumerate(sorted(sizes)):
        if size * (len(sizes) - i) > left:
            return left / (len(sizes) - i)
        left -= size
    return float("inf")


def thinned(block: Leaf, share: float) -> Leaf:
    """The block with about so large a share of what it holds, and a sentence that says what is left."""
    match block:
        case Table():
            rows = max(FEWEST, int(0.9 * share * len(block.frame)))
            if rows >= len(block.frame):
                return block
            said = f"{block.caption} The first {rows:,} of {len(block.frame):,} rows: the page would be too large; its "
            best = [i for i in block.best if i < rows]
            return replace(block, frame=block.frame.head(rows), caption=said + "files have all.", best=best)
        case Front():
            return _front(block, 0.9 * share)
        case Drawing():
            said = f"{block.caption} Too large for this page: its files have it."
            return replace(block, svg="", caption=said)
        case Grid():
            return replace(block, choices=dict([next(iter(block.choices.items()))]))
        case Code():
            return replace(block, text=f"...{block.text[-int(0.9 * share * len(block.text)) :]}")
        case Text():
            return block


def _front(front: Front, share: float) -> Front:
    """Points of each set from end to end, evenly by the last objective."""
    name = front.objectives[-1].name
    sets: dict[str, pd.DataFrame] = {}
    for searcher, members in front.sets.items():
        column = name if name in members else members.columns[1]
        ordered = members.sort_values(column, kind="stable")
        kept = min(len(ordered), max(FEWEST, int(share * len(ordered))))
        sets[searcher] = ordered.iloc[np.unique(np.linspace(0, len(ordered) - 1, kept).round().astype(int))]
    counts = (sum(map(len, found.values())) for found in (sets, front.sets))
    said = "{:,} of {:,} points, evenly along each set: the page would be too large; the table's files have all."
    return replace(front, sets=sets, caption=f"{front.caption} {said.format(*counts)}")
