"""Tables of a report: raw values, how they are shown, and their files (CSV, LaTeX; Parquet where pyarrow is there)."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobench.core.messages import plain
from mobench.files.csvs import write_csv
from mobench.files.writing import written_whole

__all__ = ["ABSENT", "Table", "endings", "in_latex", "save_table", "shown"]

ABSENT = "\N{EN DASH}"
"""What stands where there is no value."""

LETTERS = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "[": "{[}",  # neither may follow the end of a line as it is
        "*": "{*}",
    }
    | {letter: f"\\{letter}" for letter in "&%$#_{}"}
)
"""Letters that mean something in LaTeX, to what prints them."""

LONG = 40
"""Rows up to which a table in LaTeX stands on one page."""


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
    printed : collection of str
        The columns that fit a paper's page; all where empty.
    filed : collection of str
        The columns that are in the files alone: the page says them in another form.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    formats: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    best: Collection[int] = ()
    printed: Collection[str] = ()
    filed: Collection[str] = ()

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
    return plain(str(value))


def save_table(table: Table, folder: Path, *, latex: bool = True, below: Path | None = None) -> list[Path]:
    """Write a table into `folder`: CSV and Parquet with the values as they are, LaTeX (booktabs) as they are shown.

    Parameters
    ----------
    table : Table
        Its name is the stem of the files.
    folder : Path
        Made where it is not there.
    latex : bool
        Whether LaTeX is wanted: not of data that nobody prints.
    below : Path, optional
        A folder above it below which no link is followed: see `mobench.files.writing.written_whole`.

    Returns
    -------
    list of Path
        The files written.
    """
    paths = {ending: folder / f"{table.name}.{ending}" for ending in endings() if latex or ending != "tex"}
    for ending, path in paths.items():
        with written_whole(path, below=below or folder, durable=False) as file:
            if ending == "csv":
                write_csv(table.frame, file)
            elif ending == "tex":
                file.write(_latex(table).encode())
            else:
                table.frame.to_parquet(file, index=False)
    return list(paths.values())


def _latex(table: Table) -> str:
    """The table as LaTeX (booktabs), a line a row; over several pages where it is long."""
    names = [column for column in table.columns if column in (table.printed or table.columns)]
    aligned = "".join("r" if table.is_number(column) else "l" for column in names)
    columns = [["--" if text == ABSENT else in_latex(text) for text in table.texts(column)] for column in names]
    head = [r"\toprule", _line(in_latex(table.title(column)) for column in names), r"\midrule"]
    rows = [_line(cells) for cells in zip(*columns, strict=True)]
    if len(rows) > LONG:
        more = rf"\multicolumn{{{len(names)}}}{{r}}{{Continued on next page}} \\"
        foot = [r"\midrule", more, r"\midrule", r"\endfoot", r"\bottomrule", r"\endlastfoot"]
        lines = [*head, r"\endfirsthead", *head, r"\endhead", *foot, *rows]
    else:
        lines = [*head, *rows, r"\bottomrule"]
    kind = "longtable" if len(rows) > LONG else "tabular"
    return "\n".join([rf"\begin{{{kind}}}{{{aligned}}}", *lines, rf"\end{{{kind}}}", ""])


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def in_latex(text: str) -> str:
    """Text as LaTeX prints it, in one line."""
    return " ".join(text.split()).translate(LETTERS)


def endings() -> tuple[str, ...]:
    """Endings of a table's files here: Parquet needs pyarrow."""
    return ("csv", "tex", "parquet") if importlib.util.find_spec("pyarrow") else ("csv", "tex")
