"""Trainings that end where their curve foretells that they come to nothing (Domhan et al. 2015; Baker et al. 2018)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Interval

from mobench import Array, MultiFidelity, Run, violation
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population.density import logarithms
from mobench.searchers._rungs.extrapolation import chance_below, foretold, to_beat
from mobench.searchers._rungs.rungs import rungs

needs = (MultiFidelity,)


def search(
    run: Run,
    *,
    eta: Annotated[float, Gt(1)] = 1.5,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 5,
    least_chance: Annotated[float, Interval(ge=0, le=1)] = 0.05,
    proposals: Literal["uniform", "mutation"] = "uniform",
) -> None:
    """Train one new architecture after the other, and look at its curve on the way, until the budget is spent.

    The full error is foretold from the curve so far and the costs, by a regression on the trainings that ended. One
    that will most likely be dominated by what is as cheap is left. Ends when all architectures were begun.

    Parameters
    ----------
    run : Run
        The problem.
    eta : float
        Curves are looked at after R / eta, R / eta^2, ... epochs, the nearest on offer.
    initial : int
        Trainings that end whatever their curves, to learn from.
    least_chance : float
        A training goes on while the chance that nothing as cheap is better is above it; 0.05 in both papers. 0 leaves
        none.
    proposals : {"uniform", "mutation"}
        Which architectures begin: uniform ones, as in the papers, or members of the front with one gene changed.
    """
    rng, space, steps = run.rng, run.space, rungs(run.fidelities, eta)
    X, begun = np.empty((0, len(space.cardinalities)), dtype=np.int64), np.empty(0, dtype=np.int64)
    curves, F = np.empty((0, len(steps))), np.empty((0, len(run.objectives)))
    while True:
        x = np.empty((0, X.shape[1]), dtype=np.int64)
        if proposals == "mutation" and len(X) >= initial:
            front = X[_ranking.ranks(F, _ranking.beyond_limits(F, run.objectives)) == 0]
            made = _genetics.mutate_one(rng, front[rng.integers(0, len(front), len(begun))], space)
            x = made[_genetics.fresh(space.key(made), begun)][:1]
        if not len(x):
            x = _genetics.sample_new(rng, space, 1, begun)
        if not len(x):
            return
        begun = np.append(begun, space.key(x))
        curve: list[float] = []
        for fidelity in steps:
            answer = run.evaluate(x, fidelity=fidelity)[0]
            curve.append(float(answer[0]))
            if len(X) >= initial and len(curve) < len(steps):
                chance = promise(run, np.array(curve), answer[1:], curves, F)
                if chance < least_chance:
                    run.record(stopped=fidelity, chance=chance)
                    break
        else:
            X, F, curves = np.concatenate([X, x]), np.vstack([F, answer]), np.vstack([curves, curve])


def promise(run: Run, curve: Array, costs: Array, curves: Array, F: Array) -> float:
    """Chance that nothing that ended will dominate a training; 0 if its costs are beyond limits and others' are not.

    Parameters
    ----------
    curve, costs : Array
        (k,) errors at the first k looks, and (m - 1,) costs.
    curves, F : Array
        (n, l) errors at all looks of the trainings that ended, and their (n, m) answers.
    """
    within = violation(F, run.objectives) == 0
    if within.any():
        if violation(np.append(F[:, 0].min(), costs)[None], run.objectives)[0] > 0:
            return 0.0
        F, curves = F[within], curves[within]
    threshold = to_beat(F, costs)
    if len(F) < 2 or np.isinf(threshold):
        return 1.0
    k, n = len(curve), len(F)
    told = np.column_stack([np.vstack([curves[:, :k], curve]), np.vstack([F[:, 1:], costs])])
    told = logarithms(told, told)
    final = np.append(F[:, 0], threshold)[:, None]
    *ended, beat = logarithms(final, final)[:, 0]
    return chance_below(float(beat), *foretold(told[:n], np.array(ended), told[n]), n)
