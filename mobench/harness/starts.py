"""Architectures that a file holds: a run's log, or a CSV with a column a gene."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from mobench.core.messages import nearest
from mobench.core.offered import Taken
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array, Space
from mobench.files.reading import read_file
from mobench.harness.history import History, read_history

__all__ = ["ArchitectureFile", "read_architectures"]


def read_architectures(path: str | Path, space: Space, objectives: Sequence[Objective]) -> tuple[Array, Array]:
    """Read architectures to begin a search with; asking for them is charged as for any others.

    Parameters
    ----------
    path : path
        A log of a run (its name ends in ``.jsonl``), of which the answers at full fidelity are taken; or a CSV whose
        first line names columns: one for each gene with its values as `Result.front` writes them (`Space.written`),
        or one called ``genes`` that holds the whole numbers of all, as ``mobench export`` writes it. Other columns are
        left alone.
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
        history = _history(path, space, objectives)
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


def _history(path: Path, space: Space, objectives: Sequence[Objective]) -> History:
    """What a log says; ValueError without the advice for a run of one's own: this one is perhaps all that is left."""
    try:
        return read_history(path, d=len(space.cardinalities), m=len(objectives))
    except ValueError as error:
        raise ValueError(str(error).replace("; delete the folder to run again", "")) from None


def _check(path: str | Path, problem: Problem) -> None:
    """ValueError or OSError where the file holds nothing to begin with on a problem."""
    read_architectures(path, problem.space, problem.objectives)


ArchitectureFile = Annotated[Path, Taken(_check)]
"""A file that `read_architectures` reads: one that it cannot read is a line before anything runs."""


def _from_csv(path: Path, space: Space) -> Array:
    """The rows of a CSV as integers, (k, d); ValueError names the first that is none."""
    try:
        lines = csv.reader(io.StringIO(read_file(path).decode("utf-8-sig"), newline=""), strict=True)
        rows = list(_rows(path, lines, space))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV file ({error})") from None
    return np.array(rows, dtype=np.int64).reshape(-1, len(space.names))


def _rows(path: Path, lines: Iterator[list[str]], space: Space) -> Iterator[list[int]]:
    header, names = [name.strip() for name in next(lines, [])], space.names
    own = [f"gene {name}" if f"gene {name}" in header else name for name in names]  # as `Result.front` calls them
    lacking = [name for name in own if name not in header]
    together = bool(lacking) and "genes" in header
    if lacking and not together:
        hint = nearest(lacking[0], header)
        raise ValueError(f"{path}: has no column {lacking[0]!r}{hint}; its first line names the genes")
    places = [header.index(name) for name in (["genes"] if together else own)]
    read = _numbers if together or space.values is None else _Values(space)
    for number, line in zip(itertools.count(2), lines, strict=False):
        if not line:
            continue
        cells = [line[place].strip() if place < len(line) else "" for place in places]
        try:
            yield read(cells[0].split() if together else cells, names)
        except ValueError as error:
            raise ValueError(f"{path}: row {number} {error}") from None


def _numbers(cells: Sequence[str], names: Sequence[str]) -> list[int]:
    """Genes that are written as the numbers that they are."""
    try:
        genes = [int(cell) for cell in cells]
        if len(genes) == len(names) and max(map(abs, genes)) < 2**62:
            return genes
    except ValueError:
        pass
    raise ValueError(f"holds {' '.join(cells)[:80]!r}, expected {len(names)} whole numbers")


class _Values:
    """What turns genes as people read them back into numbers: the inverse of `Space.written`."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._places = [{_spelt(str(v)): i for i, v in reversed(list(enumerate(own)))} for own in space.values or ()]

    def __call__(self, cells: Sequence[str], names: Sequence[str]) -> list[int]:
        empty = [not cell for cell in cells]
        genes = [0] * len(cells)
        for j, (name, cell, places) in enumerate(zip(names, cells, self._places, strict=True)):
            if (place := places.get(_spelt(cell))) is not None:
                genes[j], empty[j] = place, False
            elif cell:
                raise ValueError(f"has {cell[:80]!r} as {name!r}, expected one of {self._known(j)}")
        if any(empty):
            off = [False] * len(genes) if self._space.inactive is None else self._space.inactive(np.array([genes]))[0]
            if wrong := [name for name, hole, away in zip(names, empty, off, strict=True) if hole and not away]:
                raise ValueError(f"has no {wrong[0]!r}, expected one of {self._known(names.index(wrong[0]))}")
        return genes

    def _known(self, j: int) -> str:
        values = [str(value) for value in (self._space.values or ())[j]]
        return ", ".join(values[:8]) + ", .." * (len(values) > 8)


def _spelt(text: str) -> str:
    """A text in a form that equal numbers share: a table that was read and written again has 4.0 for 4."""
    try:
        return repr(float(text))
    except ValueError:
        return text
