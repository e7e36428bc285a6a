"""The simulated clock: workers that train side by side, on prices in seconds, without anybody waiting for them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mobench.core.budget import SPEED, Cost, nominal_seconds
from mobench.core.networks import Supernet
from mobench.core.space import Array

__all__ = ["Clock", "durations", "makespan", "off_the_clock", "schedule", "whole_workers"]

MOST_WORKERS = 100_000
"""Workers of a simulated clock, at most."""


def whole_workers(workers: Any) -> int:
    """How many workers a simulated clock has; ValueError where that is no whole number from 1 to `MOST_WORKERS`."""
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise ValueError(f"simulated workers: expected a whole number from 1 to {MOST_WORKERS:,}, found {workers!r}")
    return workers


def off_the_clock(needs: Sequence[type], training: Cost) -> str:
    """Why a searcher on a problem has no place on a simulated clock, in words; empty where it has one.

    Parameters
    ----------
    needs : sequence of type
        What the searcher needs of a problem.
    training : Cost
        What one average full training of the problem costs.
    """
    if any(Supernet in need.__mro__ for need in needs):
        return "trains a supernet, whose passes have no place on a simulated clock"
    if not nominal_seconds(training) > 0:
        return "has no price in seconds or multiply-adds, by which a simulated clock could run"
    return ""


def durations(prices: Mapping[str, Any], n: int, training: Cost) -> Array:
    """Seconds, (n,), that answers with these prices occupy a worker: their seconds, else multiply-adds at `SPEED`.

    Which of the two, a problem's average training decides, for all its answers.
    """
    seconds = prices["seconds"] if training.seconds > 0 else np.asarray(prices["flops"], dtype=np.float64) / SPEED
    return np.broadcast_to(np.asarray(seconds, dtype=np.float64), (n,))


def schedule(free: list[float], now: float, seconds: Iterable[float], ready: Sequence[float] | None = None) -> Array:
    """Give jobs to workers in order, each to the one that is free first (Graham 1966); return when they end, (n,).

    No job starts before `now`, nor before it is `ready`; a worker that waits for one does nothing else meanwhile.
    On m workers the last end is at most 2 - 1/m times that of the best order.

    Parameters
    ----------
    free : list of float
        A heap: when each worker is free. It is changed.
    now : float
        When the jobs are handed in.
    seconds : iterable of float
        How long each takes.
    ready : sequence of float, optional
        The earliest start of each.

    Examples
    --------
    >>> schedule([0.0, 0.0], 0.0, [3.0, 1.0, 1.0, 4.0]).tolist()
    [3.0, 1.0, 2.0, 6.0]
    """
    ends = []
    for i, duration in enumerate(seconds):
        end = max(free[0], now, ready[i] if ready is not None else now) + duration
        heapq.heapreplace(free, end)
        ends.append(end)
    return np.array(ends, dtype=np.float64)


def makespan(seconds: Iterable[float], workers: int) -> float:
    """How long idle workers take for jobs in this order; 0 for none."""
    return float(schedule([0.0] * workers, 0.0, seconds).max(initial=0.0))


class Clock:
    """What time it is for the searcher, and until when each worker is busy.

    Attributes
    ----------
    workers : int
        How many trainings run at a time.
    limit : float
        Second at which the budget ends; infinite where it is in other currencies.
    now : float
        Seconds since the run began, as the searcher has waited.
    last : float
        When the last training that was begun ends.
    """

    __slots__ = ("_free", "last", "limit", "now", "workers")

    def __init__(self, workers: int, limit: float) -> None:
        self.workers, self.limit = workers, limit
        self.now = self.last = 0.0
        self._free = [0.0] * workers

    def begin(self, seconds: Array, ready: Sequence[float] | None = None) -> Array:
        """Begin trainings now; return their ends, (k,), as far as they end within the limit, the first that does not
        and all behind it left out.
        """
        before = list(self._free)
        ends = schedule(self._free, self.now, seconds.tolist(), ready)
        if self.limit < np.inf and (late := ends > self.limit * (1 + 1e-12)).any():
            k = int(np.argmax(late))
            self._free = before
            ends = schedule(self._free, self.now, seconds[:k].tolist(), ready)
        self.last = max(self.last, float(ends.max(initial=0.0)))
        return ends

    def until(self, moment: float) -> None:
        """Let the searcher wait until then."""
        self.now = max(self.now, moment)

    @property
    def state(self) -> dict[str, Any]:
        """All that it remembers, as plain values."""
        return {"now": self.now, "last": self.last, "free": self._free}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self.now, self.last, self._free = state["now"], state["last"], list(state["free"])
