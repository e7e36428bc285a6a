"""Tables of a report: raw values, how they are shown, and their files (CSV, LaTeX; Parquet where pyarrow is there)."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ABSENT", "Table", "endings", "save_table", "shown"]

ABSENT = "\N{EN DASH}"
"""What stands where there is no value."""


@dataclass(frozen=True)
class Table:
    """A table and how it is shown.

    Attributes
    ----------
    name : str
        Stem of its files.
    caption : str
        What it says, in a sentence.
    frame : pandas.DataFrame
        The values, unrounded; its first column names the rows.
    formats : mapping
        Column to the format of its numbers, for example ``".4f"``; ``"g"`` where left out.
    titles : mapping
        Column to its heading; its name where left out.
    best : collection of int
        Positions of the rows to point out.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    formats: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    best: Collection[int] = ()

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(column) for column in self.frame.columns]

    def title(self, column: str) -> str:
        """Heading of a column."""
        return self.titles.get(column, column.replace("_", " "))

    def texts(self, column: str) -> list[str]:
        """The values of a column as they are shown."""
        return [shown(value, self.formats.get(column, "g")) for value in self.frame[column]]

    def is_number(self, column: str) -> bool:
        """Whether a column holds numbers, which stand to the right."""
        return pd.api.types.is_numeric_dtype(self.frame[column]) and not pd.api.types.is_bool_dtype(self.frame[column])


def shown(value: Any, spec: str = "g") -> str:
    """A value as a reader sees it: numbers by `spec`, a dash for what is not there."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ABSENT
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return format(value, spec)
    return str(value)


def save_table(table: Table, folder: Path, *, latex: bool = True) -> list[Path]:
    """Write a table into `folder`: CSV and Parquet with the values as they are, LaTeX (booktabs) as they are shown.

    Parameters
    ----------
    table : Table
        Its name is the stem of the files.
    folder : Path
        Made where it is not there.
    latex : bool
        Whether LaTeX is wanted: not of data that nobody prints.

    Returns
    -------
    list of Path
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / table.name
    table.frame.to_csv(f"{stem}.csv", index=False)
    if latex:
        aligned = "".join("r" if table.is_number(column) else "l" for column in table.columns)
        texts = pd.DataFrame({table.title(c): table.texts(c) for c in table.columns}, dtype=str).replace(ABSENT, "--")
        text = texts.to_latex(index=False, escape=True, column_format=aligned, longtable=len(texts) > 40)
        Path(f"{stem}.tex").write_text(text, encoding="utf-8")
    if "parquet" in endings():
        table.frame.to_parquet(f"{stem}.parquet", index=False)
    return [Path(f"{stem}.{ending}") for ending in endings() if latex or ending != "tex"]


def endings() -> tuple[str, ...]:
    """Endings of a table's files here: Parquet needs pyarrow."""
    return ("csv", "tex", "parquet") if importlib.util.find_spec("pyarrow") else ("csv", "tex")
