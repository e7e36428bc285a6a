"""Table: any tabular benchmark, from a CSV or Parquet file and a TOML header of some ten lines.

The header names the file, the columns that are genes, the objectives (with the columns that a searcher sees and the
one that is scored) and, optionally, what a training costs. ``docs/problems/tables/table.md`` describes it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mobench import Array, Objective
from mobench.problems._table.cells import Sheet, to_numbers, without_gaps
from mobench.problems._table.file import read_sheet
from mobench.problems._table.header import Criterion, read_header
from mobench.problems._table.problem import Offer, TableProblem, table_problem
from mobench.problems._table.rows import Architectures, architectures, distinct


def problem(*, path: Path) -> TableProblem:
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
    header = read_header(path)
    data = path.parent / header.data
    sheet = read_sheet(data, header)
    drop = header.missing_values == "drop"
    sheet, remark = without_gaps(sheet, header.texts, header.numbers, drop=drop)
    numbers = {name: to_numbers(sheet, name) for name in header.numbers}
    distinct("objectives", tuple(criterion.name for criterion in header.objectives))
    found = architectures(sheet, header)
    flops, seconds = (_price(sheet, name, numbers, found) for name in (header.cost.flops, header.cost.seconds))
    made = table_problem(
        found.space,
        [_offer(criterion, sheet, numbers, found) for criterion in header.objectives],
        written=found.written,
        flops=flops,
        seconds=seconds,
        provenance=header.provenance,
    )
    return replace(made, remarks=(remark,) if remark else (), files=(path, data))


def _offer(criterion: Criterion, sheet: Sheet, numbers: dict[str, Array], found: Architectures) -> Offer:
    """One objective over the architectures; the mean of the trials is scored where no column is."""
    names, repeated = criterion.trials, bool((found.counts > 1).any())
    if repeated and len(names) > 1:
        raise ValueError(f"objectives: {criterion.name!r} has trials in rows and in columns; name one column in `seen`")
    if criterion.scale == "log":
        _check_positive(sheet, numbers, [*names, *filter(None, [criterion.scored])])
    objective = Objective(criterion.name, criterion.unit, criterion.maximise, criterion.scale, criterion.limit)
    if repeated:
        values = numbers[criterion.scored or names[0]]
        return Offer(objective, found.mean(values), numbers[names[0]][found.trials], found.standard_error(values))
    seen = np.column_stack([numbers[name] for name in names])[found.order]
    scored = numbers[criterion.scored][found.order] if criterion.scored else _mean(seen)
    return Offer(objective, scored, seen)


def _mean(trials: Array) -> Array:
    """Mean over the columns of (n, k) trials, exact where they are equal."""
    least: Array = trials.min(axis=1)
    return np.where(least == trials.max(axis=1), least, trials.mean(axis=1))


def _check_positive(sheet: Sheet, numbers: dict[str, Array], names: list[str]) -> None:
    for name in names:
        if len(low := np.flatnonzero(numbers[name] <= 0)):
            value = numbers[name][low[0]]
            raise ValueError(f'{sheet.at(name, low[0])}: expected a value above 0, as `scale = "log"`, found {value:g}')


def _price(sheet: Sheet, name: str | None, numbers: dict[str, Array], found: Architectures) -> Array | float:
    """What a training of each architecture costs, which of trials is their mean."""
    if name is None:
        return 0.0
    if len(low := np.flatnonzero(numbers[name] < 0)):
        value = numbers[name][low[0]]
        raise ValueError(f"{sheet.at(name, low[0])}: a cost below zero, {value:g}; correct the cell or remove the row")
    return found.mean(numbers[name])
