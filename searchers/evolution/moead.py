"""MOEA/D: scalar subproblems that share solutions with their neighbours (Zhang and Li 2007), from pymoo."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Interval

from mobench import Run


def search(
    run: Run,
    *,
    population: Annotated[int, Ge(2)] = 20,
    neighbours: Annotated[int, Ge(2)] | None = None,
    neighbour_mating: Annotated[float, Interval(ge=0, le=1)] = 0.9,
    crossover: Literal["uniform", "two-point"] = "uniform",
    crossover_probability: Annotated[float, Interval(ge=0, le=1)] = 1.0,
    start: Path | None = None,
) -> None:
    """Evolve, one child at a time, until the budget is spent.

    Subproblems are weighted Tchebycheff functions for two objectives, penalised boundary intersections (theta 5) for
    more. pymoo's MOEA/D does not normalise, so it is shown objectives in units of the running ideal point and nadir. It
    refuses constraints, too: limits on objectives are kept where a child replaces others (Jain and Deb 2014).

    Parameters
    ----------
    run : Run
        The problem.
    population : int
        Subproblems, one weight each: the nearest number that a lattice of Das and Dennis has. 20 as in `nsga2`.
    neighbours : int, optional
        Subproblems that mate with each other and replace each other's solutions, the subproblem itself included; a
        fifth of them (the paper's 20 of 100) if left out.
    neighbour_mating : float
        How often both parents are neighbours; 0.9 (Li and Zhang 2009).
    crossover : {"uniform", "two-point"}
        How two parents mix; uniform as in `nsga2`.
    crossover_probability : float
        How often two parents mix; 1 in the paper.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as the first population holds; uniform ones make up
        the rest, and all are paid for (docs/warm-start.md).
    """
    from pymoo.algorithms.moo.moead import MOEAD

    from mobench.searchers._population import pymoo as _pymoo
    from mobench.searchers._population import starts as _starts

    weights = _pymoo.directions(len(run.objectives), population)
    operators = _pymoo.operators(
        run.space,
        crossover=crossover,
        crossover_probability=crossover_probability,
        begin=_starts.beginning(run, start),
    )
    algorithm = MOEAD(
        np.maximum(weights, 1e-6),  # a weight of 0 would not tell a dominated solution from the one that dominates it
        n_neighbors=neighbours or max(2, len(weights) // 5),
        prob_neighbor_mating=neighbour_mating,
        **operators,
    )
    if any(objective.limit is not None for objective in run.objectives):
        algorithm._replace = functools.partial(_replace, algorithm)
    _pymoo.drive(run, algorithm, normalise=True, constrained=False)


def _replace(algorithm: Any, subproblem: int, child: Any) -> None:
    """Put a child in the place of neighbours that are farther beyond limits, or as far and worse for their weights."""
    rows = algorithm.neighbors[subproblem]
    others, given = algorithm.pop[rows], {"weights": algorithm.ref_dirs[rows], "ideal_point": algorithm.ideal}
    before = algorithm.decomposition.do(others.get("F"), **given)
    now = algorithm.decomposition.do(child.F[None], **given)
    beyond, theirs = child.get("beyond"), others.get("beyond")
    better = np.where(theirs == beyond, now < before, beyond < theirs)
    algorithm.pop[rows[better]] = child
