"""Cells of a table: as numbers, as choices, or empty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mobench import Array, nearest
from mobench.problems._table.words import NUMBER, cure, found, short

Cells = Sequence[Any]
"""One column as it stands in the file: text from CSV; text, numbers or None from Parquet."""

NO_NUMBER = frozenset(("", "na", "n/a", "nan", "null", "none"))
"""How empty cells of a column of numbers are written, in small letters."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a file.

    Attributes
    ----------
    path : Path
        The file.
    columns : dict
        Name to cells, all of one length.
    rows : Array
        (n,) which row of the file each one is, counted from 1.
    """

    path: Path
    columns: dict[str, Cells]
    rows: Array

    def at(self, name: str, i: int) -> str:
        """Where the i-th cell of a column is, in words."""
        return f"{self.path}: column {name!r}, row {self.rows[i]}"


def without_gaps(sheet: Sheet, texts: Sequence[str], numbers: Sequence[str], *, drop: bool) -> tuple[Sheet, str]:
    """The rows that have a value in all of these columns, and a remark on those that were left out.

    Parameters
    ----------
    texts, numbers : sequence of str
        Columns of texts, and of numbers, in which NA, NaN, null and none are no value either.
    drop : bool
        Whether rows may be left out.

    Raises
    ------
    ValueError
        A cell is empty, and rows may not be left out, or none is left.
    """
    gaps = {name: [i for i, c in enumerate(sheet.columns[name]) if c is None or c == "" or c != c] for name in texts}
    gaps |= {name: [i for i, c in enumerate(sheet.columns[name]) if _is_gap(c)] for name in numbers}
    lacking = sorted(set().union(*gaps.values()))
    if not lacking:
        return sheet, ""
    many = f"{len(lacking):,} of {len(sheet.rows):,} rows"
    if not drop or len(lacking) == len(sheet.rows):
        name, i = next(name for name, empty in gaps.items() if lacking[0] in empty), lacking[0]
        advice = "" if drop else ', or set `missing_values = "drop"` to leave these rows out'
        raise ValueError(
            f"{sheet.at(name, i)}: expected a value, found {found(sheet.columns[name][i])}; {many} lack one: fill in "
            f"what is missing{advice}"
        )
    kept = np.setdiff1d(np.arange(len(sheet.rows)), lacking)
    columns: dict[str, Cells] = {name: [cells[i] for i in kept.tolist()] for name, cells in sheet.columns.items()}
    return Sheet(sheet.path, columns, sheet.rows[kept]), f"{sheet.path.name}: {many} lack a value and are left out"


def _is_gap(cell: Any) -> bool:
    """Whether a cell of a column of numbers is empty."""
    return cell.lower() in NO_NUMBER if isinstance(cell, str) else cell is None or cell != cell


def to_numbers(sheet: Sheet, name: str) -> Array:
    """The cells of a column as finite numbers, (n,); text is read by JSON's grammar.

    Raises
    ------
    ValueError
        A cell is no number, or infinite; the first such row is named.
    """
    cells = sheet.columns[name]
    read = _all_numbers(cells) or [_number(cell) for cell in cells]
    bad = [i for i, value in enumerate(read) if value is None]
    if bad:
        others = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        cell = cells[bad[0]]
        raise ValueError(f"{sheet.at(name, bad[0])}{others}: expected a number, found {found(cell)}; {cure(cell)}")
    return np.array(read, dtype=np.float64)


def _all_numbers(cells: Cells) -> list[Any] | None:
    """The numbers that texts are, read at once; None where one is something else."""
    try:
        values: list[Any] = orjson.loads(f"[{','.join(cells)}]")
    except (TypeError, ValueError):
        return None
    plain = len(values) == len(cells) and all(type(value) in (int, float) for value in values)
    return values if plain and all(map(math.isfinite, values)) else None


def _number(cell: Any) -> int | float | None:
    """A finite number, an int where it is written as one; None where it is none."""
    if isinstance(cell, bool | bytes) or (isinstance(cell, str) and not NUMBER.fullmatch(cell)):
        return None
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(value):
        return None
    whole = isinstance(cell, int) or (isinstance(cell, str) and cell.lstrip("-").isdigit())
    return int(cell) if whole else value


def to_choices(sheet: Sheet, name: str, values: Cells | None) -> tuple[list[int], Cells]:
    """Number the cells of column `name`.

    Parameters
    ----------
    values : list, optional
        The choices in order. Without it they are those of the column, ascending: as numbers where each is written as
        numbers are (1.5, not 1.50 or 01.5), else as text.

    Returns
    -------
    numbers, values : list
        For each cell the position of its choice, and the choices.

    Raises
    ------
    ValueError
        A cell is not among `values`, `values` repeats one, or cells without it write one number in two ways.
    """
    cells = [cell if type(cell) in (int, float, str) else str(cell) for cell in sheet.columns[name]]
    numbers = {cell: _number(cell) for cell in dict.fromkeys(cells)}
    if values is None:
        meaning, order = _ascending(numbers)
        _check_written_alike(sheet, name, cells, meaning)
    elif any(isinstance(value, str) for value in values):
        meaning, order = {cell: str(cell) for cell in numbers}, [str(value) for value in values]
    else:
        meaning, order = {cell: cell if number is None else number for cell, number in numbers.items()}, list(values)
    position = {choice: i for i, choice in enumerate(order)}
    if len(position) < len(order):
        raise ValueError(f"genes: the values of {name!r} are not all different: {short(order)}")
    for cell, choice in meaning.items():
        if choice not in position:
            known = nearest(str(choice), map(str, order))
            raise ValueError(f"{sheet.at(name, cells.index(cell))}: {choice!r} is not among `values`{known}")
    code = {cell: position[choice] for cell, choice in meaning.items()}
    return [code[cell] for cell in cells], order


def _check_written_alike(sheet: Sheet, name: str, cells: Cells, meaning: dict[Any, Any]) -> None:
    """ValueError where two cells mean one number, as 1 and 1.0 do: nobody knows whether they are one choice."""
    first: dict[Any, Any] = {}
    for cell, choice in meaning.items():
        if (other := first.setdefault(choice, cell)) != cell:
            row = sheet.rows[cells.index(other)]
            raise ValueError(
                f"{sheet.at(name, cells.index(cell))}: {cell!r} is the number that row {row} writes {other!r}; write "
                "both alike, or list the texts of a gene in `values` where they are two choices"
            )


def _ascending(numbers: dict[Any, int | float | None]) -> tuple[dict[Any, Any], list[Any]]:
    """What different cells, with the numbers that they are, mean as choices; and the choices in order."""
    if None in numbers.values():
        meaning: dict[Any, Any] = {cell: str(cell) for cell in numbers}
        return meaning, sorted(meaning.values())
    same = all(not isinstance(cell, str) or repr(number) == cell for cell, number in numbers.items())
    meaning = {cell: number if same else str(cell) for cell, number in numbers.items()}
    return meaning, [meaning[cell] for cell in sorted(numbers, key=lambda cell: (numbers[cell], str(cell)))]
