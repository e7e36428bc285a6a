"""The matrix of problems and searchers on the page: one statistic of one indicator shown, others a choice away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.matrix import STATISTICS
from mobench.files.csvs import write_csv
from mobench.files.writing import written_whole
from mobench.report.latex import latex_matrix, turned
from mobench.report.tables import shown

__all__ = ["Grid", "save_grid", "view_grid"]


@dataclass(frozen=True)
class Grid:
    """The matrix by several indicators and statistics.

    Attributes
    ----------
    problems, searchers : sequence of str
        In order.
    choices : mapping of (str, str) to pandas.DataFrame
        (label of the indicator, statistic) to its matrix, as `mobench.analysis.matrix.matrix` returns it; the first is
        shown.
    ranks : mapping of str to mapping of str to float
        Label of the indicator to searcher to its mean rank; empty where there is one problem.
    note : str
        What the marks mean, and how it was tested.
    files : tuple of str
        Seen from the page.
    """

    problems: Sequence[str]
    searchers: Sequence[str]
    choices: Mapping[tuple[str, str], pd.DataFrame]
    ranks: Mapping[str, Mapping[str, float]]
    note: str
    files: tuple[str, ...] = ()


def view_grid(grid: Grid) -> dict[str, Any]:
    """What the page's template draws, and what its controls choose from."""
    across = turned(grid.searchers, grid.problems)
    views = [_choice(grid, label, statistic, across) for label, statistic in grid.choices]
    rows = grid.searchers if across else [*grid.problems, *(["mean rank"] if grid.ranks else [])]
    columns = [*grid.problems, *(["mean rank"] if grid.ranks else [])] if across else grid.searchers
    return {
        "corner": "searcher" if across else "problem",
        "columns": list(columns),
        "rows": list(zip(rows, views[0]["cells"], strict=True)),
        "said": views[0]["said"],
        "note": grid.note,
        "indicators": list(dict.fromkeys(label for label, _ in grid.choices)),
        "statistics": [(name, STATISTICS[name]) for name in dict.fromkeys(s for _, s in grid.choices)],
        "data": {f"{label}|{name}": view for (label, name), view in zip(grid.choices, views, strict=True)},
        "files": grid.files,
    }


def save_grid(grid: Grid, folder: Path, *, below: Path | None = None) -> list[Path]:
    """Write what is shown first as ``matrix.tex``, and everything that can be chosen as ``matrix.csv``; their paths."""
    (label, statistic), frame = next(iter(grid.choices.items()))
    every = [f.assign(indicator=of, statistic=kind) for (of, kind), f in grid.choices.items()]
    paths = [folder / "matrix.csv", folder / "matrix.tex"]
    with written_whole(paths[0], below=below or folder, durable=False) as file:
        write_csv(pd.concat(every, ignore_index=True), file)
    text = latex_matrix(
        frame, problems=grid.problems, searchers=grid.searchers, statistic=statistic, ranks=grid.ranks.get(label)
    )
    with written_whole(paths[1], below=below or folder, durable=False) as file:
        file.write(text.encode())
    return paths


def _choice(grid: Grid, label: str, statistic: str, across: bool) -> dict[str, Any]:
    """The cells of one indicator and statistic, row by row as they are shown, and what they are."""
    frame = grid.choices[label, statistic]
    cells = {(row["problem"], row["searcher"]): _cell(row, statistic) for _, row in frame.iterrows()}
    absent = ("\N{EN DASH}", "", "")
    rows = [[cells.get((problem, searcher), absent) for searcher in grid.searchers] for problem in grid.problems]
    if grid.ranks:
        found = [grid.ranks.get(label, {}).get(searcher, np.nan) for searcher in grid.searchers]
        best = np.nanmin(found) if not np.isnan(found).all() else np.nan
        rows.append(
            [
                (shown(rank, ".2f"), "best" if rank == best and np.isfinite(found).sum() > 1 else "", "")
                for rank in found
            ]
        )
    levels = sorted({f"{100 * level:.0f} %" for level in frame["confidence"] if level > 0})
    runs = sorted(set(frame["runs"]))
    least = "" if len(runs) == 1 else f"{runs[0]} to " if runs[0] else "up to "
    counted = f"{least}{runs[-1]} run{'s' * (runs[-1] != 1)}"
    said = f"{label[:1].upper()}{label[1:]}: {STATISTICS[statistic]} of {counted}"
    said += f", interval of {' or '.join(levels)}" if levels else ""
    return {
        "said": f"{said}, median size of the set.",
        "cells": [list(row) for row in zip(*rows, strict=True)] if across else rows,
    }


def _cell(row: pd.Series[Any], statistic: str) -> tuple[str, str, str]:
    """A cell: its value, its standing, and what is small below."""
    notes = []
    if statistic == "mean" and np.isfinite(row["deviation"]):
        notes.append(f"\N{PLUS-MINUS SIGN} {row['deviation']:.4f}")
    elif np.isfinite(row["low"]):
        notes.append(f"{row['low']:.4f}\N{EN DASH}{row['high']:.4f}")
    if row["size"] == row["size"]:
        notes.append(f"set {row['size']:g}")
    if row["failed"]:
        notes.append(f"{row['failed']} failed")
    return shown(row["value"], ".4f"), row["standing"], " \N{MIDDLE DOT} ".join(notes)
