"""The files of a table problem: a short TOML header, and the CSV or Parquet file that it names."""

from __future__ import annotations

import csv
import importlib
import math
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from annotated_types import MinLen

from mobench import nearest

Cells = list[Any]
"""One column as it stands in the file: text from CSV; text, numbers or None from Parquet."""
Text = Annotated[str, MinLen(1)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class Gene(_Part):
    """A column of choices; `values` fixes their order, which is ascending without it."""

    column: Text
    name: str = ""
    values: Annotated[list[int | float | str], MinLen(1)] | None = None


class Criterion(_Part):
    """An objective: the columns that a searcher sees (several are trials) and the one that is scored."""

    name: Text
    unit: str = ""
    maximise: bool = False
    limit: pydantic.FiniteFloat | None = None
    seen: (
        Annotated[list[Text], MinLen(1), pydantic.BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] | None
    ) = None
    scored: Text | None = None

    @property
    def trials(self) -> list[str]:
        """Columns of what a searcher sees: those of `seen`, else the one that has the objective's name."""
        return self.seen or [self.name]


class Price(_Part):
    """Columns of what one training costs."""

    seconds: Text | None = None
    flops: Text | None = None


class Header(_Part):
    """All that a header may say."""

    data: Text
    provenance: str = ""
    missing: Literal["refuse", "nearest"] = "refuse"
    genes: list[Annotated[Gene, pydantic.BeforeValidator(lambda v: {"column": v} if isinstance(v, str) else v)]] = []
    objectives: Annotated[list[Criterion], MinLen(2)]
    cost: Price = Price()


_PARTS: dict[object, type[_Part]] = {"genes": Gene, "objectives": Criterion, "cost": Price}


def read_header(path: Path) -> Header:
    """Read and validate a TOML header.

    Raises
    ------
    ValueError
        No such file, not UTF-8, not TOML, or not a header: one line that names every fault.
    """
    if path.exists() and not path.is_file():  # a device has no end, and a pipe waits
        raise ValueError(f"path: {str(path)!r} is no file; give the TOML header of a table")
    try:
        entries = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ValueError(f"path: there is no file {str(path)!r}; give the TOML header of a table") from None
    except OSError as error:
        raise ValueError(f"path: {str(path)!r} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start}); `path` names the TOML header") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not TOML ({_line(error)}); `path` names the header, not the table") from None
    except ValueError as error:
        raise ValueError(f"path: {str(path)!r} is no file name ({error})") from None
    try:
        return Header.model_validate(entries)
    except pydantic.ValidationError as error:
        raise ValueError(f"{path}: {'; '.join(_fault(entry) for entry in error.errors())}") from None


def _fault(error: Any) -> str:
    """Say one pydantic error in words: where, what was expected, what was found."""
    *parents, last = error["loc"]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    if error["type"] == "extra_forbidden":
        known = _PARTS[parents[0]] if parents else Header
        inside = f" in {parents[0]}" if parents else ""
        return f"unknown key {str(last)!r}{inside}{nearest(str(last), known.model_fields)}"
    if error["type"] == "missing":
        return f"the key {where!r} is missing"
    reason = _line(error["msg"][0].lower() + error["msg"][1:])
    return f"{where}: {reason}, found {_short(error['input'])}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _line(message: object) -> str:
    return " ".join(str(message).split())


def read_columns(path: Path, names: Iterable[str]) -> dict[str, Cells]:
    """Read columns of a CSV file (commas, one line of names, UTF-8) or of a Parquet file.

    Returns
    -------
    dict
        Name to cells, all of one length, at least 1.

    Raises
    ------
    ValueError
        The file is missing, damaged, empty, of another kind, or lacks a column.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"data: expected a .csv or .parquet file, found {path.name!r}")
    if not path.is_file():
        raise ValueError(f"data: there is no file {path.name!r} in the folder of the header")
    try:
        head, columns = (_read_csv if path.suffix.lower() == ".csv" else _read_parquet)(path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({_line(error)})") from None
    for name in names:
        if name not in head:
            raise ValueError(f"{path}: no column {name!r}{nearest(name, head)}")
        if head.count(name) > 1:
            raise ValueError(f"{path}: {head.count(name)} columns are named {name!r}; rename all but one")
    if not columns or not columns[0]:
        raise ValueError(f"{path}: no rows; a table needs at least one")
    return {name: columns[head.index(name)] for name in names}


def _read_csv(path: Path) -> tuple[list[str], list[Cells]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head, *rows = [row for row in csv.reader(file, strict=True) if row] or [[]]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"{path}: not CSV ({error}); save it again with commas and double quotes") from None
    for i, row in enumerate(rows, start=1):
        if len(row) != len(head):
            raise ValueError(f"{path}: row {i} has {len(row)} fields, expected {len(head)}, as in the line of names")
    return [name.strip() for name in head], [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]


def _read_parquet(path: Path) -> tuple[list[str], list[Cells]]:
    try:
        pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ValueError(
            f"{path}: Parquet needs pyarrow; `pip install 'mobench[parquet]'`, or save the table as CSV"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read(use_threads=False)
        return list(table.column_names), [column.to_pylist() for column in table.columns]
    except (ValueError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path}: not a Parquet file, or a damaged one ({_line(error)})") from None


def to_numbers(path: Path, name: str, cells: Cells) -> list[float]:
    """Read the cells of column `name` as finite numbers.

    Raises
    ------
    ValueError
        A cell is empty, NaN, infinite or no number; the first such row is named, counted from 1.
    """
    values = [_number(cell) for cell in cells]
    for i, value in enumerate(values):
        if not math.isfinite(value):
            raise ValueError(
                f"{path}: column {name!r}, row {i + 1}: expected a number, found {_found(cells[i])}; "
                "correct the cell or remove the row"
            )
    return values


def to_choices(path: Path, name: str, cells: Cells, values: Cells | None) -> tuple[list[int], Cells]:
    """Number the cells of column `name`.

    Parameters
    ----------
    values : list, optional
        The choices in order. Without it they are those of the column, ascending: as numbers if all of them are
        numbers, else as text.

    Returns
    -------
    numbers, values : list
        For each cell the position of its choice, and the choices.

    Raises
    ------
    ValueError
        A cell is empty or not among `values`, or `values` repeats one.
    """
    if values is None or not any(isinstance(value, str) for value in values):
        exact = [_exact(cell) for cell in cells]
        choices: Cells = [str(cell) for cell in cells] if None in exact else exact
    else:
        values, choices = [str(value) for value in values], [str(cell) for cell in cells]
    for i, cell in enumerate(cells):
        if cell is None or cell == "" or cell != cell:
            raise ValueError(f"{path}: column {name!r}, row {i + 1}: expected a choice, found {_found(cell)}")
    order = sorted(set(choices)) if values is None else values
    position = {choice: i for i, choice in enumerate(order)}
    if len(position) < len(order):
        raise ValueError(f"genes: the values of {name!r} are not all different: {_short(order)}")
    for i, choice in enumerate(choices):
        if choice not in position:
            known = nearest(str(choice), map(str, order))
            raise ValueError(f"{path}: column {name!r}, row {i + 1}: {choice!r} is not among `values`{known}")
    return [position[choice] for choice in choices], order


def _number(cell: object) -> float:
    """Read a number, or give NaN."""
    exact = _exact(cell)
    return math.nan if exact is None else float(exact)


def _exact(cell: Any) -> int | float | None:
    """Read a finite number, an int where it is written as one; None where it is none."""
    if isinstance(cell, bool):
        return None
    try:
        value = int(cell) if isinstance(cell, int | str) else float(cell)
    except (TypeError, ValueError):
        try:
            value = float(cell)
        except (TypeError, ValueError):
            return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer beyond the floats
        return None


def _found(cell: object) -> str:
    return "nothing" if cell is None or cell == "" else _short(cell)
