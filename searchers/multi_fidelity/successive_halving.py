"""Successive halving for several objectives: of many short trainings the better go on (Jamieson, Talwalkar 2016)."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Interval

from mobench import MultiFidelity, Run
from mobench.searchers._rungs.rungs import climb, rounds, rungs

needs = (MultiFidelity,)


def search(
    run: Run,
    *,
    eta: Annotated[float, Gt(1)] = 3.0,
    architectures: Annotated[int, Interval(ge=1, le=1_000_000)] | None = None,
    quota: Annotated[float, Interval(ge=0, le=1)] = 0.5,
) -> None:
    """Halve one set of uniform architectures after the other, until the budget is spent or all is known.

    Parameters
    ----------
    run : Run
        The problem.
    eta : float
        Of so many architectures one goes on to the next rung, which is so many times longer; 3 in Hyperband.
    architectures : int, optional
        With how many each bracket begins; one reaches the top, eta to the power of the rungs before it, if left out.
    quota : float
        Share of the places that goes to the lowest first objective; the others go by nondomination and spread. Costs
        do not change from rung to rung, so that without it the cheap ones take the places on all of them.
    """
    steps = rungs(run.fidelities, eta)
    n = architectures or round(eta ** (len(steps) - 1))
    for _ in rounds(run, steps, n):
        for fidelity, X, _ in climb(run, steps, n, eta=eta, quota=quota):
            run.record(fidelity=fidelity, architectures=len(X))
