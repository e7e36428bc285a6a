"""Limits on objectives: read from text, told in words, and kept or exceeded by values.

The nondominated members of a set that are within all limits are the nondominated ones of its feasible members: what
dominates an architecture is as good in every objective, so it is within every limit that the architecture is within.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mobench.core.capabilities import Enumerable
from mobench.core.messages import nearest
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array

__all__ = ["in_words", "parse_objectives", "true_front", "upper_limits", "violation", "within"]


def upper_limits(objectives: Sequence[Objective]) -> Array:
    """The most that each minimised objective may be, (m,); infinite where it has no limit."""
    limits = [math.inf if o.limit is None else -o.limit if o.maximise else o.limit for o in objectives]
    return np.array(limits, dtype=np.float64)


def within(F: Array, objectives: Sequence[Objective]) -> Array:
    """Which rows of (n, m) minimised `F` are within all limits: shape (n,), bool."""
    inside: Array = np.all(F <= upper_limits(objectives), axis=1)
    return inside


def violation(F: Array, objectives: Sequence[Objective]) -> Array:
    """How far each row of (n, m) minimised `F` is beyond the limits: 0 where it is within all of them, and only there.

    The sum of relative exceedances, ``(value - limit) / |limit|``, so that a unit changes nothing; of a limit of 0 the
    exceedance itself. Searchers that keep to limits prefer less of it (constraint domination, Deb et al. 2002).

    Parameters
    ----------
    F : Array
        (n, m) finite values, all to be minimised, as `mobench.Run.evaluate` returns them.
    objectives : sequence of Objective
        The m columns.

    Returns
    -------
    Array
        (n,) numbers from 0 on.

    Examples
    --------
    >>> latency = Objective("latency", "ms", limit=5.0)
    >>> violation(np.array([[9.0, 5.0], [8.0, 10.0]]), (Objective("error", "%"), latency)).tolist()
    [0.0, 1.0]
    """
    total = np.zeros(len(F))
    for column, objective in enumerate(objectives):
        if objective.limit is not None:
            most = -objective.limit if objective.maximise else objective.limit
            with np.errstate(over="ignore"):  # beyond all floats is as far as can be
                total += np.maximum(F[:, column] - most, 0.0) / (abs(most) or 1.0)
    return total


def true_front(problem: Problem) -> tuple[Array, Array] | None:
    """The members of the true front that are within all limits, (k, d), and their scored values, (k, m).

    None where the problem cannot list it.
    """
    if not isinstance(problem, Enumerable):
        return None
    X, F = problem.front()
    inside = within(minimised(F, problem.objectives), problem.objectives)
    return X[inside], F[inside]


def in_words(objectives: Sequence[Objective]) -> str:
    """Objectives with their units, directions and limits, as tables tell them."""
    names = ", ".join(o.label + (" (maximised)" if o.maximise else "") for o in objectives)
    bounds = ", ".join(o.bound for o in objectives if o.limit is not None)
    return f"{names}; within {bounds}" if bounds else names


Known = Mapping[str, str | Objective] | Callable[[str], str | Objective]


def parse_objectives(chosen: Sequence[str], known: Known) -> tuple[Objective, ...]:
    """Read names of objectives, with limits perhaps: ``error``, ``latency<=5``, ``accuracy >= 90`` where maximised.

    Parameters
    ----------
    chosen : sequence of str
        What a user wrote: a name each, and behind it ``<=`` or ``>=`` and a number in the objective's unit.
    known : mapping of str to str or Objective
        Every name on offer to its unit (it is minimised then) or to the whole objective; or a function that says it of
        a name.

    Raises
    ------
    TypeError
        One text in the place of a list, or an entry that is no text.
    ValueError
        None is chosen or one twice, an unknown name (the nearest is offered), or a limit that is no finite number or
        has the wrong direction.

    Examples
    --------
    >>> [objective.bound for objective in parse_objectives(("error", "params<=1.5"), {"error": "%", "params": "M"})]
    ['', 'params <= 1.5 M']
    """
    if isinstance(chosen, str):
        raise TypeError(f"objectives: expected a list of texts, found the text {chosen!r}; write [{chosen!r}]")
    if strange := [text for text in chosen if not isinstance(text, str)]:
        raise TypeError(f"objectives: expected texts, found {strange[0]!r}")
    found = tuple(_parse(text, known) for text in chosen)
    if not found or len({objective.name for objective in found}) < len(found):
        raise ValueError(f"objectives: expected one or more different names, found {', '.join(chosen) or 'none'}")
    return found


def _parse(text: str, known: Known) -> Objective:
    whole = isinstance(known, Mapping) and text.strip() in known
    written = None if whole else re.search("[<>=]+", text)
    name = text[: written.start() if written else None].strip()
    if isinstance(known, Mapping) and name not in known:
        offered = nearest(name, known) or f"; there are {', '.join(known)}"  # they are many, and none is near
        raise ValueError(f"objectives: unknown {name!r}{offered}")
    entry = known[name] if isinstance(known, Mapping) else known(name)
    objective = Objective(name, entry) if isinstance(entry, str) else entry
    if written is None:
        return objective
    sign, direction = (">=", "maximised") if objective.maximise else ("<=", "minimised")
    if written[0] != sign:
        raise ValueError(f"objectives: {text!r}: {name} is {direction}, so its limit is written {name}{sign}NUMBER")
    return replace(objective, limit=_number(text[written.end() :], text, objective))


def _number(written: str, text: str, objective: Objective) -> float:
    try:
        limit = float(written)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        unit = f" in {objective.unit}, without the unit" if objective.unit else ""
        raise ValueError(f"objectives: {text!r}: expected a finite number{unit}, found {written.strip()!r}")
    return limit
