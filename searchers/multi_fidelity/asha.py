"""Asynchronous successive halving for several objectives (Schmucker et al. 2021)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Interval

from mobench import Array, MultiFidelity, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._rungs.rungs import promoted, rungs

needs = (MultiFidelity,)


class _Rung:
    """What was answered at one fidelity, and who of it went on."""

    def __init__(self, d: int, m: int) -> None:
        self.X, self.F = np.empty((0, d), dtype=np.int64), np.empty((0, m))
        self.went = np.empty(0, dtype=bool)

    def add(self, X: Array, F: Array) -> None:
        self.X, self.F = np.concatenate([self.X, X]), np.concatenate([self.F, F])
        self.went = np.concatenate([self.went, np.zeros(len(X), dtype=bool)])

    def take(self, run: Run, eta: float, quota: float) -> Array:
        """The best that may go on and has not, (1, d) or (0, d)."""
        n = int(len(self.X) / eta + 1e-9)
        if n <= np.count_nonzero(self.went):  # so many went on already: a new one may be among the best, but waits
            return self.X[:0]
        best = promoted(run.rng, self.F, n, quota=quota, beyond=_ranking.beyond_limits(self.F, run.objectives))
        waiting = best[~self.went[best]][:1]
        self.went[waiting] = True
        return self.X[waiting]


def search(
    run: Run, *, eta: Annotated[float, Gt(1)] = 3.0, quota: Annotated[float, Interval(ge=0, le=1)] = 0.5
) -> None:
    """Promote whoever is among the best of a rung, from the top down, and else begin with a new architecture.

    No rung is waited for, so that no bracket has to be chosen and good ones reach the top early. A worker of a
    simulated clock that is free gets the next training at once, by what has ended until then.

    Parameters
    ----------
    run : Run
        The problem.
    eta : float
        Of so many architectures of a rung one may go on, to one that is so many times longer; 3 in Syne Tune.
    quota : float
        Share of the places that goes to the lowest first objective; see `successive_halving`.
    """
    steps = rungs(run.fidelities, eta)
    d, m = len(run.space.cardinalities), len(run.objectives)
    climbed = [_Rung(d, m) for _ in steps]
    begun = np.empty((0, d), dtype=np.int64)
    while True:
        while run.running < run.workers:
            place, X = next(
                ((k + 1, X) for k in reversed(range(len(steps) - 1)) if len(X := climbed[k].take(run, eta, quota))),
                (0, begun[:0]),
            )
            if not len(X):
                X = _genetics.sample_new(run.rng, run.space, 1, run.space.key(begun))
                begun = np.concatenate([begun, X])
            if not len(X):
                break  # all of the space was begun, and nobody of what has ended may go on
            run.submit(X, fidelity=steps[place])
        if not run.running:
            return
        ended = run.wait()
        climbed[steps.index(ended.fidelity or steps[-1])].add(ended.x[None], ended.F[None])
