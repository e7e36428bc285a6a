"""What a searcher recommends and records: whether it could ever have been trained, and whether it is a choice."""

from __future__ import annotations

import numpy as np

from mobench.core.budget import CURRENCIES, Cost
from mobench.core.indicators import nondominated
from mobench.core.problem import Problem
from mobench.harness.history import History
from mobench.scoring.records import check_records
from mobench.testing.checks import Failed, Skipped

__all__ = ["check_populations", "check_recommended"]

MOST = 30
"""A set of no more unanswered members than this is no wish yet, however small the budget."""
MANY = 10
"""A recommended set of no more members than this is a choice, whatever is in it."""


def check_recommended(problem: Problem, history: History, limit: Cost) -> None:
    """No recommended set is a wish: the whole budget would pay for it, and most of it was not dominated by then.

    Under contract mobench-2 neither gains anything; a searcher that does it misunderstands what is delivered.

    Raises
    ------
    Failed
        Of some recommendation many more members were never answered than the whole budget could train, or more than
        half of those answered by then are dominated by what the searcher had seen.
    Skipped
        It recommends nothing: its answers are its set.
    """
    if not history.recommended:
        raise Skipped("it recommends nothing: the nondominated set of its answers is delivered")
    full = np.flatnonzero(history.fidelity == 0)
    keys, F = problem.space.key(history.X[full]), history.F[full]
    ever, payable = set(keys.tolist()), _payable(limit, problem.training)
    for note in history.recommended:
        members = np.unique(problem.space.key(note.content))
        unanswered = sum(key not in ever for key in members.tolist())
        if unanswered > max(2 * payable, MOST):
            raise Failed(
                f"it recommends {unanswered:,} architectures that were never answered, and its whole budget pays for "
                f"{payable:,}: they count for nothing; recommend what was trained, or as many as can be"
            )
        seen = int(np.searchsorted(full, note.answers))
        known = np.isin(keys[:seen], members)
        count, dominated = int(known.sum()), int((known & ~nondominated(F[:seen], problem.objectives)).sum())
        if count > MANY and dominated > count / 2:
            raise Failed(
                f"it recommends {count:,} architectures, of which {dominated:,} are dominated by what it saw: "
                "a set chosen after scoring is no choice; recommend the nondominated ones"
            )


def check_populations(problem: Problem, history: History) -> None:
    """What it records as its population does not grow with what it has seen, and has a size of its own.

    Contract evoxbench scores the whole final population: everything seen would be chosen from after scoring.

    Raises
    ------
    Failed
        Recorded populations grow, and the last one holds more than half of all that was seen.
    """
    told = [
        np.unique(problem.space.key(note.content)) for note in check_records(history.records, problem.space).populations
    ]
    if not told:
        return
    seen = np.unique(problem.space.key(history.X))
    held = int(np.isin(seen, told[-1]).sum())
    if len(told[-1]) > max(len(told[0]), MOST) and held > len(seen) / 2:
        raise Failed(
            f"its population holds {held:,} of the {len(seen):,} architectures that it saw, and grows with them: a set "
            "chosen after scoring is no choice; record those that it goes on with"
        )


def _payable(limit: Cost, training: Cost) -> int:
    """Full trainings that a limit pays for."""
    found = [getattr(limit, c) / getattr(training, c) for c in CURRENCIES if getattr(training, c) > 0]
    return int(min(found)) if found and np.isfinite(min(found)) else 0
