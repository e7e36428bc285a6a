"""A run that somebody follows while it goes on: how much of its budget is spent, and how fast."""

from __future__ import annotations

import time
from pathlib import Path

from mobench.campaigns.outlook import limit_of
from mobench.harness.spec import RunSpec
from mobench.harness.tail import Tail
from mobench.plugins.sources import Sources

__all__ = ["Followed"]

SEEN = 0.02
"""So much of a budget has to be spent before it tells how long all of it takes."""


class Followed:
    """A run that has begun, followed by its log from now on.

    Parameters
    ----------
    spec : RunSpec
        The run.
    folder : Path
        Where it lies.
    sources : Sources, optional
        What names of problems mean, for budgets in trainings; see `mobench.campaigns.outlook.limit_of`.
    """

    def __init__(self, spec: RunSpec, folder: Path, sources: Sources | None = None) -> None:
        self.spec, self.folder = spec, folder
        self.tail, self._limit = Tail(folder / "log.jsonl"), limit_of(spec, sources)
        while self.tail.read():
            pass
        self._since, self._before = time.monotonic(), self.share or 0.0

    def read(self) -> bool:
        """Read on; whether there was something new."""
        return self.tail.read()

    @property
    def share(self) -> float | None:
        """How much of its budget is spent, from 0 to 1; None where the budget is not known here."""
        return None if self._limit is None else self.tail.spent.share(self._limit)

    @property
    def gained(self) -> float:
        """How much of its budget it has spent since the first look."""
        return max((self.share or 0.0) - self._before, 0.0)

    @property
    def pace(self) -> float | None:
        """Seconds that a whole run takes as this one has gone on since the first look; None where that is not seen."""
        return (time.monotonic() - self._since) / self.gained if self.gained >= SEEN else None
