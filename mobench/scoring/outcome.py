"""What a run delivered and recorded: all of its log that tables and figures need beyond its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobench.core.budget import on_axis
from mobench.core.space import Array
from mobench.scoring.result import Result

__all__ = ["Outcome", "outcome_of"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run delivered, and what it recorded about itself.

    Attributes
    ----------
    X, F : Array
        (k, d) delivered architectures, and their (k, m) scored values in natural units.
    seen, found : Array
        (k,) their first objective as the searcher saw it, and the amount of the axis spent by then; NaN for what was
        recommended without having been evaluated.
    diagnostics : mapping of str to Array
        Recorded quantity to (n, 2) amounts of the axis and values: finite numbers, without the count of steps.
    faults : tuple of str
        What is wrong with records that are left out, a sentence each.
    """

    X: Array
    F: Array
    seen: Array
    found: Array
    diagnostics: Mapping[str, Array]
    faults: tuple[str, ...] = ()


def outcome_of(result: Result, *, contract: str, axis: str) -> Outcome:
    """The outcome of a run, as far as its log goes.

    Parameters
    ----------
    result : Result
        The run.
    contract : str
        Decides what it delivers: a key of `mobench.scoring.contracts.CONTRACTS`.
    axis : str
        A currency of the ledger, or ``trainings``.
    """
    history = result.history
    X, F = result.scored(contract=contract)
    full = np.flatnonzero(history.fidelity == 0)[::-1]  # backwards: of an architecture's answers the first stays
    key = result.problem.space.key
    first = dict(zip(key(history.X[full]).tolist(), full.tolist(), strict=True))
    answers = [first.get(number) for number in key(X).tolist()]
    amounts = on_axis(result.problem.training, history.spent, axis)
    return Outcome(
        X=X,
        F=F,
        seen=np.array([np.nan if i is None else history.F[i, 0] for i in answers], dtype=np.float64),
        found=np.array([np.nan if i is None else amounts[i] for i in answers], dtype=np.float64),
        diagnostics=_diagnostics(result, axis),
        faults=result.faults,
    )


def _diagnostics(result: Result, axis: str) -> dict[str, Array]:
    series: dict[str, list[tuple[float, float]]] = {}
    for note in result.history.records:
        amount = float(on_axis(result.problem.training, note.spent, axis))
        for name, value in note.content.items():
            if _is_number(value) and name != "step":
                series.setdefault(name, []).append((amount, float(value)))
    if np.isfinite(tau := result.one_shot_tau()):
        series["one_shot_tau"] = [(float(on_axis(result.problem.training, result.history.total, axis)), tau)]
    return {name: np.array(pairs) for name, pairs in series.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
