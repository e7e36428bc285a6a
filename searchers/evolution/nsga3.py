"""NSGA-III: nondominated sorting, and niches around reference directions, as array code (Deb and Jain 2014)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.directions import directions, twice
from mobench.searchers._population.generations import generations


def search(
    run: Run,
    *,
    population: Annotated[int, Interval(ge=2, le=100_000)] = 20,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 1.0,
    start: ArchitectureFile | None = None,
) -> None:
    """Evolve a population until the budget is spent, or until mating finds nothing that is not in the population.

    Parents are any members. Limits on objectives are kept by constraint domination (Jain and Deb 2014, part II).

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Survivors, and children a generation. 20 as in `nsga2`; there are as many directions as the lattice of Das and
        Dennis nearest to it has, and the population grows where they are more.
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 1 in the paper.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    lattice = directions(len(run.objectives), population)
    population = max(population, len(lattice))
    for X, _ in generations(
        run.rng,
        run.space,
        run.evaluate,
        population=population,
        begin=lambda: _starts.first(run, population, start),
        select=_Niches(lattice).select,
        objectives=run.objectives,
        crossover=crossover,
        crossover_probability=crossover_probability,
    ):
        run.record(population=X)


class _Niches:
    """What the search has seen of the front's extent, and the selection by niches in units of it.

    Attributes
    ----------
    axes : Array
        (h, m) reference directions of length 1.
    ideal, worst : Array
        (m,) least and greatest values seen.
    extremes : Array
        (k, m) points that reach farthest along the axes: none at first, then m.
    """

    def __init__(self, lattice: Array) -> None:
        m = lattice.shape[1]
        self.axes = lattice / np.linalg.norm(lattice, axis=1, keepdims=True)
        self.ideal, self.worst = np.full(m, np.inf), np.full(m, -np.inf)
        self.extremes: Array = np.empty((0, m))
        self._off_axis = np.where(np.eye(m, dtype=bool), 1.0, 1e6)[:, :, None]  # one over the weights of eq. 4

    def select(self, rng: np.random.Generator, F: Array, n: int, beyond: Array | None) -> Array:
        """Rows of the `n` survivors of (k, m) `F` (algorithm 1); shape (min(k, n),)."""
        F, rank = twice(F), _ranking.ranks(F, beyond)
        last = int(np.partition(rank, n - 1)[n - 1]) if len(F) > n else int(rank.max())
        fit = F if beyond is None else F[beyond == beyond.min()]
        self.ideal = np.minimum(self.ideal, fit.min(axis=0))
        self.worst = np.maximum(self.worst, fit.max(axis=0))
        ahead = (rank <= last).nonzero()[0]
        rank, F = rank.take(ahead), F.take(ahead, axis=0)
        span = self._nadir(F.compress(rank == 0, axis=0), F) - self.ideal
        if len(ahead) <= n:
            return ahead
        span[span <= 0] = 1.0
        N = np.maximum((F - self.ideal) / span, 0.0)
        along = N @ self.axes.T  # lengths of the projections on each direction: the nearest has the longest
        niche = along.argmax(axis=1)
        distance = (N * N).sum(axis=1) - along.max(axis=1) ** 2
        sure, split = (rank < last).nonzero()[0], (rank == last).nonzero()[0]
        counts = np.bincount(niche.take(sure), minlength=len(self.axes))
        chosen = fill(rng, niche.take(split), distance.take(split), counts, n - len(sure))
        return ahead.take(np.concatenate([sure, split.take(chosen)]))

    def _nadir(self, front: Array, ahead: Array) -> Array:
        """Where the plane through the extreme points cuts the axes, (m,) (section IV-C); the front's worst if nowhere.

        Parameters
        ----------
        front, ahead : Array
            (k, m) first front, (l, m) all that may survive.
        """
        unit = self.worst - self.ideal
        unit[unit <= 0] = 1.0
        points = np.concatenate([self.extremes, front])
        N = (points - self.ideal) / unit
        rows = (np.where(N < 1e-3, 0.0, N).T * self._off_axis).max(axis=1).argmin(axis=1)
        self.extremes, M = points[rows], N[rows]
        try:
            plane = np.linalg.solve(M, np.ones(len(unit)))
        except np.linalg.LinAlgError:  # two axes have one extreme point
            plane = np.zeros(len(unit))
        if 0 < plane.min() and plane.max() < 1e6:
            intercepts = 1.0 / plane
        else:
            intercepts = (front.max(axis=0) - self.ideal) / unit
        flat = intercepts <= 1e-6
        if flat.any():
            intercepts = np.where(flat, (ahead.max(axis=0) - self.ideal) / unit, intercepts)
        nadir: Array = self.ideal + np.minimum(intercepts, 1.0) * unit  # not beyond what was seen, as in pymoo
        return nadir


def fill(rng: np.random.Generator, niche: Array, distance: Array, counts: Array, n: int) -> Array:
    """Choose `n` of k points so that niches fill evenly (algorithm 4); rows, (n,).

    The niche with the fewest members takes one of its points, the nearest if it has none yet and else any, again and
    again. So the j-th that a niche takes comes when it has its count and j - 1 more: all is sorted once.

    Parameters
    ----------
    niche, distance : Array
        (k,) niche of each point and its distance from the direction, squared or not.
    counts : Array
        (h,) members of each niche before.
    """
    chance = rng.random(len(niche))
    order = np.lexsort((chance, distance, niche))
    ordered = niche.take(order)
    first = np.ones(len(order), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    nearest = order.compress(first)
    chance[nearest[counts.take(niche.take(nearest)) == 0]] = -1.0
    order = np.lexsort((chance, niche))
    starts = first.nonzero()[0].take(first.cumsum() - 1)  # niches begin at the same places in both orders
    level = counts.take(ordered) + np.arange(len(order)) - starts
    return order[np.lexsort((rng.random(len(order)), level))[:n]]
