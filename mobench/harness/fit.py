"""Whether a searcher can have a run on a problem, and the limit that the run's budget sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mobench.core.budget import Cost
from mobench.core.capabilities import limit_on
from mobench.core.problem import Problem
from mobench.harness.clock import off_the_clock
from mobench.plugins.options import unfit
from mobench.plugins.plugin import Plugin

__all__ = ["fitted"]


def fitted(
    plugin: Plugin,
    options: Mapping[str, Any],
    problem: Problem,
    budget: float | Mapping[str, float],
    *,
    workers: int = 0,
) -> tuple[Cost, str]:
    """The limit that a budget sets, and why the searcher cannot have a run within it, in words; empty where it can.

    Parameters
    ----------
    plugin, options
        The searcher, and options of its that were checked.
    problem : Problem
    budget : number or mapping
        As `mobench.core.budget.parse_budget` takes it.
    workers : int
        Of the simulated clock; 0 where there is none.

    Raises
    ------
    ValueError
        There is no such budget on this problem.
    """
    if workers and (why := off_the_clock(plugin.needs, problem.training)):
        return Cost(), why
    limit = limit_on(problem, budget, workers=workers)
    return limit, unfit(plugin, options, problem, limit)
