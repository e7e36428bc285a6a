"""Grid search: all combinations of evenly spaced values of some genes, coarse grids before fine ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Gene, Run, Space
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import starts as _starts

LISTED = 100_000
"""Largest grid that is listed; of larger ones points are drawn."""
TRIES = 100
"""Batches without a new point after which a drawn grid counts as done."""


def search(
    run: Run,
    *,
    genes: tuple[Gene, ...] = (),
    levels: Annotated[int, Interval(ge=1, le=1_000_000)] | None = None,
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] = 100,
    start: ArchitectureFile | None = None,
) -> None:
    """Ask for the points of a grid in random order, until the budget is spent or the grid is done.

    A budget below the size of a grid buys a random sample of it. With many genes that is a sample of corners, which is
    worse than random search where few genes matter (Bergstra and Bengio 2012).

    Parameters
    ----------
    run : Run
        The problem.
    genes : tuple of str
        Genes that vary; all others have their middle value, or that of the first architecture of `start`. All vary if
        left out. ``grid:genes=[units1,units2]`` on `fcnet` is the grid of perceptrons, width by width.
    levels : int, optional
        Values of each gene, evenly spaced among those that it has: a gene of fewer has them all. If left out, a grid of
        2 is followed by one of 3, and so on to all values, and what is known by then is not asked again.
    batch : int
        Architectures asked for at once; it changes nothing but the speed.
    start : Path, optional
        A log or a CSV with architectures to ask for before the grid; they are paid for (docs/warm-start.md).
    """
    space = run.space
    cardinalities = _genetics.bounds(space)
    fixed = (cardinalities - 1) // 2
    if start is not None:
        given = _starts.given(run, start)
        run.evaluate(given)
        fixed = given[0]
    varied = np.isin(space.names, genes) if genes else np.ones(len(cardinalities), dtype=bool)
    known: Array = np.empty(0, dtype=np.int64)
    steps = range(2, max(3, int(cardinalities[varied].max()) + 1)) if levels is None else [levels]
    for level in steps:
        old = 0
        for X in points(run.rng, np.where(varied, cardinalities, 1), fixed, level, batch):
            keys = space.key(X)
            new = _genetics.fresh(keys, known)
            known = np.concatenate([known, keys[new]])
            old = 0 if new.any() else old + 1
            if new.any():
                run.evaluate(X[new])
            elif old == TRIES:
                break


def points(rng: np.random.Generator, cardinalities: Array, fixed: Array, level: int, batch: int) -> Iterator[Array]:
    """The points of a grid, (k, d) with k up to `batch`, in random order.

    Parameters
    ----------
    cardinalities : Array
        (d,) values of each gene; 1 for genes that keep their `fixed` value, (d,).
    level : int
        Values of a gene in the grid, evenly spaced from the first to the last; 1 is the middle one.
    """
    genes = zip(cardinalities.tolist(), fixed.tolist(), strict=True)
    axes = [spaced(choices, level) if choices > 1 else np.array([own]) for choices, own in genes]
    grid = Space(tuple(map(len, axes)))
    if grid.size <= LISTED:
        rows = rng.permutation(grid.all())
        turns: Iterator[Array] = (rows[i : i + batch] for i in range(0, len(rows), batch))
    else:
        turns = (grid.sample(rng, batch) for _ in iter(int, 1))
    for turn in turns:
        yield np.column_stack([axis[column] for axis, column in zip(axes, turn.T, strict=True)])


def spaced(choices: int, level: int) -> Array:
    """At most `level` evenly spaced numbers of 0 .. choices - 1, ends included; of one level the middle."""
    if level == 1:
        return np.array([(choices - 1) // 2])
    found: Array = np.rint(np.linspace(0, choices - 1, min(level, choices))).astype(np.int64)
    return found
