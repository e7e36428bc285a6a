"""What a searcher recommends: whether it could ever have been trained, and whether it is a choice."""

from __future__ import annotations

import numpy as np

from mobench.core.budget import CURRENCIES, Cost
from mobench.core.indicators import nondominated
from mobench.core.problem import Problem
from mobench.harness.history import History
from mobench.testing.checks import Failed, Skipped

__all__ = ["check_recommended"]

MOST = 30
"""A set of no more unanswered members than this is no wish yet, however small the budget."""
MANY = 10
"""A recommended set of no more members than this is a choice, whatever is in it."""


def check_recommended(problem: Problem, history: History, limit: Cost) -> None:
    """The last recommended set is no wish: the whole budget would pay for it, and most of it is not dominated.

    Under contract mobench-2 neither gains anything; a searcher that does it misunderstands what is delivered.

    Raises
    ------
    Failed
        Many more members were never answered than the whole budget could train, or more than half of the answered
        ones are dominated by what the searcher saw.
    Skipped
        It recommends nothing: its answers are its set.
    """
    if not history.recommended:
        raise Skipped("it recommends nothing: the nondominated set of its answers is delivered")
    full = history.fidelity == 0
    answers = dict(zip(problem.space.key(history.X[full]).tolist(), np.flatnonzero(full).tolist(), strict=True))
    members = list(dict.fromkeys(problem.space.key(history.recommended[-1].content).tolist()))
    unanswered = sum(key not in answers for key in members)
    payable = _payable(limit, problem.training)
    if unanswered > max(2 * payable, MOST):
        raise Failed(
            f"it recommends {unanswered:,} architectures that were never answered, and its whole budget pays for "
            f"{payable:,}: they count for nothing; recommend what was trained, or as many as can be"
        )
    known = [answers[key] for key in members if key in answers]
    if len(known) > MANY:
        F = history.F[full]
        places = np.searchsorted(np.flatnonzero(full), known)
        dominated = int((~nondominated(F, problem.objectives)[places]).sum())
        if dominated > len(known) / 2:
            raise Failed(
                f"it recommends {len(known):,} architectures, of which {dominated:,} are dominated by what it saw: "
                "a set chosen after scoring is no choice; recommend the nondominated ones"
            )


def _payable(limit: Cost, training: Cost) -> int:
    """Full trainings that a limit pays for."""
    found = [getattr(limit, c) / getattr(training, c) for c in CURRENCIES if getattr(training, c) > 0]
    return int(min(found)) if found and np.isfinite(min(found)) else 0
