"""Rows of a table as architectures: which rows are trials of one, and the space that the architectures make up."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from mobench import Array, Space
from mobench.problems._table.cells import Cells, Sheet, to_choices
from mobench.problems._table.header import Gene, Header
from mobench.problems._table.labels import labelled, labels_of
from mobench.problems._table.problem import LARGEST_TRIALS, genes_by_name


@dataclass(frozen=True, eq=False)
class Architectures:
    """The n architectures of N rows.

    Attributes
    ----------
    space : Space
        Of the architectures, in their order.
    written : callable
        (k, d) architectures to k texts.
    order : Array
        (N,) rows by architecture, and those of one by trial.
    counts : Array
        (n,) how many rows each has.
    """

    space: Space
    written: Callable[[Array], list[str]]
    order: Array
    counts: Array

    @cached_property
    def starts(self) -> Array:
        """Where in `order` the rows of each begin, (n,)."""
        return np.concatenate([[0], np.cumsum(self.counts)[:-1]])

    @cached_property
    def trials(self) -> Array:
        """The rows that are trials of each, (n, k), so often that each of its own is there equally often.

        Raises
        ------
        ValueError
            That would not fit into memory.
        """
        k = math.lcm(*np.unique(self.counts).tolist())
        if k * len(self.counts) > LARGEST_TRIALS:
            least, most = self.counts.min(), self.counts.max()
            raise ValueError(f"trial: {least} to {most} rows an architecture share {k:,} draws; give each equally many")
        places: Array = self.starts[:, None] + np.arange(k) % self.counts[:, None]
        return self.order[places]

    def mean(self, values: Array) -> Array:
        """Mean of (N,) `values` over the rows of each architecture, (n,); exact where they are equal."""
        ordered = values[self.order]
        least, most = (part.reduceat(ordered, self.starts) for part in (np.minimum, np.maximum))
        mean: Array = np.where(least == most, least, np.add.reduceat(ordered, self.starts) / self.counts)
        return mean

    def standard_error(self, values: Array) -> Array:
        """Standard error of `mean`, (n,); NaN where there is one row."""
        squares = (values[self.order] - np.repeat(self.mean(values), self.counts)) ** 2
        total = np.add.reduceat(squares, self.starts)
        with np.errstate(divide="ignore", invalid="ignore"):
            error: Array = np.sqrt(total / (self.counts - 1) / self.counts)
        return error


def architectures(sheet: Sheet, header: Header) -> Architectures:
    """What a table's rows are, by their genes or, where there are none, by their label.

    Raises
    ------
    ValueError
        Rows that are no trials have the same genes or labels, or combinations of genes lack a row and may not.
    """
    n = len(sheet.rows)
    genes = header.genes or ([Gene(column=header.label)] if header.label else [])
    if not genes:
        if header.trial:
            raise ValueError("trial: needs `genes` or a `label`, which say what rows are trials of one architecture")
        space = Space((n,), ("row",))
        return Architectures(space, partial(genes_by_name, space.names, (sheet.rows.tolist(),)), *_one_each(n))
    coded = [to_choices(sheet, gene.column, gene.values) for gene in genes]
    numbers, choices = np.column_stack([code for code, _ in coded]), tuple(values for _, values in coded)
    names = tuple(gene.name or gene.column for gene in genes)
    distinct("genes", names)
    order, counts = _grouped(sheet, header, numbers)
    rows = numbers[order][np.concatenate([[0], np.cumsum(counts)[:-1]])]
    space = _space(sheet.path, header, rows, names, choices)
    if header.label:
        labels = labels_of(sheet, header.label, order, counts)
        return Architectures(space, partial(labelled, space, labels), order, counts)
    return Architectures(space, partial(genes_by_name, names, choices), order, counts)


def _one_each(n: int) -> tuple[Array, Array]:
    return np.arange(n), np.ones(n, dtype=np.int64)


def distinct(what: str, names: tuple[str, ...]) -> None:
    """ValueError where a name of genes or objectives is used twice."""
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ValueError(f"{what}: the name {twice[0]!r} is used twice; names must differ")


def _grouped(sheet: Sheet, header: Header, genes: Array) -> tuple[Array, Array]:
    """Rows by (N, d) genes and by trial, (N,), and how many have the same genes, (n,).

    Raises
    ------
    ValueError
        Rows have the same genes and are no trials, or the same genes and the same trial.
    """
    keys = genes if header.trial is None else np.column_stack([genes, to_choices(sheet, header.trial, None)[0]])
    order = np.lexsort(keys.T[::-1])
    new = (np.diff(keys[order], axis=0) != 0).any(axis=1)
    if not new.all():
        raise ValueError(_repeats(sheet, header, genes, sheet.rows[order[np.argmin(new) :][:2]], int((~new).sum())))
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(genes[order], axis=0) != 0).any(axis=1)]))
    return order, np.diff(np.concatenate([starts, [len(genes)]]))


def _repeats(sheet: Sheet, header: Header, genes: Array, pair: Array, count: int) -> str:
    """That rows are repeated, how many are, and what can be done about it."""
    what = "genes" if header.genes else "label"
    many = f"; repeats in all: {count:,} of {len(genes):,} rows"
    if header.trial:
        return f"{sheet.path}: rows {pair[0]} and {pair[1]} have the same {what} and {header.trial!r}{many}; keep one"
    column = _tells_apart(sheet, header, genes)
    differ = "add the gene that differs to `genes`" if header.genes else "give each a label of its own"
    cure = f'set `trial = "{column}"`' if column else 'number these in a column, and name it: `trial = "COLUMN"`'
    return (
        f"{sheet.path}: rows {pair[0]} and {pair[1]} have the same {what}{many}; if they are repeated trainings, {cure}"
        f"; else {differ}, or keep one row of each"
    )


def _tells_apart(sheet: Sheet, header: Header, genes: Array) -> str:
    """Which column that the header does not name may number the repeats, that of the fewest values; empty if none."""
    others, most = {}, int(np.unique(genes, axis=0, return_counts=True)[1].max())
    for name in sheet.columns.keys() - {*header.texts, *header.numbers}:
        cells = [str(cell) for cell in sheet.columns[name]]
        values, codes = np.unique(cells, return_inverse=True)
        apart = len(np.unique(np.column_stack([genes, codes]), axis=0)) == len(cells)
        if apart and len(values) <= 2 * most:  # more values are results, not numbers of repeats
            others[name] = len(values)
    return min(others, key=lambda name: (others[name], name), default="")


def _space(path: Path, header: Header, rows: Array, names: tuple[str, ...], choices: tuple[Cells, ...]) -> Space:
    """The space of (n, d) rows in lexicographic order: all combinations, or a pool of these."""
    shape = tuple(map(len, choices))
    if len(rows) == math.prod(shape):
        return Space(shape, names, values=choices)
    if header.missing == "refuse":
        gap = genes_by_name(names, choices, _first_gap(rows, shape)[None])[0]
        raise ValueError(
            f"{path}: {len(rows):,} of the {math.prod(shape):,} combinations of genes have a row ({gap!r} has none); "
            'set `missing = "nearest"` to search the rows there are, each other combination answered by the nearest of '
            "them, or leave `genes` out to search over bare row numbers"
        )
    return Space(shape, names, pool=rows, values=choices)


def _first_gap(rows: Array, shape: tuple[int, ...]) -> Array:
    """The first combination, (d,), that is not among (n, d) rows in lexicographic order, which are not all."""
    expected, counted = np.empty_like(rows), np.arange(len(rows))
    for j in reversed(range(len(shape))):  # the last gene counts up first
        counted, expected[:, j] = np.divmod(counted, shape[j])
    differs = (rows != expected).any(axis=1)
    if differs.any():
        gap: Array = expected[np.argmax(differs)]
        return gap
    gap, last = expected[-1].copy(), len(rows)
    for j in reversed(range(len(shape))):
        last, gap[j] = divmod(last, shape[j])
    return gap
