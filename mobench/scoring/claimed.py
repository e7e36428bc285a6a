"""What a run delivers under the other contracts: what it recommended last, whether that was trained or not."""

from __future__ import annotations

import numpy as np

from mobench.core.budget import CURRENCIES
from mobench.core.indicators import nondominated
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.harness.history import History, Note
from mobench.scoring.archive import archives

__all__ = ["choose", "trace"]


def choose(problem: Problem, history: History, answers: int, *, population: bool = False) -> Array:
    """Architectures delivered after the first `answers` answers, chosen from what was seen, before any scoring.

    The last recommendation where there is one; else, with `population`, the whole of the last recorded one, as
    EvoXBench's code scores it; else the nondominated set of the full-fidelity answers.

    Returns
    -------
    Array
        (k, d) architectures, each once.
    """
    recommended = [note.content for note in history.recommended if note.answers <= answers]
    if recommended:
        return np.unique(recommended[-1], axis=0)
    candidates = np.flatnonzero(history.fidelity[:answers] == 0)
    if population:
        earlier = (note.content for note in history.records if note.answers <= answers)
        populations = [content["population"] for content in earlier if "population" in content]
        if populations:
            members = set(map(tuple, populations[-1]))  # all of it: the convention scores first and filters then
            return np.unique([x for x in history.X[candidates].tolist() if tuple(x) in members], axis=0)
    return np.unique(history.X[candidates][nondominated(history.F[candidates], problem.objectives)], axis=0)


def trace(
    problem: Problem, history: History, *, population: bool = False
) -> tuple[dict[str, Array], Array, list[Array]]:
    """The delivered set over the course of a run.

    Returns
    -------
    spent, X, sets : dict of str to Array, Array, list of Array
        The ledger, (k,) a currency, when the set changed; (K, d) architectures; and the set from then on, as rows of X.
    """
    if history.recommended:
        return _given(history.recommended, [np.unique(note.content, axis=0) for note in history.recommended])
    notes = [note for note in history.records if "population" in note.content and note.answers]
    if population and notes:
        return _given(notes, [choose(problem, history, note.answers, population=True) for note in notes])
    rows, each = np.flatnonzero(history.fidelity == 0), np.arange(len(history.X))
    found = list(archives(minimised(history.F, problem.objectives), each, rows[:0], rows))
    moments = rows[np.array([number - 1 for number, _ in found], dtype=np.int64)]
    return {c: amounts[moments] for c, amounts in history.spent.items()}, history.X, [rows for _, rows in found]


def _given(notes: list[Note], sets: list[Array]) -> tuple[dict[str, Array], Array, list[Array]]:
    spent = {currency: np.array([note.spent[currency] for note in notes]) for currency in CURRENCIES}
    ends = np.cumsum([len(X) for X in sets])
    return spent, np.concatenate(sets), [np.arange(end - len(X), end) for X, end in zip(sets, ends, strict=True)]
