"""How fast a campaign goes while somebody looks on, and how long the rest of it takes."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mobench.campaigns.following import Followed
from mobench.campaigns.look import wall_seconds
from mobench.campaigns.outlook import Pair, pair_of, seconds_left, work
from mobench.harness.spec import RunSpec

__all__ = ["Pacing"]

FIRST = 10.0
"""Seconds at which the rate that is seen counts as much as the one that is assumed."""
TIMES = 9
"""So many times of runs tell how long others of their pair take."""


class Pacing:
    """What was done since somebody began to look on, and in what time.

    Parameters
    ----------
    times : mapping of pair to numbers
        Seconds that runs took which had ended before.
    """

    def __init__(self, times: Mapping[Pair, Iterable[float]] | None = None) -> None:
        self._times = {pair: deque(found, maxlen=TIMES) for pair, found in (times or {}).items()}
        self._ended = Counter[Pair]()
        self._untimed: dict[Pair, Path] = {}
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since somebody began to look on."""
        return time.monotonic() - self._began

    def over(self, spec: RunSpec, folder: Path) -> None:
        """Count a run that has ended."""
        self._ended[pair_of(spec)] += 1
        self._untimed[pair_of(spec)] = folder

    def read(self) -> None:
        """See how long runs took that have ended: of each pair one, the last."""
        for pair, folder in self._untimed.items():
            self._times.setdefault(pair, deque(maxlen=TIMES)).extend(wall_seconds(folder))
        self._untimed.clear()

    def seconds_left(self, waiting: Mapping[Pair, float], running: Sequence[Followed]) -> float | None:
        """Seconds until all runs have ended; None where that is not known.

        The rate is how much work was done a second until now, with some seconds before that in which all runs that
        there are went on: at first little is seen.
        """
        paces: dict[Pair, list[float]] = {pair: list(times) for pair, times in self._times.items()}
        done: dict[Pair, float] = dict(self._ended)
        for run in running:
            pair = pair_of(run.spec)
            if not paces.get(pair) and (pace := run.pace) is not None:
                paces[pair] = [pace]
            done[pair] = done.get(pair, 0.0) + run.gained
        worked = work(done, paces)
        shares = [(pair_of(run.spec), run.share or 0.0) for run in running]
        rate = ((worked or 0.0) + FIRST * len(running)) / (self.seconds + FIRST)
        return seconds_left(waiting, shares, paces, at_once=rate)
