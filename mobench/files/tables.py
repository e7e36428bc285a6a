"""Tables on disk: typed columns with a checksummed header, loaded in milliseconds, never a pickle."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mobench.core.space import Array
from mobench.files.writing import written_whole

__all__ = ["Column", "Table", "data_folder", "fingerprint", "load_table", "open_arrays", "save_table"]

TABLE_FORMAT = 1

LARGEST = 2**31
"""Bytes of the largest table: what its file says is there before any of it is read."""


def data_folder() -> Path:
    """Folder of imported tables: ``$MOBENCH_DATA``, else ``$XDG_DATA_HOME/mobench`` or ``~/.local/share/mobench``."""
    if folder := os.environ.get("MOBENCH_DATA"):
        return Path(folder)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "mobench"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    values : Array
        (rows,) or (rows, k), one row an architecture; NaN where there is no value.
    unit : str
        Unit of the values.
    about : mapping
        Whatever else is known: split, epochs, trials, device, source, errata. Plain JSON values.
    """

    values: Array
    unit: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Columns of one length under a header.

    Attributes
    ----------
    columns : mapping
        Name to column.
    about : mapping
        Provenance: what the rows are, sources, licences, versions. Plain JSON values.
    """

    columns: Mapping[str, Column]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        """Values of a column; KeyError names those there are."""
        if name not in self.columns:
            raise KeyError(f"no column {name!r}; there are {', '.join(self.columns)}")
        return self.columns[name].values

    def __contains__(self, name: object) -> bool:
        return name in self.columns


def save_table(path: Path, table: Table, *, compress: bool = False) -> None:
    """Write a table as one ``.npz`` file that appears whole or not at all.

    Raises
    ------
    ValueError
        Columns of different lengths, or of a type that is not a number or a fixed-width string.
    OSError
        The folder is full or read-only; a table that was there before is still there.
    """
    lengths = {name: len(column.values) for name, column in table.columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"table: columns of different lengths: {lengths}")
    bad = [name for name, column in table.columns.items() if column.values.dtype.hasobject]
    if bad:
        raise ValueError(f"table: column {bad[0]!r} holds Python objects; use numbers or fixed-width strings")
    header = {
        "format": TABLE_FORMAT,
        "about": dict(table.about),
        "columns": {
            name: {"unit": c.unit, "about": dict(c.about), "sha256": _digest(c.values)}
            for name, c in table.columns.items()
        },
    }
    arrays = {f"column_{i}": column.values for i, column in enumerate(table.columns.values())}
    arrays["header"] = np.frombuffer(orjson.dumps(header), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        write: Any = np.savez_compressed if compress else np.savez
        write(file, **arrays)


def load_table(path: Path) -> Table:
    """Read a table and verify its checksums.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated, damaged, or of another format; the message says which and what to do.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such table")
    cure = "import it again with `mobench data add`, or reinstall mobench if it is one of its own"
    try:
        with open_arrays(path) as file:
            header = orjson.loads(file["header"].tobytes())
            if header.get("format") != TABLE_FORMAT:
                raise ValueError(f"format {header.get('format')}, this mobench reads format {TABLE_FORMAT}")
            columns = {}
            for i, (name, entry) in enumerate(header["columns"].items()):
                values = file[f"column_{i}"]
                if _digest(values) != entry["sha256"]:
                    raise ValueError(f"column {name!r} does not match its checksum")
                columns[name] = Column(values, str(entry["unit"]), dict(entry["about"]))
        if len({len(column.values) for column in columns.values()}) > 1:
            raise ValueError("columns of different lengths")
        return Table(columns, dict(header["about"]))
    except Exception as error:  # noqa: BLE001 - a damaged archive can raise anything
        raise ValueError(f"{path}: damaged table ({' '.join(str(error).split())}); {cure}") from None


@contextlib.contextmanager
def open_arrays(path: Path) -> Iterator[Mapping[str, Array]]:
    """Open a file of named arrays that may come from anyone: never a pickle, and never more than 2 GiB.

    Raises
    ------
    ValueError
        The file holds more, as it says itself; nothing of it was read. A damaged file can raise anything.
    """
    if path.exists() and not path.is_file():  # a pipe waits, and a device has no end
        raise ValueError("no file")
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
        size = sum(member.file_size for member in file.zip.infolist())
        if size > LARGEST:
            raise ValueError(f"{size:,} bytes of arrays in a file of {path.stat().st_size:,}; the limit is {LARGEST:,}")
        yield file


def fingerprint(*arrays: Array | float) -> str:
    """Checksum of the arrays that decide a problem's answers, 16 hexadecimal digits."""
    total = hashlib.sha256()
    for array in map(np.asarray, arrays):
        total.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).data)
    return total.hexdigest()[:16]


def _digest(values: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()
