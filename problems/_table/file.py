"""The file of a table problem: CSV or TSV, compressed or not, or Parquet."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mobench import nearest
from mobench.problems._table.cells import Cells, Sheet
from mobench.problems._table.header import Header
from mobench.problems._table.words import NUMBER, line, short

SEPARATORS = {".csv": ",", ".tsv": "\t", ".csv.gz": ",", ".tsv.gz": "\t"}
"""How the name of a text file ends, and what is between its fields."""

LARGEST = 2**30
"""Bytes of a compressed file once it is unpacked, at most."""

Row = list[str]


def read_sheet(path: Path, header: Header) -> Sheet:
    """Read all columns of the file that a header names.

    Raises
    ------
    ValueError
        The file is missing, damaged, empty, of another kind, or lacks a column; the message says what cures it.
    """
    kind = next((end for end in (*SEPARATORS, ".parquet") if path.name.lower().endswith(end)), "")
    if not kind:
        raise ValueError(f"data: expected a .csv, .tsv, .csv.gz, .tsv.gz or .parquet file, found {path.name!r}")
    if not path.is_file():
        raise ValueError(f"data: there is no file {path.name!r} in the folder of the header")
    try:
        if kind == ".parquet":
            head, columns = _read_parquet(path, header)
        else:
            head, columns = _read_text(path, header, header.separator or SEPARATORS[kind])
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read ({line(error)})") from None
    if not columns or not columns[0]:
        raise ValueError(f"{path}: no rows; a table needs at least one")
    return Sheet(path, dict(zip(head, columns, strict=True)), np.arange(1, len(columns[0]) + 1))


def _read_text(path: Path, header: Header, separator: str) -> tuple[list[str], list[Cells]]:
    """Names and columns of a text file."""
    try:
        records = _records(path, separator)
        first = next(records, [])
        if first in ([], [""]):
            raise ValueError(f"{path}: empty; a table needs a line of names and a row")
        head = header.columns or first
        _check_first(path, header, first, separator)
        _check_head(path, header, head)
        rows = [first, *records] if header.columns else list(records)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"{path}: not CSV ({error}); save it again with commas and double quotes") from None
    _check_widths(path, head, rows, "`columns`" if header.columns else "the line of names")
    return head, [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]


def _records(path: Path, separator: str) -> Iterator[Row]:
    """The records of a text file, empty lines left out; names and cells of the first one without spaces around."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"{path}: holds more than {LARGEST:,} bytes; unpack it")
    else:
        content = path.read_bytes()
    if b"\0" in content:
        raise ValueError(f"{path}: not text, as it holds zero bytes; save it as CSV in UTF-8")
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    records = (row for row in csv.reader(text, delimiter=separator, strict=True) if row)
    yield [cell.strip() for cell in next(records, [])]
    yield from records


def _check_first(path: Path, header: Header, first: Row, separator: str) -> None:
    """ValueError where the first record of a file is not what its header expects, because of what files may be like."""
    names, wanted = {*header.texts, *header.numbers}, header.columns
    known = names & set(first)
    for other, written in {",": ",", ";": ";", "\t": "\\t", "|": "|"}.items():
        fields = [field.strip().strip('"') for field in separator.join(first).split(other)]
        fits = len(fields) == len(wanted) > len(first) if wanted else not known and names & set(fields)
        if other != separator and fits:
            raise ValueError(f'{path}: its fields are separated by {other!r}; set `separator = "{written}"`')
    if wanted:
        if known == names:
            raise ValueError(f"{path}: its first line has the names; leave `columns` out, or remove that line")
        return
    if names <= {*" ".join(first).split()} and not known:
        raise ValueError(f"{path}: its fields are separated by spaces; save it with commas")
    if first[0].startswith("#") and known < names:
        if first[0].lstrip("# ") in names:
            raise ValueError(f"{path}: its line of names begins with '#'; remove that sign")
        raise ValueError(f"{path}: it begins with a comment, {short(first[0])}; remove the lines that begin with '#'")
    numbers = [bool(NUMBER.fullmatch(cell)) for cell in first]
    counted = known == names and first == [str(i) for i in range(len(first))]  # names that software gave
    if (all(numbers) and not counted) or (any(numbers) and not known):
        raise ValueError(
            f"{path}: its first line, {short(separator.join(first))}, looks like data, not like names; where there is "
            f'no line of names, give them in the header: `columns = ["NAME", ...]`, {len(first)} in all'
        )


def _check_head(path: Path, header: Header, head: Sequence[str]) -> None:
    """ValueError where a column that a header names is not in a file, or not once."""
    for name in (*header.texts, *header.numbers):
        if name not in head:
            raise ValueError(f"{path}: no column {name!r}{nearest(name, head)}")
        if head.count(name) > 1:
            raise ValueError(f"{path}: {head.count(name)} columns are named {name!r}; rename all but one")


def _check_widths(path: Path, head: Sequence[str], rows: Sequence[Row], named: str) -> None:
    for i, row in enumerate(rows, start=1):
        if len(row) != len(head):
            if row[0].startswith("#"):
                raise ValueError(f"{path}: row {i} is a comment, {short(row[0])}; remove the lines that begin with '#'")
            cure = "put cells that hold a separator in double quotes" if len(row) > len(head) else "fill in the row"
            raise ValueError(f"{path}: row {i} has {len(row)} fields, expected {len(head)}, as in {named}; {cure}")


def _read_parquet(path: Path, header: Header) -> tuple[list[str], list[Cells]]:
    """Names and columns of a Parquet file."""
    if header.columns or header.separator:
        raise ValueError("columns, separator: a Parquet file names its columns itself; leave them out")
    try:
        pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ValueError(
            f"{path}: Parquet needs pyarrow; `pip install 'mobench[parquet]'`, or save the table as CSV"
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read(use_threads=False)
        head, columns = list(table.column_names), [column.to_pylist() for column in table.columns]
    except (ValueError, pyarrow.ArrowException) as error:
        raise ValueError(f"{path}: not a Parquet file, or a damaged one ({line(error)})") from None
    _check_head(path, header, head)
    return head, columns
