"""Pareto local search: explore the one-gene neighbours of nondominated architectures (Paquete et al. 2004)."""

from __future__ import annotations

from typing import Annotated, Literal

import moocore
import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts


def search(
    run: Run,
    *,
    starts: Annotated[int, Interval(ge=1, le=1_000_000)] = 10,
    choice: Literal["crowding", "random"] = "crowding",
    leave_early: bool = True,
    restart: Literal["random", "perturb"] = "random",
    neighbours: Annotated[int, Interval(ge=1, le=1_000_000)] | None = None,
    start: ArchitectureFile | None = None,
) -> None:
    """Explore until the budget is spent or every architecture is known.

    Where objectives have limits, an architecture beyond them is better the less it is, and worse than any within.

    Parameters
    ----------
    run : Run
        The problem.
    starts : int
        Random architectures to begin with: 10, as in naszilla and NASLib.
    choice : {"crowding", "random"}
        Which member of the local front is explored next: the one with the most room around it (anytime Pareto local
        search chooses by contribution to the hypervolume), or any.
    leave_early : bool
        Leave a member as soon as a neighbour dominates it, asking for one neighbour at a time (the anytime variant,
        Dubois-Lacoste et al. 2015, and naszilla's first improvement); otherwise ask for the whole neighbourhood at
        once, which is five times faster in CPU time and a little worse per evaluation.
    restart : {"random", "perturb"}
        Where to go on when the whole local front is explored: to a new uniform architecture, as in naszilla, or to a
        new one that differs from a member of that front in two genes.
    neighbours : int, optional
        How many neighbours of a member to look at, drawn at random, where neighbourhoods are huge; all of them if left
        out. Ours.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `starts`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    memory = _Memory(run)
    members = memory.ask(_starts.first(run, starts, start))
    while len(members):
        members, explored = memory.front(members), np.empty(0, dtype=np.int64)
        while (todo := ~np.isin(members, explored)).any():
            row = int(members[_next(run.rng, memory.F[members], todo, choice)])
            explored = np.append(explored, row)
            found = _explore(run, memory, row, leave_early, neighbours)
            members = memory.front(np.unique(np.concatenate([members, found])))
        members = memory.ask(_restart(run, memory, members, restart))


def _next(rng: np.random.Generator, F: Array, todo: Array, choice: str) -> int:
    """Which of the rows `todo`, (n,) bool, of a front (n, m) to explore."""
    merit = rng.random(len(F))
    if choice == "crowding":
        distance = _ranking.crowding(F, np.zeros(len(F), dtype=np.int64))
        merit[np.lexsort((merit, distance))] = np.arange(len(F))
    return int(np.where(todo, merit, -1.0).argmax())


def _explore(run: Run, memory: _Memory, row: int, leave_early: bool, limit: int | None) -> Array:
    """Ask for the neighbours of a known row in random order; return the rows of those that were looked at."""
    around = run.rng.permutation(run.space.neighbours(memory.X[row]))[:limit]
    if not leave_early:
        return memory.ask(around)
    found: list[int] = []
    for neighbour in around:
        found.append(int(memory.ask(neighbour[None, :])[0]))
        if memory.improves(found[-1], row):
            break
    return np.array(found, dtype=np.int64)


def _restart(run: Run, memory: _Memory, members: Array, restart: str) -> Array:
    """An architecture, (1, d), that is not known yet; (0, d) where there is none."""
    if restart == "perturb":
        for _ in range(100):
            x = memory.X[[run.rng.choice(members)]]
            x = _genetics.mutate_one(run.rng, _genetics.mutate_one(run.rng, x, run.space), run.space)
            if not memory.knows(x):
                return x
    return _genetics.sample_new(run.rng, run.space, 1, memory.keys)


class _Memory:
    """What was asked so far, each architecture once, so that known neighbours are neither asked nor charged again.

    Attributes
    ----------
    X : Array
        (n, d) architectures in the order they were asked.
    F, beyond : Array
        (n, m) their values, and how far these are beyond limits, (n,); empty where there are none.
    """

    def __init__(self, run: Run) -> None:
        self.X: Array = np.empty((0, len(run.space.cardinalities)), dtype=np.int64)
        self.F: Array = np.empty((0, len(run.objectives)))
        self.beyond: Array = np.empty(0)
        self._run = run
        self._rows: dict[int, int] = {}

    @property
    def keys(self) -> Array:
        """Keys of all rows; shape (n,)."""
        return np.fromiter(self._rows, dtype=np.int64, count=len(self._rows))

    def knows(self, X: Array) -> bool:
        """Whether all architectures of (k, d) `X` were asked."""
        return all(key in self._rows for key in self._run.space.key(X).tolist())

    def ask(self, X: Array) -> Array:
        """Rows of the (k, d) architectures `X`, (k,), after asking for those that are not known."""
        keys = self._run.space.key(X).tolist()
        new: dict[int, int] = {}
        for i, key in enumerate(keys):
            if key not in self._rows:
                new.setdefault(key, i)
        if new:
            unknown = X[list(new.values())]
            F = self._run.evaluate(unknown)
            self._rows |= {key: len(self.X) + i for i, key in enumerate(new)}
            self.X, self.F = np.concatenate([self.X, unknown]), np.concatenate([self.F, F])
            if (beyond := _ranking.beyond_limits(F, self._run.objectives)) is not None:
                self.beyond = np.concatenate([self.beyond, beyond])
        return np.array([self._rows[key] for key in keys], dtype=np.int64)

    def improves(self, row: int, other: int) -> bool:
        """Whether a row dominates another: it is less far beyond limits, or as far and better."""
        now, before = self.F[row], self.F[other]
        if len(self.beyond) and self.beyond[row] != self.beyond[other]:
            return bool(self.beyond[row] < self.beyond[other])
        return bool((now <= before).all() and (now < before).any())

    def front(self, rows: Array) -> Array:
        """Those of `rows` that none of them dominates, of rows with equal values the first; shape (k,).

        Of rows beyond limits only the least are, and none where another is within.
        """
        if len(self.beyond):
            rows = rows[self.beyond[rows] <= self.beyond[rows].min()]
        best: Array = rows[moocore.is_nondominated(self.F[rows])]
        return best
