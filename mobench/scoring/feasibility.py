"""What limits leave of a front or of a box, and words for what can be reached where they leave nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobench.core.capabilities import Slow
from mobench.core.limits import upper_limits, within
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array

__all__ = ["cut_box", "feasible_front", "refuse_limits", "refuse_unseen"]

LOOKED_AT = 100_000
"""Architectures of the largest space in which all that can be seen is looked at."""


def refuse_limits(contract: str, objectives: Sequence[Objective]) -> None:
    """ValueError where an objective has a limit: papers know none, and a contract never changes."""
    if bounds := [objective.bound for objective in objectives if objective.limit is not None]:
        raise ValueError(
            f"contract {contract!r}: knows no limits, and the problem has {', '.join(bounds)}; "
            "score by mobench-2, or leave the limits out"
        )


def feasible_front(F: Array, objectives: Sequence[Objective]) -> Array:
    """The members of a front, (k, m) minimised, that are within all limits.

    They are the front of the feasible architectures: see `mobench.core.limits`.

    Raises
    ------
    ValueError
        None is, so no architecture is; the best that can be reached is named.
    """
    inside = within(F, objectives)
    if len(F) and not inside.any():
        limited = [j for j, objective in enumerate(objectives) if objective.limit is not None]
        bounds = " and ".join(objectives[j].bound for j in limited)
        reached = "; ".join(_best(F, objectives, j) for j in limited)
        raise ValueError(f"limits: no architecture is within {bounds}; {reached}; loosen a limit")
    return F[inside]


def refuse_unseen(problem: Problem, objectives: Sequence[Objective]) -> None:
    """ValueError where no architecture is within the limits as searchers see it, so that none could ever be delivered.

    What is seen can differ from what is scored (validation, test). Spaces that are small, and answers that are quick
    and free of noise, are looked at.
    """
    limited = any(objective.limit is not None for objective in objectives)
    if not limited or not problem.deterministic or isinstance(problem, Slow) or problem.space.size > LOOKED_AT:
        return
    X = problem.space.all()
    F = minimised(problem.evaluate(X, fidelity=None, seeds=np.zeros(len(X), dtype=np.uint64)).F, objectives)
    try:
        feasible_front(F, objectives)
    except ValueError as error:
        raise ValueError(f"{error} (as searchers see it, which is not as it is scored)") from None


def _best(F: Array, objectives: Sequence[Objective], column: int) -> str:
    """The best value of an objective on a front, within the other limits where these leave anything."""
    others = F <= upper_limits(objectives)
    others[:, column] = True
    rest = F[others.all(axis=1)]
    best = float((rest if len(rest) else F)[:, column].min())
    objective = objectives[column]
    alone = "" if len(rest) else ", and that beyond another limit"
    value = f"{-best if objective.maximise else best:.6g} {objective.unit}".rstrip()
    return f"{objective.name} reaches {value}{alone}"


def cut_box(ideal: Array, nadir: Array, objectives: Sequence[Objective]) -> Array:
    """The nadir, (m,) minimised and in logarithms where values are, brought down to the limits that lie before it.

    Raises
    ------
    ValueError
        A limit leaves nothing of the box.
    """
    most = upper_limits(objectives)
    for column, objective in enumerate(objectives):
        if objective.scale == "log" and objective.limit is not None:
            if not objective.limit > 0:
                raise ValueError(f"limits: {objective.bound}: scale 'log' has positive values only")
            most[column] = (-1.0 if objective.maximise else 1.0) * np.log(objective.limit)
        if not most[column] > ideal[column]:
            raise ValueError(
                f"limits: {objective.bound} leaves nothing of the bounds that the problem gives, whose best is "
                f"{ideal[column]:g} as it is compared; loosen it"
            )
    return np.minimum(nadir, most)
