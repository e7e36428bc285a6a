"""What a run delivers under the other contracts: what it recommended last, whether that was trained or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mobench.core.budget import CURRENCIES
from mobench.core.indicators import nondominated
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.harness.history import History, Note
from mobench.scoring.archive import archives

__all__ = ["choose", "trace"]


def choose(problem: Problem, history: History, answers: int, *, populations: Sequence[Note] | None = None) -> Array:
    """Architectures delivered after the first `answers` answers, chosen from what was seen, before any scoring.

    The last recommendation where there is one, else the nondominated set of the full-fidelity answers; or, of
    recorded `populations`, the whole of the last one, and nothing before the first.

    Returns
    -------
    Array
        (k, d) architectures, each once.
    """
    if populations is not None:
        return _population(populations, history, answers)
    recommended = [note.content for note in history.recommended if note.answers <= answers]
    if recommended:
        return np.unique(recommended[-1], axis=0)
    candidates = np.flatnonzero(history.fidelity[:answers] == 0)
    return np.unique(history.X[candidates][nondominated(history.F[candidates], problem.objectives)], axis=0)


def _population(populations: Sequence[Note], history: History, answers: int) -> Array:
    """Members of the last population among the first `answers` answers: EvoXBench's code scores first, then filters."""
    earlier = [note.content for note in populations if note.answers <= answers]
    members = set(map(tuple, earlier[-1].tolist())) if earlier else set()
    answered = history.X[:answers][history.fidelity[:answers] == 0]
    kept = [x for x in answered.tolist() if tuple(x) in members]
    return np.unique(np.array(kept, dtype=np.int64).reshape(-1, history.X.shape[1]), axis=0)


def trace(
    problem: Problem, history: History, *, populations: Sequence[Note] | None = None
) -> tuple[dict[str, Array], Array, list[Array]]:
    """The delivered set over the course of a run.

    Returns
    -------
    spent, X, sets : dict of str to Array, Array, list of Array
        The ledger, (k,) a currency, when the set changed; (K, d) architectures; and the set from then on, as rows of X.
    """
    if populations:
        return _given(populations, [_population(populations, history, note.answers) for note in populations])
    if populations is not None:
        return {c: amounts[:0] for c, amounts in history.spent.items()}, history.X, []
    if history.recommended:
        return _given(history.recommended, [np.unique(note.content, axis=0) for note in history.recommended])
    rows, each = np.flatnonzero(history.fidelity == 0), np.arange(len(history.X))
    changes = archives(minimised(history.F, problem.objectives), each, rows[:0], rows)
    found = [(number, members) for number, members in changes if number]
    moments = rows[np.array([number - 1 for number, _ in found], dtype=np.int64)]
    return {c: amounts[moments] for c, amounts in history.spent.items()}, history.X, [rows for _, rows in found]


def _given(notes: Sequence[Note], sets: list[Array]) -> tuple[dict[str, Array], Array, list[Array]]:
    spent = {currency: np.array([note.spent[currency] for note in notes]) for currency in CURRENCIES}
    ends = np.cumsum([len(X) for X in sets])
    return spent, np.concatenate(sets), [np.arange(end - len(X), end) for X, end in zip(sets, ends, strict=True)]
