"""ParEGO: one random Chebyshev sum at a time, a Gaussian process of it and expected improvement (Knowles 2006)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Objective, Run, violation
from mobench.searchers._models.asked import Asked
from mobench.searchers._models.encoding import bits
from mobench.searchers._models.gaussian import fit
from mobench.searchers._models.improvement import expected_improvement
from mobench.searchers._models.values import comparable, units_of
from mobench.searchers._population import starts as _starts
from mobench.searchers._population.directions import directions

WEIGHTS = {2: 11, 3: 15, 4: 56}
"""Vectors on the lattice by number of objectives, about: s = 10 partitions for two, 4 for three, 5 for four."""


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] | None = None,
    rho: Annotated[float, Interval(ge=0, le=1000)] = 0.05,
    candidates: Annotated[int, Interval(ge=1, le=100_000)] = 500,
    start: ArchitectureFile | None = None,
) -> None:
    """Ask for `initial` architectures, then for one at a time, until the budget is spent or nothing new is left.

    Each time a weight is drawn from the lattice, and the process is of the sum s = max_j w_j f_j + rho sum_j w_j f_j of
    values scaled to [0, 1] by all answers (equation 2). What is beyond limits counts its violation more.

    Parameters
    ----------
    run : Run
        The problem.
    initial : int, optional
        Architectures before the first model: two a gene, at least 10, if left out. The paper's 11 d - 1 is a whole NAS
        budget.
    rho : float
        Weight of the sum beside the maximum; 0.05 in the paper.
    candidates : int
        Uniform architectures among which improvement is looked for, beside neighbours of nondominated ones: the paper's
        evolution is for real numbers.
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    rng, encoding = run.rng, bits(run.space)
    m = len(run.objectives)
    lattice = directions(m, WEIGHTS.get(m, 100))[:, :m]
    asked = Asked(run, _starts.first(run, initial or max(10, 2 * len(run.space.cardinalities)), start))
    theta: Array | None = None
    while True:
        weight = lattice[rng.integers(len(lattice))] if m > 1 else np.ones(1)
        s = scalarised(asked.F, run.objectives, weight, rho)
        model = fit(encoding, asked.X, s, start=theta, steps=30 if theta is None else 5)
        theta = model.theta
        choices = asked.candidates(units_of(asked.F, run.objectives, 0.0)[1], candidates)
        if not len(choices):
            return
        gain = expected_improvement(*model.predict(choices), float(s.min()))
        asked.ask(choices[[int(gain.argmax())]])


def scalarised(F: Array, objectives: tuple[Objective, ...], weight: Array, rho: float) -> Array:
    """The augmented Chebyshev sum of (n, m) values scaled to [0, 1], plus the violation of limits; (n,)."""
    G = comparable(F, objectives)
    low, high = G.min(axis=0), G.max(axis=0)
    weighted = weight * (G - low) / np.where(high > low, high - low, 1.0)
    found: Array = weighted.max(axis=1) + rho * weighted.sum(axis=1) + violation(F, objectives)
    return found
