"""How a figure is saved, with the numbers drawn beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mobench.core.messages import nearest
from mobench.figures.names import spell_out
from mobench.figures.style import styled
from mobench.files.csvs import write_csv
from mobench.files.writing import written_whole

__all__ = ["FORMATS", "save_figure"]

FORMATS = ("pdf", "svg", "png")


def save_figure(
    figure: Figure,
    data: pd.DataFrame,
    path: Path,
    *,
    formats: Sequence[str] = ("pdf", "png"),
    below: Path | None = None,
) -> list[Path]:
    """Save a figure, and the numbers drawn as CSV (eight digits), under the stem `path`.

    Parameters
    ----------
    figure, data
        As every plotting function returns them.
    path : Path
        Without an ending; its folder is made.
    formats : sequence of str
        Of `FORMATS`: ``pdf`` (fonts embedded), ``svg`` (text as text), ``png`` (300 dots an inch).
    below : Path, optional
        A folder above them below which no link is followed: see `mobench.files.writing.written_whole`.

    Returns
    -------
    list of Path
        The files, the CSV last; equal data give equal bytes.

    Raises
    ------
    ValueError
        Unknown format.
    """
    dates: Mapping[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}
    for ending in formats:
        if ending not in dates:
            raise ValueError(f"format: unknown {ending!r}{nearest(ending, dates)}; choose from {', '.join(dates)}")
    paths = {ending: path.with_name(f"{path.name}.{ending}") for ending in (*formats, "csv")}
    spell_out(figure)
    for ending, place in paths.items():
        with styled(), written_whole(place, below=below or path.parent, durable=False) as file:
            if ending == "csv":
                write_csv(data, file, digits=8)
            else:
                figure.savefig(file, format=ending, dpi=300, metadata=dates[ending])
    return list(paths.values())
