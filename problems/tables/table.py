"""Table: any tabular benchmark, from a CSV or Parquet file and a TOML header of some ten lines.

The header names the file, the columns that are genes, the objectives (with the columns that a searcher sees and the
one that is scored) and, optionally, what a training costs. ``docs/problems/tables/table.md`` describes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from mobench import Array, Cost, Objective, Space, Values, fingerprint, nondominated
from mobench.problems._table.file import Cells, Criterion, Header, read_columns, read_header, to_choices, to_numbers

LARGEST_GRID = 10_000_000
"""Rows of the largest grid of genes, which is held in memory."""
LARGEST_TRIALS = 100_000_000
"""Values of all trials that are held in memory, at most."""


@dataclass(frozen=True, eq=False)
class TableProblem:
    """A table with n rows over a grid of genes.

    Attributes
    ----------
    space : Space
        All combinations of the genes' values; those answered by the same row share a class.
    objectives : tuple of Objective
        The m columns of F.
    choices : tuple of list
        The values of each gene, in the order of its numbers.
    rows : Array
        (space.size,) the row of the table that answers each architecture, in the order of the space.
    genes : Array
        (n, d) the architecture of each row of the table.
    seen : Array
        (n, trials, m) what a searcher may be told.
    scored : Array
        (n, m) what is reported.
    noise : Array
        (n, m) standard errors of `scored`, as far as the trials tell; NaN where no objective has any.
    flops, seconds : Array or float
        (n,) price of each row, in multiply-adds and in seconds.
    provenance : str
        Where the numbers come from.
    """

    space: Space
    objectives: tuple[Objective, ...]
    choices: tuple[Cells, ...] = field(repr=False)
    rows: Array = field(repr=False)
    genes: Array = field(repr=False)
    seen: Array = field(repr=False)
    scored: Array = field(repr=False)
    noise: Array = field(repr=False)
    flops: Array | float = field(repr=False)
    seconds: Array | float = field(repr=False)
    provenance: str = ""

    @property
    def training(self) -> Cost:
        """One evaluation, at the mean price of the rows."""
        return Cost(evaluations=1, flops=float(np.mean(self.flops)), seconds=float(np.mean(self.seconds)))

    @property
    def deterministic(self) -> bool:
        """Whether every objective has one trial."""
        return len(self.seen[0]) == 1

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Answer (n, d) architectures, each with the trial that its seed draws.

        Raises
        ------
        ValueError
            The table has trials and there are no `seeds`.
        """
        rows = self.rows[self.space.index(X)]
        draw: Array | int = 0
        if not self.deterministic:
            if seeds is None:
                raise ValueError("seeds: expected one an architecture, as the table has trials; found None")
            draw = (np.asarray(seeds, dtype=np.uint64) % np.uint64(self.seen.shape[1])).astype(np.int64)
        flops, seconds = (c if isinstance(c, float) else c[rows] for c in (self.flops, self.seconds))
        return Values(self.seen[rows, draw], flops, seconds)

    def score(self, X: Array) -> Array:
        """Give the scored columns of (n, d) architectures; shape (n, m)."""
        scored: Array = self.scored[self.rows[self.space.index(X)]]
        return scored

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored: the file may change under its name."""
        return fingerprint(self.genes, self.seen, self.scored, self.flops, self.seconds)

    def standard_errors(self, X: Array) -> Array:
        """How far other trials would move the scores of (n, d) architectures: (n, m), NaN in a table without trials."""
        noise: Array = self.noise[self.rows[self.space.index(X)]]
        return noise

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest scored value of each objective, (m,) each."""
        return self.scored.min(axis=0), self.scored.max(axis=0)

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal rows of the table, and their scored values; read-only."""
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        best = nondominated(self.scored, self.objectives)
        X, F = self.genes[best], self.scored[best]
        X.flags.writeable = F.flags.writeable = False
        return X, F

    def decode(self, X: Array) -> list[str]:
        """Genes by name and value, ``kernel=3 width=64``."""
        return [_written(self.space.names, self.choices, x) for x in np.asarray(X)]


def problem(*, path: str) -> TableProblem:
    """Build the problem of the TOML header at `path`; the table lies where the header says, seen from its folder.

    Parameters
    ----------
    path
        The TOML header.

    Raises
    ------
    ValueError
        The header or the table is missing, damaged or inconsistent: one line with the file, the place and the cure.
    """
    header = read_header(Path(path))
    file = Path(path).parent / header.data
    cells = read_columns(file, _columns(header))
    numbers = {
        name: np.array(to_numbers(file, name, cells[name]))
        for name in _columns(Header.model_construct(objectives=header.objectives, cost=header.cost))
    }
    space, genes, choices, rows = _space(header, file, cells)
    objectives = tuple(Objective(c.name, c.unit, c.maximise) for c in header.objectives)
    _distinct("objectives", [objective.name for objective in objectives])
    seen, scored, noise = _values(header.objectives, numbers)
    flops, seconds = (_price(file, name, numbers) for name in (header.cost.flops, header.cost.seconds))
    return TableProblem(space, objectives, choices, rows, genes, seen, scored, noise, flops, seconds, header.provenance)


def _columns(header: Header) -> list[str]:
    """Names of all columns that a header mentions."""
    names = [gene.column for gene in header.genes]
    for objective in header.objectives:
        names += [*objective.trials, *([objective.scored] if objective.scored else [])]
    return list(dict.fromkeys([*names, *filter(None, (header.cost.flops, header.cost.seconds))]))


def _distinct(what: str, names: list[str]) -> None:
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ValueError(f"{what}: the name {twice[0]!r} is used twice; names must differ")


def _values(objectives: list[Criterion], numbers: dict[str, Array]) -> tuple[Array, Array, Array]:
    """Stack what is seen, (n, trials, m), what is scored, (n, m), and how sure that is, (n, m).

    An objective with fewer trials than another repeats them, so that each is drawn equally often, and objectives with
    equally many are drawn together, as results of one training.
    """
    counts = [len(objective.trials) for objective in objectives]
    most = math.lcm(*counts)
    if most * len(counts) * len(next(iter(numbers.values()))) > LARGEST_TRIALS:
        raise ValueError(
            f"objectives: {most:,} trials are the least that {counts} share; use equally many columns each"
        )
    seen, scored, noise = [], [], []
    for objective in objectives:
        trials = np.column_stack([numbers[name] for name in objective.trials])
        seen.append(np.tile(trials, (1, most // trials.shape[1])))
        scored.append(numbers[objective.scored] if objective.scored else trials.mean(axis=1))
        alone = np.zeros(len(trials)) if most > 1 else np.full(len(trials), np.nan)
        k = trials.shape[1]
        noise.append(trials.std(axis=1, ddof=1) / math.sqrt(k) if k > 1 else alone)
    return np.stack(seen, axis=2), np.column_stack(scored), np.column_stack(noise)


def _price(file: Path, name: str | None, numbers: dict[str, Array]) -> Array | float:
    if name is None:
        return 0.0
    if (numbers[name] < 0).any():
        raise ValueError(f"{file}: column {name!r}, row {int(np.argmax(numbers[name] < 0)) + 1}: a cost below zero")
    return numbers[name]


def _space(header: Header, file: Path, cells: dict[str, Cells]) -> tuple[Space, Array, tuple[Cells, ...], Array]:
    """Lay the table's rows on the grid of its genes: space, genes, choices and rows of `TableProblem`."""
    n = len(next(iter(cells.values())))
    if not header.genes:
        return Space((n,), ("row",)), np.arange(n)[:, None], (list(range(1, n + 1)),), np.arange(n)
    coded = [to_choices(file, gene.column, cells[gene.column], gene.values) for gene in header.genes]
    genes, choices = np.column_stack([numbers for numbers, _ in coded]), tuple(values for _, values in coded)
    names = tuple(gene.name or gene.column for gene in header.genes)
    _distinct("genes", list(names))
    shape = tuple(map(len, choices))
    if math.prod(shape) > LARGEST_GRID:
        raise ValueError(
            f"genes: {math.prod(shape):.3g} combinations of values, of which {file.name} has {n}; the limit is "
            f"{LARGEST_GRID}: use fewer genes, or leave `genes` out to search over the rows themselves"
        )
    space = Space(shape, names)
    numbers = space.index(genes)
    _unique(file, numbers)
    grid = np.full(space.size, n)
    grid[numbers] = np.arange(n)
    if n == space.size:
        return space, genes, choices, grid
    if header.missing == "refuse":
        gap = space.at(np.flatnonzero(grid == n)[:1])[0]
        raise ValueError(
            f"{file}: {n} of the {space.size} combinations of genes have a row ({_written(names, choices, gap)!r} has "
            'none); set `missing = "nearest"` to answer the others by the nearest row, or leave `genes` out to search '
            "over the rows themselves"
        )
    rows = _nearest(grid.reshape(shape), n).ravel()
    return Space(shape, names, classes=lambda X: rows[space.index(X)]), genes, choices, rows


def _written(names: tuple[str, ...], choices: tuple[Cells, ...], x: Array) -> str:
    return " ".join(f"{name}={values[i]}" for name, values, i in zip(names, choices, x, strict=True))


def _unique(file: Path, numbers: Array) -> None:
    order = np.argsort(numbers, kind="stable")
    same = np.flatnonzero(np.diff(numbers[order]) == 0)
    if len(same):
        first, second = order[same[0] : same[0] + 2] + 1
        raise ValueError(
            f"{file}: rows {first} and {second} have the same genes; keep one, or name the gene that differs"
        )


def _nearest(grid: Array, nobody: int) -> Array:
    """Fill the gaps of a grid of row numbers by the row that differs in the fewest genes, the lowest where several do.

    A gap at distance t of its nearest rows has neighbours at distance t - 1, and theirs are the same rows; so the
    fill proceeds one gene at a time.
    """
    while (grid == nobody).any():
        near = np.full_like(grid, nobody)
        for axis in range(grid.ndim):
            np.minimum(near, grid.min(axis=axis, keepdims=True), out=near)
        grid = np.where(grid == nobody, near, grid)
    return grid
