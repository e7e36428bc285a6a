"""Architectures that a file holds: a run's log, or a CSV with a column a gene."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mobench.core.messages import nearest
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array, Space
from mobench.files.reading import read_file
from mobench.harness.history import read_history

__all__ = ["read_architectures"]


def read_architectures(path: str | Path, space: Space, objectives: Sequence[Objective]) -> tuple[Array, Array]:
    """Read architectures to begin a search with; asking for them is charged as for any others.

    Parameters
    ----------
    path : path
        A log of a run (its name ends in ``.jsonl``), of which the answers at full fidelity are taken; or a CSV whose
        first line names columns: one for each gene, as `Result.front` has them, or one called ``genes`` that holds
        the numbers of all, as ``mobench export`` writes it. Other columns are left alone. Where the space has `values`,
        columns of genes hold these throughout, else numbers throughout.
    space : Space
        Where they belong.
    objectives : sequence of Objective
        The m columns of the values of a log.

    Returns
    -------
    X, F : Array
        (k, d) different architectures in the order of the file, and what a log says of them: (k, m) values, all to be
        minimised, where there are several the first; (k, 0) of a CSV.

    Raises
    ------
    OSError, ValueError
        The file cannot be read, holds no architectures, or not of this space; one line.
    """
    path = Path(path)
    if path.suffix == ".jsonl":
        history = read_history(path, d=len(space.cardinalities), m=len(objectives))
        whole = history.fidelity == 0
        X, F = history.X[whole], minimised(history.F[whole], objectives)
    else:
        X = _from_csv(path, space)
        F = np.empty((len(X), 0))
    if not len(X):
        raise ValueError(f"{path}: holds no architectures{' answered at full fidelity' * (path.suffix == '.jsonl')}")
    try:
        X = space.canonical(space.check(X))
    except ValueError as error:
        raise ValueError(f"{path}: not of this space ({error})") from None
    kept = np.sort(np.unique(space.key(X), return_index=True)[1])
    return X[kept], F[kept]


def _from_csv(path: Path, space: Space) -> Array:
    """The rows of a CSV as integers, (k, d); ValueError names the first that is none."""
    try:
        lines = csv.reader(io.StringIO(read_file(path).decode("utf-8-sig"), newline=""), strict=True)
        together, rows = _rows(path, lines, space.names)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV file ({error})") from None
    blank = [[cell == "" and space.inactive is not None and not together for cell in cells] for _, cells in rows]
    if space.values is not None and not together:
        numbers = [{str(value): i for i, value in enumerate(own)} | {"": ""} for own in space.values]
        if all(cell in own for _, cells in rows for own, cell in zip(numbers, cells, strict=True)):
            rows = [(n, [str(own[cell]) for own, cell in zip(numbers, cells, strict=True)]) for n, cells in rows]
    genes = [
        _numbers(path, number, ["0" if gone else cell for cell, gone in zip(cells, away, strict=True)], space)
        for (number, cells), away in zip(rows, blank, strict=True)
    ]
    X = np.array(genes, dtype=np.int64).reshape(-1, len(space.names))
    if space.inactive is not None and any(map(any, blank)):  # only a gene that decides nothing may be left blank
        wrong = np.argwhere(np.array(blank) & ~space.inactive(space.check(X)))
        if len(wrong):
            raise ValueError(f"{path}: row {rows[wrong[0, 0]][0]} has no {space.names[wrong[0, 1]]!r}")
    return X


def _rows(path: Path, lines: Iterator[list[str]], names: Sequence[str]) -> tuple[bool, list[tuple[int, list[str]]]]:
    """Whether a column holds all genes together, and each row's number and cells."""
    header = [name.strip() for name in next(lines, [])]
    places = [header.index(name) for name in names if name in header]
    if together := (len(places) < len(names) and "genes" in header):
        places = [header.index("genes")]
    elif len(places) < len(names):
        lacking = next(name for name in names if name not in header)
        raise ValueError(f"{path}: has no column {lacking!r}{nearest(lacking, header)}; its first line names the genes")
    found = []
    for number, line in zip(itertools.count(2), lines, strict=False):
        if line:
            cells = [line[place].strip() if place < len(line) else "" for place in places]
            found.append((number, cells[0].split() if together else cells))
    return together, found


def _numbers(path: Path, number: int, cells: Sequence[str], space: Space) -> list[int]:
    """The genes of a row; ValueError where they are not as many whole numbers as the space has genes."""
    d = len(space.names)
    try:
        genes = [int(cell) for cell in cells]
        if len(genes) != d or max(map(abs, genes)) >= 2**62:
            raise ValueError
    except ValueError:
        found = " ".join(cells)[:80]
        raise ValueError(f"{path}: row {number} holds {found!r}, expected {d} whole numbers") from None
    return genes
