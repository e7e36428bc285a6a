"""Labels of architectures: a column that says what each is called."""

from __future__ import annotations

import numpy as np

from mobench import Array, Space
from mobench.problems._table.cells import Sheet


def labels_of(sheet: Sheet, name: str, order: Array, counts: Array) -> list[str]:
    """One label an architecture.

    Parameters
    ----------
    sheet, name : Sheet, str
        The rows, and the column of labels.
    order, counts : Array
        (N,) rows by architecture, and (n,) how many each has.

    Raises
    ------
    ValueError
        Trials of one have different labels, or two have the same.
    """
    cells = [str(sheet.columns[name][i]) for i in order.tolist()]
    starts = (np.cumsum(counts) - counts).tolist()
    for i, start in enumerate(np.repeat(starts, counts).tolist()):
        if cells[i] != cells[start]:
            rows = sheet.rows[order[start]]
            raise ValueError(f"{sheet.at(name, order[i])}: {cells[i]!r} is called {cells[start]!r} in row {rows}")
    first: dict[str, int] = {}
    for start in starts:
        if (other := first.setdefault(cells[start], start)) != start:
            rows = sheet.rows[order[other]]
            raise ValueError(f"{sheet.at(name, order[start])}: {cells[start]!r} names what is in row {rows}, too")
    return list(first)


def labelled(space: Space, labels: list[str], X: Array) -> list[str]:
    """The labels of (k, d) architectures; of one that does not exist that of the nearest, which answers for it."""
    return [labels[i] for i in space.key(X).tolist()]
