"""How a figure is saved, with the numbers drawn beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mobench.core.messages import nearest
from mobench.figures.style import styled

__all__ = ["FORMATS", "save_figure"]

FORMATS = ("pdf", "svg", "png")


def save_figure(
    figure: Figure, data: pd.DataFrame, path: Path, *, formats: Sequence[str] = ("pdf", "png")
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
    path.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending in formats:
        if ending not in dates:
            raise ValueError(f"format: unknown {ending!r}{nearest(ending, dates)}; choose from {', '.join(dates)}")
        paths.append(path.with_name(f"{path.name}.{ending}"))
        with styled():
            figure.savefig(paths[-1], dpi=300, metadata=dates[ending])
    paths.append(path.with_name(f"{path.name}.csv"))
    data.to_csv(paths[-1], index=False, float_format="%.8g")
    return paths
