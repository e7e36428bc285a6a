"""Table: any tabular benchmark, from a CSV or Parquet file and a TOML header of some ten lines.

The header names the file, the columns that are genes, the objectives (with the columns that a searcher sees and the
one that is scored) and, optionally, what a training costs. ``docs/problems/tables/table.md`` describes it.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np

from mobench import Array, Objective, Space
from mobench.problems._table.file import Cells, Criterion, Header, read_columns, read_header, to_choices, to_numbers
from mobench.problems._table.problem import Offer, TableProblem, genes_by_name, table_problem


def problem(*, path: str) -> TableProblem:
    """Build the problem of the TOML header at `path`; the table lies where the header says, seen from its folder.

    Parameters
    ----------
    path
        The TOML header.

    Raises
    ------
    ValueError
        The header or the table is missing, damaged or inconsistent: one line with the file, the place and the cure.
    """
    header = read_header(Path(path))
    file = Path(path).parent / header.data
    cells = read_columns(file, _columns(header))
    numbers = {
        name: np.array(to_numbers(file, name, cells[name]))
        for name in _columns(Header.model_construct(objectives=header.objectives, cost=header.cost))
    }
    space, order, choices = _space(header, file, cells)
    _distinct("objectives", [criterion.name for criterion in header.objectives])
    flops, seconds = (_price(file, name, numbers, order) for name in (header.cost.flops, header.cost.seconds))
    return table_problem(
        space,
        [_offer(criterion, numbers, order) for criterion in header.objectives],
        written=partial(genes_by_name, space.names, choices),
        flops=flops,
        seconds=seconds,
        provenance=header.provenance,
    )


def _columns(header: Header) -> list[str]:
    """Names of all columns that a header mentions."""
    names = [gene.column for gene in header.genes]
    for objective in header.objectives:
        names += [*objective.trials, *([objective.scored] if objective.scored else [])]
    return list(dict.fromkeys([*names, *filter(None, (header.cost.flops, header.cost.seconds))]))


def _distinct(what: str, names: list[str]) -> None:
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ValueError(f"{what}: the name {twice[0]!r} is used twice; names must differ")


def _offer(criterion: Criterion, numbers: dict[str, Array], order: Array) -> Offer:
    """One objective, its rows in the order of the space; the mean of the trials is scored where no column is."""
    trials = np.column_stack([numbers[name] for name in criterion.trials])[order]
    scored = numbers[criterion.scored][order] if criterion.scored else trials.mean(axis=1)
    return Offer(Objective(criterion.name, criterion.unit, criterion.maximise, limit=criterion.limit), scored, trials)


def _price(file: Path, name: str | None, numbers: dict[str, Array], order: Array) -> Array | float:
    if name is None:
        return 0.0
    if (numbers[name] < 0).any():
        raise ValueError(f"{file}: column {name!r}, row {int(np.argmax(numbers[name] < 0)) + 1}: a cost below zero")
    return numbers[name][order]


def _space(header: Header, file: Path, cells: dict[str, Cells]) -> tuple[Space, Array, tuple[Cells, ...]]:
    """The space, which row of the file each of its rows is, and what the numbers of each gene mean."""
    n = len(next(iter(cells.values())))
    if not header.genes:
        return Space((n,), ("row",)), np.arange(n), (list(range(1, n + 1)),)
    coded = [to_choices(file, gene.column, cells[gene.column], gene.values) for gene in header.genes]
    genes, choices = np.column_stack([numbers for numbers, _ in coded]), tuple(values for _, values in coded)
    names = tuple(gene.name or gene.column for gene in header.genes)
    _distinct("genes", list(names))
    order = np.lexsort(genes.T[::-1])
    _unique(file, genes, order)
    shape = tuple(map(len, choices))
    if n == math.prod(shape):
        return Space(shape, names), order, choices
    if header.missing == "refuse":
        gap = genes_by_name(names, choices, _first_gap(genes[order], shape)[None])[0]
        raise ValueError(
            f"{file}: {n:,} of the {math.prod(shape):,} combinations of genes have a row ({gap!r} has none); set "
            '`missing = "nearest"` to search the rows there are, each other combination answered by the nearest of '
            "them, or leave `genes` out to search over bare row numbers"
        )
    return Space(shape, names, pool=genes[order]), order, choices


def _first_gap(genes: Array, shape: tuple[int, ...]) -> Array:
    """The first combination, (d,), that is not among (n, d) `genes` in lexicographic order, which are not all."""
    expected = np.zeros(len(shape), dtype=np.int64)
    for row in genes:
        if (row != expected).any():
            break
        for j in reversed(range(len(shape))):  # the next combination: the last gene counts up first
            expected[j] = (expected[j] + 1) % shape[j]
            if expected[j]:
                break
    return expected


def _unique(file: Path, genes: Array, order: Array) -> None:
    same = np.flatnonzero((np.diff(genes[order], axis=0) == 0).all(axis=1))
    if len(same):
        first, second = order[same[0] : same[0] + 2] + 1
        raise ValueError(
            f"{file}: rows {first} and {second} have the same genes; keep one, or name the gene that differs"
        )
