"""What a run delivers under `mobench-2`: only what was trained, from when on it could have been trained, too.

The delivered set is the nondominated set, by validation, of all full-fidelity answers so far and of the members of a
recommendation, as far as it is within the limits of the objectives as seen. A member without an answer of its own costs
one, or what is left of one where a training goes on: a recommendation made at the ledger s counts from s plus the price
of these answers, and answers given after s are delayed by that price, so that nothing is bought twice. Recommending
blindly is therefore random search at the same price, and recommending what was answered changes nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobench.core.budget import CURRENCIES, Cost, on_axis
from mobench.core.indicators import nondominated
from mobench.core.limits import upper_limits
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.harness.answers import addresses
from mobench.harness.clock import durations, makespan
from mobench.harness.history import History
from mobench.harness.ledger import PRICES
from mobench.harness.trained import goes_on, left_to_pay
from mobench.scoring.archive import Means, archives

__all__ = ["Course", "Regime", "counted", "course_of", "delivered", "trace"]

UNASKED = 2**40
"""Number of the first answer that only scoring looks up: its randomness is that of no answer of the run."""
NOTHING = dict.fromkeys(CURRENCIES, 0.0)
ROUNDING = 1e-12
"""Part of a limit by which a sum of prices may exceed it."""


@dataclass(frozen=True)
class Regime:
    """A recommendation, or the run before the first one, as it counts.

    Attributes
    ----------
    at, price : dict of str to float
        The ledger when it was made, and what its unanswered members cost: each of `CURRENCIES`.
    rows : Array
        (u,) rows of `Course` that hold the answers of these members.
    """

    at: Mapping[str, float]
    price: Mapping[str, float]
    rows: Array


@dataclass(frozen=True)
class Course:
    """Answers of a run at the full fidelity, those that scoring looked up, and what was recommended when.

    Attributes
    ----------
    X : Array
        (K, d) architectures, each once.
    which, F : Array
        (R,) the architecture and (R, m) the minimised values of each answer: the run's N first, in order.
    spent : dict of str to Array
        (N,) the ledger after each of the run's answers, each of `CURRENCIES`.
    training : mobench.Cost
        What one average full training costs.
    regimes : tuple of Regime
        The run before any recommendation, then its recommendations in order.
    most : Array
        (m,) limits: the most that minimised values may be, infinite where there is none.
    """

    X: Array
    which: Array
    F: Array
    spent: Mapping[str, Array]
    training: Cost
    regimes: tuple[Regime, ...]
    most: Array


def course_of(problem: Problem, history: History, *, seed: int = 0) -> Course:
    """Look up what a run recommended and never had answered, at the price of an answer each; the run never sees it.

    Parameters
    ----------
    problem : Problem
        What was searched.
    history : History
        The run's log.
    seed : int
        The run's: where answers are noisy, one looked up is drawn at an address of its own.
    """
    full = np.flatnonzero(history.fidelity == 0)
    begun = _Begun(problem, history)
    X, F = history.X[full], minimised(history.F[full], problem.objectives)
    keys = problem.space.key(X).tolist()
    looked = _LookedUp(problem, seed, first=len(full), workers=history.workers)
    regimes = [Regime(NOTHING, NOTHING, np.empty(0, dtype=np.int64))]
    for note in history.recommended:
        answered = set(keys[: int(np.searchsorted(full, note.answers))])
        rows, price = looked.up(note.content, answered, begun.before(note.answers))
        if len(rows) or len(regimes[-1].rows):  # two recommendations in a row that cost nothing are one
            regimes.append(Regime(note.spent, price, rows))
    every = np.concatenate([X, *looked.X])
    _, firsts, which = np.unique(
        np.array([*keys, *looked.rows], dtype=np.int64), return_index=True, return_inverse=True
    )
    spent = {currency: amounts[full] for currency, amounts in history.spent.items()}
    return Course(
        every[firsts],
        which,
        np.concatenate([F, *looked.F]),
        spent,
        problem.training,
        tuple(regimes),
        upper_limits(problem.objectives),
    )


class _Begun:
    """What was answered at lower fidelities, and so begun, of a problem whose trainings go on; nothing of another."""

    def __init__(self, problem: Problem, history: History) -> None:
        self._lower = np.flatnonzero(history.fidelity) if goes_on(problem) else np.empty(0, dtype=np.int64)
        self._fidelity = history.fidelity[self._lower].tolist()
        self._keys = problem.space.key(history.X[self._lower]).tolist() if len(self._lower) else []
        self._known: dict[int | None, set[int]] = {}
        self._taken = 0

    def before(self, answers: int) -> Mapping[int | None, Container[int]]:
        """Fidelities to the keys among the run's first so many answers; a larger number at each call."""
        end = int(np.searchsorted(self._lower, answers))
        for fidelity, key in zip(self._fidelity[self._taken : end], self._keys[self._taken : end], strict=True):
            self._known.setdefault(fidelity, set()).add(key)
        self._taken = max(end, self._taken)
        return self._known


