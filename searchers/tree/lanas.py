"""LaNAS: a tree of linear cuts that are learned between good and bad architectures (Wang et al. 2021)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Run, violation
from mobench.searchers._partition.partition import Side, descend, grow, sample
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.codes import one_hot
from mobench.searchers._population.scalars import chebyshev, scaled


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 10,
    height: Annotated[int, Interval(ge=1, le=1_000_000)] = 5,
    selections: Annotated[int, Interval(ge=1, le=1_000_000)] = 20,
    exploration: Annotated[float, Interval(ge=0, le=1000)] = 0.1,
    start: ArchitectureFile | None = None,
) -> None:
    """Learn a tree, select a few architectures in it, and learn it anew, until the budget is spent or all is known.

    The paper has one objective. With several, each tree is one of another direction: samples are worth one less an
    augmented Chebyshev function of weights that are drawn for the tree, as in ParEGO (Knowles 2006), in units of what
    was seen. Samples beyond limits are worth less.

    Parameters
    ----------
    run : Run
        The problem.
    initial : int
        Uniform architectures before the first tree; 10 in the authors' code for NAS-Bench-101.
    height : int
        Levels of the tree, the root's and the leaves' included; 5 in the authors' code, 16 leaves.
    selections : int
        Architectures between two trees; 20 in the authors' code.
    exploration : float
        C_p of the upper confidence bound, for values in [0, 1]; 0.1 in the authors' code.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    X = _starts.first(run, initial, start)
    F = run.evaluate(X)
    while True:
        weights = run.rng.dirichlet(np.ones(F.shape[1]))
        seen, beyond = F, violation(F, run.objectives)
        worth = worths(F, beyond, weights)
        codes = one_hot(run.space, X)

        def cut(rows: Array, depth: int, codes: Array = codes, worth: Array = worth) -> Side | None:
            return linear(codes[rows], worth[rows]) if depth < height - 1 else None

        tree = grow(codes, np.arange(len(X)), cut=cut, worth=lambda rows, worth=worth: float(worth[rows].mean()))  # type: ignore[misc]
        for _ in range(selections):
            parts = list(descend(tree, exploration))
            x = sample(run.rng, run.space, parts[-1], 1, X)
            if not len(x):
                return
            X, F = np.concatenate([X, x]), np.concatenate([F, run.evaluate(x)])
            value = float(worths(F[-1:], violation(F[-1:], run.objectives), weights, seen=seen, most=beyond)[0])
            for part in parts:
                part.value += (value - part.value) / (part.visits + 1)
                part.visits += 1


def worths(F: Array, beyond: Array, weights: Array, *, seen: Array | None = None, most: Array | None = None) -> Array:
    """What (n, m) values are worth by (m,) weights, (n,): 1 at the ideal point, less beyond limits."""
    far = (beyond if most is None else most).max(initial=0.0)
    lost = beyond / far if far > 0 else beyond
    found: Array = 1.0 - chebyshev(scaled(F, seen), weights) - lost
    return found


def linear(codes: Array, worth: Array) -> Side | None:
    """The cut of a linear regression at the mean of its predictions; good is what is predicted to be worth as much.

    Parameters
    ----------
    codes, worth : Array
        (n, k) features and (n,) values. Of the regressions that fit the least one is taken.

    Returns
    -------
    callable or None
        None for fewer than two samples.
    """
    if len(codes) < 2:
        return None
    center, mean = codes.mean(axis=0), worth.mean()
    slope = np.linalg.lstsq(codes - center, worth - mean, rcond=1e-9)[0]
    return lambda other: (other - center) @ slope >= 0.0
