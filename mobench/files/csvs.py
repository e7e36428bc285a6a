"""Frames as CSV files for people's programs: spreadsheets take no cell for a formula, terminals none for an order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from mobench.core.messages import plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_csv"]

_FORMULA = re.compile(r"[=@]|[+-](?!(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$)")
"""How a text begins that spreadsheets compute, where it is not just a number."""


def write_csv(frame: pd.DataFrame, file: BinaryIO, *, header: bool = True, digits: int | None = None) -> None:
    """Write a frame without its index; a text that a spreadsheet would compute gets an apostrophe in front.

    Parameters
    ----------
    frame : pandas.DataFrame
        Numbers and texts.
    file : binary file
        Where to.
    header : bool
        Whether names of columns come first.
    digits : int, optional
        Of floating-point numbers; all of them when left out.
    """
    shown = frame.rename(columns=_cell)
    for place, kind in enumerate(frame.dtypes):
        if kind.kind not in "biufc":
            shown.isetitem(place, list(map(_cell, frame.iloc[:, place])))
    shown.to_csv(file, index=False, header=header, float_format=None if digits is None else f"%.{digits}g")


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if _FORMULA.match(text) else text