class _LookedUp:
    """Answers that the run never had: each looked up once, a row each, at its price."""

    def __init__(self, problem: Problem, seed: int, *, first: int, workers: int) -> None:
        self.problem, self.seed, self.first, self.workers = problem, seed, first, workers
        self.rows: dict[int, int] = {}  # key -> row
        self.X: list[Array] = []
        self.F: list[Array] = []
        self.prices = np.empty((0, 2))  # multiply-adds and seconds of each

    def up(
        self, X: Array, answered: Container[int], begun: Mapping[int | None, Container[int]]
    ) -> tuple[Array, dict[str, float]]:
        """Rows of those of (k, d) `X` whose keys are not `answered`, and what is left to pay of them together.

        `begun` has what was answered at lower fidelities of a problem whose trainings go on.
        """
        members = dict(zip(self.problem.space.key(X).tolist(), X, strict=True))
        wanted = [key for key in members if key not in answered]
        if new := [key for key in wanted if key not in self.rows]:
            self._ask(new, np.stack([members[key] for key in new]))
        rows = np.array([self.rows[key] for key in wanted], dtype=np.int64)
        prices = dict(zip(PRICES, self.prices[rows - self.first].T, strict=True))
        if begun and wanted:
            prices = left_to_pay(self.problem, np.stack([members[key] for key in wanted]), prices, begun)
        count = float(len(rows))
        clock = makespan(durations(prices, len(rows), self.problem.training), self.workers) if self.workers else 0.0
        paid = {name: float(it.sum()) for name, it in prices.items()}
        return rows, {"evaluations": count, "asked": count, "clock": clock} | paid

    def _ask(self, keys: list[int], X: Array) -> None:
        values = self.problem.evaluate(X, fidelity=None, seeds=addresses(self.seed, UNASKED + len(self.rows), len(X)))
        prices = [np.broadcast_to(getattr(values, name), len(X)) for name in PRICES]
        self.rows |= {key: self.first + len(self.rows) + i for i, key in enumerate(keys)}
        self.X.append(X)
        self.F.append(minimised(np.asarray(values.F, dtype=np.float64), self.problem.objectives))
        self.prices = np.concatenate([self.prices, np.column_stack(prices)])


def _fits(regime: Regime, amounts: Mapping[str, Any], limit: Mapping[str, float]) -> Array:
    """Whether a limit pays for `amounts` of the ledger and for what the regime had looked up, in every currency."""
    fits: Array = np.all(
        [np.asarray(amounts[c]) + regime.price[c] <= most * (1 + ROUNDING) for c, most in limit.items()], axis=0
    )
    return fits


def counted(course: Course, limit: Mapping[str, float]) -> Regime:
    """The last recommendation that fits a limit, or the run before the first one."""
    return next(regime for regime in reversed(course.regimes) if _fits(regime, regime.at, limit))


def delivered(course: Course, limit: Mapping[str, float]) -> tuple[Array, Array]:
    """The set at a budget: what the last recommendation that fits it adds to the answers that are paid by then.

    Parameters
    ----------
    limit : mapping of str to float
        The most of each of `CURRENCIES`; one that is left out has no limit.

    Returns
    -------
    which, seen : Array, Array
        (k,) architectures as rows of ``course.X``, and their (k, m) values as seen, minimised; of a noisy problem the
        means of their answers.
    """
    regime = counted(course, limit)
    rows = np.concatenate([np.flatnonzero(_fits(regime, course.spent, limit)), regime.rows])
    which, group = np.unique(course.which[rows], return_inverse=True)
    averages = Means(len(which), course.most)
    averages.add(group, course.F[rows])
    best = averages.within(np.flatnonzero(nondominated(averages.means)))
    return which[best], averages.means[best]


def trace(course: Course, axis: str, limit: Mapping[str, float]) -> tuple[Array, list[Array]]:
    """The delivered set over the course of a run, a set wherever it changes, up to the budget.

    From an amount of the axis on it is what `delivered` has where so much of the axis is the limit, the other
    currencies' limits staying: what the budget does not pay in one currency counts on no axis.

    Parameters
    ----------
    axis : str
        One of `mobench.core.budget.AXES`.
    limit : mapping of str to float
        The budget: the most of each of `CURRENCIES`.

    Returns
    -------
    amounts, sets : Array, list of Array
        (k,) amounts of the axis, and the architectures delivered from each on, as rows of ``course.X``.
    """
    training = course.training
    regimes = [regime for regime in course.regimes if _fits(regime, regime.at, limit)]
    prices = [float(on_axis(training, regime.price, axis)) for regime in regimes]
    starts = [float(on_axis(training, regime.at, axis)) + price for regime, price in zip(regimes, prices, strict=True)]
    starts[0] = -np.inf
    ends = [min(starts[i + 1 :], default=np.inf) for i in range(len(starts))]
    answers = np.asarray(on_axis(training, course.spent, axis), dtype=np.float64)
    moments: list[float] = []
    sets: list[Array] = []
    for regime, price, start, end in zip(regimes, prices, starts, ends, strict=True):
        if start < end:
            paid = int(np.sum(_fits(regime, course.spent, limit)))  # the first so many: a ledger only grows
            for moment, members in _window(course, regime, answers[:paid] + price, start, end):
                moments.append(moment)
                sets.append(members)
    return np.minimum(moments, float(on_axis(training, limit, axis))), sets


def _window(course: Course, regime: Regime, answers: Array, start: float, end: float) -> Iterator[tuple[float, Array]]:
    """Sets of one regime while it is the last: that at `start`, then one wherever an answer changes it before `end`."""
    first, last = int(np.searchsorted(answers, start, side="right")), int(np.searchsorted(answers, end, side="left"))
    begun = np.concatenate([np.arange(first), regime.rows])
    later = np.arange(first, last)
    for number, members in archives(course.F, course.which, begun, later, most=course.most):
        if number == 0 and not np.isfinite(start):
            continue  # a run begins with nothing
        yield (start if number == 0 else float(answers[first + number - 1])), members
