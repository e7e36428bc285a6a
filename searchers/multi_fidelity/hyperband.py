"""Hyperband for several objectives: halving in brackets from many short to few long trainings (Li et al. 2018)."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Interval

from mobench import MultiFidelity, Run
from mobench.searchers._rungs.rungs import brackets, climb, rounds, rungs

needs = (MultiFidelity,)


def search(
    run: Run, *, eta: Annotated[float, Gt(1)] = 3.0, quota: Annotated[float, Interval(ge=0, le=1)] = 0.5
) -> None:
    """Go through the brackets, most exploring first, again and again until the budget is spent or all is known.

    Parameters
    ----------
    run : Run
        The problem.
    eta : float
        Of so many architectures one goes on to the next rung, which is so many times longer; the paper's 3.
    quota : float
        Share of the places that goes to the lowest first objective; see `successive_halving`.
    """
    steps = rungs(run.fidelities, eta)
    plan = brackets(len(steps), eta)
    for _ in rounds(run, steps, min(plan)[0]):
        for n, begin in plan:
            for fidelity, X, _ in climb(run, steps[begin:], n, eta=eta, quota=quota):
                run.record(bracket=begin, fidelity=fidelity, architectures=len(X))
