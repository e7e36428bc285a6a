"""Trainings that a searcher has begun and not yet waited for."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np

from mobench.core.space import Array

__all__ = ["Ended", "Running"]


class Ended(NamedTuple):
    """A training that has ended: what `Run.wait` returns.

    Attributes
    ----------
    x : Array
        (d,) the architecture.
    F : Array
        (m,) its values, all to be minimised.
    fidelity : int or None
        The epochs of the training; None where the problem has one fidelity only.
    """

    x: Array
    F: Array
    fidelity: int | None


class Running:
    """Trainings by when they end; of those that end together the first that was begun comes first."""

    __slots__ = ("_begun", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int | None, int, Array]] = []
        self._begun = 0

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, end: float, fidelity: int | None, row: int, x: Array) -> None:
        """Add the training of `x`, (d,), whose answer is in this row of the memory of its fidelity."""
        heapq.heappush(self._heap, (end, self._begun, fidelity, row, x))
        self._begun += 1

    def first(self) -> tuple[float, int | None, int, Array]:
        """Take what ends next: when, its fidelity, its row, its architecture; ValueError where nothing is running."""
        if not self._heap:
            raise ValueError("wait: nothing is running; submit first, and look at `run.running`")
        end, _, fidelity, row, x = heapq.heappop(self._heap)
        return end, fidelity, row, x

    @property
    def state(self) -> dict[str, Any]:
        """All that it remembers, as plain values."""
        return {"begun": self._begun, "heap": [[*entry, x.tolist()] for *entry, x in self._heap]}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._begun = state["begun"]
        self._heap = [(end, k, fidelity, row, np.array(x)) for end, k, fidelity, row, x in state["heap"]]
