"""Finalists: the few of what a search found that are trained through the first door before the budget ends."""

from __future__ import annotations

from contextlib import AbstractContextManager

import moocore
import numpy as np

from mobench import Array, BudgetExhausted, CategoricalNetwork, Run, nondominated
from mobench.searchers._relaxed.relaxations import one_hot

MARGIN = 1.05
"""Price kept for a finalist, in average trainings: the step at which learning ends may take a little of it."""
REFERENCE = 1.1
"""Reference point in units of a front's ranges, as in the contracts: the ends of a front count, too."""


def reserve(run: Run, count: int) -> AbstractContextManager[None]:
    """Learn within this block: it ends when what is left of the budget pays for `count` finalists."""
    return run.reserve(MARGIN * count)


def train_recommended(run: Run, count: int) -> None:
    """Train `count` of the last recommended set: all, or evenly many along its first cost; the cheapest first.

    A relaxed search knows exact costs, and of errors only that a preference's last architecture is its best. A plain
    vector's rows have no costs here: their own order counts.
    """
    if not count or not len(run.recommended):
        return
    X = run.recommended[_distinct(run, run.recommended)]
    if isinstance(run.supernet, CategoricalNetwork) and len(run.objectives) > 1:
        like = run.supernet.initial_alpha().detach().cpu()
        costs = [float(run.supernet.costs(p)[0]) for p in one_hot(X, like)]
        X = X[np.argsort(costs, kind="stable")]
    k = min(count, len(X))
    _train(run, X[((np.arange(k) + 0.5) * len(X) / k).astype(int)])


def train_best(run: Run, count: int, X: Array, F: Array, beyond: Array | None = None) -> None:
    """Train the `count` that promise most of (n, d) architectures, by (n, m) minimised values, the best first.

    Those beyond limits, by the (n,) violations `beyond`, come last.
    """
    rows = _distinct(run, X)
    _train(run, X[rows[best_first(F[rows], count, None if beyond is None else beyond[rows])]])


def best_first(F: Array, count: int, beyond: Array | None = None) -> Array:
    """Rows of at most `count` of (n, m) minimised values, front after front, those least `beyond` limits before others.

    Within a front, whose ranges are the units, each row adds the most hypervolume to those before it.
    """
    order: list[int] = []
    rest = np.arange(len(F))
    while len(rest) and len(order) < count:
        equal = rest if beyond is None else rest[beyond[rest] <= beyond[rest].min()]
        front = equal[nondominated(F[equal])]
        rest = np.setdiff1d(rest, front)
        spread = np.ptp(F[front], axis=0)
        N = (F[front] - F[front].min(axis=0)) / np.where(spread > 0, spread, 1.0)
        chosen: list[int] = []
        while len(chosen) < min(count - len(order), len(front)):
            others = [row for row in range(len(front)) if row not in chosen]
            volumes = [moocore.hypervolume(N[[*chosen, row]], ref=REFERENCE) for row in others]
            chosen.append(others[int(np.argmax(volumes))])
        order += front[chosen].tolist()
    return np.array(order, dtype=np.int64)


def _distinct(run: Run, X: Array) -> Array:
    """Which of (n, d) architectures are the first of their network, in their order."""
    return np.sort(np.unique(run.space.key(X), return_index=True)[1])


def _train(run: Run, X: Array) -> None:
    """Train (k, d) architectures as far as the budget goes, where the run ends; recommend the best that were."""
    if not len(X):
        return
    before = run.spent.evaluations
    try:
        F = run.evaluate(X)
    except BudgetExhausted:
        if paid := int(run.spent.evaluations - before):
            run.recommend(X[:paid])
        raise
    run.recommend(X[nondominated(F)])
