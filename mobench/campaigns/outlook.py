"""What is left of runs and campaigns: how much of its budget a run has spent, and how long the rest takes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping

from mobench.core.budget import ASKED_CAP, CURRENCIES, Cost
from mobench.core.capabilities import limit_on
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import make_problem
from mobench.plugins.sources import Sources, in_use

__all__ = ["Pair", "limit_of", "pair_of", "seconds_left", "work"]

Pair = tuple[str, str]
"""Labels of a problem and a searcher: runs of one pair take about equally long."""


def pair_of(spec: RunSpec) -> Pair:
    """The pair that a run is of."""
    return spec.problem_label, spec.searcher_label


def limit_of(spec: RunSpec, sources: Sources | None = None) -> Cost | None:
    """A run's budget as a limit, found without its problem where that is possible.

    What trainings cost only the problem says; it is built where its code is mobench's, or was named by the user. Where
    it is not, the limit is None: not known.
    """
    if not spec.budget.keys() & {"trainings", "clock"}:
        amounts = {currency: float(spec.budget.get(currency, math.inf)) for currency in CURRENCIES}
        asked = spec.budget.get("asked", ASKED_CAP * amounts["evaluations"])
        return Cost(**amounts | {"asked": float(asked)})
    sources = sources or in_use()
    if spec.problem not in sources.names("problem") or sources.code("problem", spec.problem) != spec.problem_code:
        return None
    try:
        problem = make_problem(spec.problem, spec.problem_options, sources)
    except ValueError:  # its data are elsewhere
        return None
    return limit_on(problem, spec.budget, workers=spec.simulated_workers)


def work(amounts: Mapping[Pair, float], paces: Mapping[Pair, Iterable[float]]) -> float | None:
    """Seconds of work in some numbers of runs of each pair, one run at a time.

    Parameters
    ----------
    amounts : mapping of pair to float
        How many runs of each; parts of runs count as such.
    paces : mapping of pair to numbers
        Seconds that whole runs took, or would take as they go on. A pair takes their median; one without takes the
        mean of the others.

    Returns
    -------
    float or None
        None where nothing is known.
    """
    known = {pair: statistics.median(found) for pair, found in ((p, list(s)) for p, s in paces.items()) if found}
    if not known:
        return None
    usual = statistics.fmean(known.values())
    return sum(amount * known.get(pair, usual) for pair, amount in amounts.items())


def seconds_left(
    waiting: Mapping[Pair, float],
    running: Iterable[tuple[Pair, float]],
    paces: Mapping[Pair, Iterable[float]],
    *,
    at_once: float,
) -> float | None:
    """Seconds until all runs have ended.

    They share the work evenly, and no run is divided: the end is no earlier than that of any run that has begun.

    Parameters
    ----------
    waiting : mapping of pair to float
        How many runs have not begun.
    running : iterable of (pair, float)
        What those that have begun have spent of their budgets, from 0 to 1.
    paces
        See `work`.
    at_once : float
        How many seconds of work are done a second: runs at a time, or what was measured.

    Returns
    -------
    float or None
        None where nobody works, or nothing is known.
    """
    begun = [(pair, 1.0 - share) for pair, share in running]
    amounts = dict(waiting)
    for pair, rest in begun:
        amounts[pair] = amounts.get(pair, 0.0) + rest
    total = work(amounts, paces)
    if total is None or not at_once > 0:
        return None
    return max([total / at_once, *(work({pair: rest}, paces) or 0.0 for pair, rest in begun)])
