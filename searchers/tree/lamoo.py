"""LaMOO: a tree of curved cuts between what few samples dominate and what many do (Zhao et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import moocore
import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run
from mobench.searchers._partition.partition import Side, descend, grow, sample
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.codes import one_hot
from mobench.searchers._population.scalars import scaled

EXACT, DIRECTIONS = 4, 2**12
"""Objectives up to which hypervolumes are exact; beyond, how many directions approximate them."""


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 10,
    samples: Annotated[int, Interval(ge=1, le=1_000_000)] = 5,
    smallest: Annotated[int, Interval(ge=2, le=1_000_000)] = 16,
    exploration: Annotated[float, Interval(ge=0, le=1000)] = 0.1,
    degree: Annotated[int, Interval(ge=1, le=100)] = 4,
    penalty: Annotated[float, Interval(ge=1e-6, le=1e6)] = 1.0,
    start: ArchitectureFile | None = None,
) -> None:
    """Learn a tree, draw a few architectures in the part that its bounds choose, and learn it anew.

    Ends when the budget is spent or all is known. Samples beyond limits are dominated by those that are less so.

    Parameters
    ----------
    run : Run
        The problem.
    initial : int
        Uniform architectures before the first tree; 10 in the authors' code.
    samples : int
        Architectures between two trees; 5 in the authors' code for NAS-Bench-201.
    smallest : int
        Samples that a part must hold to be cut; 16 in the authors' code for NAS-Bench-201.
    exploration : float
        C_p of the upper confidence bound, in units of the hypervolume of all samples; a tenth, as the paper advises.
    degree : int
        Of the polynomial kernel; 4 in the authors' code for NAS-Bench-201.
    penalty : float
        C of the support vector machine; 1 is scikit-learn's, which the authors leave as it is.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    X = _starts.first(run, initial, start)
    F = run.evaluate(X)
    while True:
        beyond = _ranking.beyond_limits(F, run.objectives)
        codes, dominators = one_hot(run.space, X), dominance(F, beyond)
        volume = volumes(F, beyond)

        def cut(rows: Array, _: int, codes: Array = codes, dominators: Array = dominators) -> Side | None:
            if len(rows) < smallest:
                return None
            few = np.argsort(dominators[rows], kind="stable").argsort() <= len(rows) // 2
            return curved(codes[rows], few, degree=degree, penalty=penalty)

        tree = grow(codes, np.arange(len(X)), cut=cut, worth=volume)
        part = list(descend(tree, exploration * tree.value))[-1]
        new = sample(run.rng, run.space, part, samples, X)
        if not len(new):
            return
        X, F = np.concatenate([X, new]), np.concatenate([F, run.evaluate(new)])


def dominance(F: Array, beyond: Array | None = None) -> Array:
    """Dominance number of each of (n, m) points: how many of them dominate it; (n,).

    Parameters
    ----------
    beyond : Array, optional
        (n,) how far they are beyond limits: what is less so dominates, values count among equals.

    Examples
    --------
    >>> dominance(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 4.0], [2.0, 2.0]])).tolist()
    [0, 0, 3, 0]
    """
    better, equal = np.ones((2, len(F), len(F)), dtype=bool)
    for column in F.T:
        better &= column[:, None] <= column
        equal &= column[:, None] == column
    better &= ~equal
    if beyond is not None:
        better = np.where(beyond[:, None] == beyond, better, beyond[:, None] < beyond)
    found: Array = better.sum(axis=0)
    return found


def volumes(F: Array, beyond: Array | None) -> Callable[[Array], float]:
    """Hypervolumes of rows of (n, m) values within limits, reference at 1.1 in units of all values seen."""
    N, m = scaled(F), F.shape[1]
    kept = np.ones(len(F), dtype=bool) if beyond is None else beyond == 0

    def volume(rows: Array) -> float:
        points = N[rows[kept[rows]]]
        if not len(points):
            return 0.0
        if m <= EXACT:
            return float(moocore.hypervolume(points, ref=1.1))
        return float(moocore.hv_approx(points, ref=1.1, nsamples=DIRECTIONS))

    return volume


def curved(codes: Array, good: Array, *, degree: int, penalty: float) -> Side:
    """The cut of a least-squares support vector machine with a polynomial kernel (Suykens and Vandewalle 1999).

    The authors' machine with equations in place of inequalities, so that it is one linear system.

    Parameters
    ----------
    codes : Array
        (n, k) one-hot features.
    good : Array
        (n,) bool, the classes.
    """
    n, genes = len(codes), int(codes[0].sum())
    scale = 1.0 / (codes.shape[1] * codes.var())  # as scikit-learn has it
    kernel = (scale * np.arange(genes + 1)) ** degree  # products of one-hot codes are numbers of equal genes
    system = np.ones((n + 1, n + 1))
    system[0, 0] = 0.0
    system[1:, 1:] = kernel[(codes @ codes.T).astype(np.int64)] + np.eye(n) / penalty
    offset, *solved = np.linalg.solve(system, np.append(0.0, np.where(good, 1.0, -1.0)))
    weights = np.array(solved)
    return lambda other: kernel[(other @ codes.T).astype(np.int64)] @ weights >= -offset
