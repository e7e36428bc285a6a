"""The ledger of a run: what it may spend, what it has spent, and the currency that ran out."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import numpy as np

from mobench.core.budget import CURRENCIES, BudgetExhausted, Cost
from mobench.core.space import Array

__all__ = ["PRICES", "Ledger", "Prices", "cut"]

PRICES = ("flops", "seconds")
"""Currencies in which an answer has a price of its own."""
Prices = Mapping[str, Array]
"""``flops`` and ``seconds`` of answers: (k,) each, or one for all."""


class Ledger:
    """The money of one run.

    Attributes
    ----------
    limit : Cost
        What may be spent: the budget, less what is kept of it.
    stopped : str
        The currency that ran out, empty before that.
    """

    __slots__ = ("_budget", "_kept", "_spent", "_stopped_at", "_totals", "limit", "stopped")

    def __init__(self, limit: Cost) -> None:
        self.limit = self._budget = self._stopped_at = limit
        self._totals = [0.0] * len(CURRENCIES)
        self._spent: Cost | None = None  # the record of the totals: made when it is asked for, which is seldom
        self.stopped = ""
        self._kept: list[Cost] = []

    @property
    def answers(self) -> int:
        """How many were paid, at any fidelity."""
        return int(self._totals[0])

    @property
    def asked(self) -> int:
        """How many were asked, known answers included."""
        return int(self._totals[1])

    @property
    def spent(self) -> Cost:
        """What was spent so far."""
        if self._spent is None:
            self._spent = Cost(*self._totals)
        return self._spent

    def ask(self, n: int) -> int:
        """Charge `n` questions (at least one, so that empty ones come to an end, too); return how many may be asked."""
        payable = min(max(n, 1), self.limit.asked - self._totals[1])
        if self.stopped or payable < 1:
            self.stop("asked")
        self.add(asked=payable)
        return min(n, int(payable))

    def payable(self, n: int, prices: Prices) -> int:
        """How many of `n` answers the budget can pay, in order."""
        payable = n
        for name, price in prices.items():
            most = getattr(self.limit, name)
            if most < np.inf:
                left = most - getattr(self.spent, name)
                total = np.cumsum(np.broadcast_to(price, n))
                payable = min(payable, int(np.searchsorted(total, left * (1 + 1e-12), side="right")))
        return payable

    def charge(self, k: int, prices: Prices) -> None:
        """Move the totals by the prices of `k` answers."""
        flops, seconds = prices["flops"], prices["seconds"]
        self.add(evaluations=k, flops=_total(flops, k), seconds=_total(seconds, k))

    def add(self, *, evaluations: float = 0.0, asked: float = 0.0, flops: float = 0.0, seconds: float = 0.0) -> None:
        """Move the totals, whatever the limit says."""
        totals = self._totals
        totals[0] += evaluations
        totals[1] += asked
        totals[2] += flops
        totals[3] += seconds
        self._spent = None

    def wait(self, moment: float) -> None:
        """Set what the simulated clock shows."""
        self._totals[4] = moment
        self._spent = None

    def learn(self, flops: float) -> None:
        """Charge a pass of a supernet; where nothing is left, end the run before it is computed."""
        if self.stopped or self.spent.reached(self.limit):
            over = (axis for axis in CURRENCIES if getattr(self.spent, axis) >= getattr(self.limit, axis))
            self.stop(next(over, "flops"))
        self.add(flops=flops)

    def stop(self, currency: str) -> NoReturn:
        """End the run, for want of this currency unless another one has ended it."""
        if not self.stopped:
            self.stopped, self._stopped_at = currency, self.limit
        raise BudgetExhausted(f"budget spent: {self.stopped}")

    def stop_before(self, k: int, prices: Prices) -> NoReturn:
        """End the run before answer `k` of the priced ones, for want of what that one lacks."""
        if self.spent.evaluations >= self.limit.evaluations:  # then answer k was not priced
            self.stop("evaluations")
        following = {name: float(price[k] if price.ndim else price) for name, price in prices.items()}
        over = (n for n in following if getattr(self.spent, n) + following[n] > getattr(self.limit, n))
        self.stop(next(over, "evaluations"))

    def keep(self, trainings: float, training: Cost) -> Cost:
        """Take the price of so many average trainings from the limit, at most half of it; return what is kept.

        Raises
        ------
        ValueError
            `trainings` is negative or not finite.
        """
        if not 0 <= trainings < math.inf:
            raise ValueError(f"reserve: trainings must be a finite number from 0, found {trainings!r}")
        training = replace(training, asked=1.0)  # it takes a question, too
        axes = [(getattr(self.limit, axis), getattr(training, axis)) for axis in CURRENCIES]
        payable = min([trainings, *(limit / price for limit, price in axes if price > 0)])
        kept = Cost(*(min(payable * price, limit / 2) for limit, price in axes))
        self._kept.append(kept)
        self.limit -= kept
        return kept

    def release(self, kept: Cost) -> bool:
        """Give back what was kept, in whatever order; return whether a run that the lack of it has ended goes on."""
        before = self.limit
        self._kept.remove(kept)
        self.limit = functools.reduce(operator.sub, self._kept, self._budget)
        more = self.limit != before and not self.spent.reached(self.limit)
        if more and self.limit != self._stopped_at:  # what ended under the whole budget stays ended
            self.stopped = ""
        return more and not self.stopped


def cut(prices: Prices, rows: slice) -> dict[str, Array]:
    """The prices of some answers; one for all stays what it is."""
    return {name: price[rows] if price.ndim else price for name, price in prices.items()}


def _total(price: Array, k: int) -> float:
    """What k answers cost that have a price each, or one price."""
    if price.size == 1:
        return float(price.item()) if price.ndim else k * float(price.item())
    return float(price.sum())
