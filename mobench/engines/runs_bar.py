"""The progress of a campaign as its logs tell it: runs that are over, how far those at work are, and the time left."""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path

from mobench.campaigns.following import Followed
from mobench.campaigns.look import wall_seconds
from mobench.campaigns.outlook import Pair, pair_of, seconds_left, work
from mobench.core.messages import in_words
from mobench.core.progress import Progress
from mobench.harness.held import is_held
from mobench.harness.spec import RunSpec
from mobench.plugins.sources import Sources
from mobench.scoring.passing import share_in_passing

__all__ = ["RunsBar"]

PAUSE = 1.0
"""Seconds between looks, and between scores, at least."""
REST = 100
"""A pause is so many times as long as what was done before it: each takes a hundredth of a core at most."""
WINDOW = 64
"""So many of the runs that are not over are looked at, the next ones in order."""
TIMES = 9
"""So many times of runs tell how long others of their pair take."""


class RunsBar:
    """Counts runs of a campaign that are over, and tells how far those at work have come.

    Run processes report nothing: their logs are read on, and now and then one is scored, where the problem is mobench's
    own and its front is known. What takes long is done seldom, so that no run is slower for it.

    Parameters
    ----------
    bar : Progress
        Where it is shown.
    pending : sequence of RunSpec
        The runs that are not over.
    folder : Path
        A run's folder is ``folder / spec.folder``.
    sources : Sources
        What names of problems mean.
    contract : str
        How runs are scored.
    """

    def __init__(
        self, bar: Progress, pending: Sequence[RunSpec], folder: Path, sources: Sources, *, contract: str
    ) -> None:
        self._bar, self._folder, self._sources, self._contract = bar, folder, sources, contract
        self._open = {spec.folder: spec for spec in pending}
        self._left, self._ended = Counter(map(pair_of, pending)), Counter[Pair]()
        self._times: dict[Pair, deque[float]] = {}
        self._untimed: dict[Pair, RunSpec] = {}
        self._followed: dict[Path, Followed] = {}
        self._began = self._drawn = time.monotonic()
        self._next_look = self._next_score = self._began + PAUSE / 2
        self._note, self._scored = "", ""

    @property
    def done(self) -> int:
        """How many runs are over."""
        return self._bar.done

    @property
    def patience(self) -> float | None:
        """Seconds until the next look; None where nothing is shown."""
        return max(self._next_look - time.monotonic(), 0.0) if self._bar.shown else None

    def over(self, spec: RunSpec, note: str) -> None:
        """Count a run that is over; `note` says what did not go well."""
        self._open.pop(spec.folder, None)
        self._followed.pop(spec.folder, None)
        self._left[pair_of(spec)] -= 1
        self._ended[pair_of(spec)] += 1
        self._untimed[pair_of(spec)] = spec
        self._note = note
        self._bar.done += 1
        if time.monotonic() - self._drawn > PAUSE / 10 or not self._open:
            self._draw()

    def say(self, line: str) -> None:
        """See `Progress.say`."""
        self._bar.say(line)

    def warn(self, line: str) -> None:
        """See `Progress.warn`."""
        self._bar.warn(line)

    def look(self) -> None:
        """Look at the runs at work, and say how far all has come, where it is time for that."""
        started = time.monotonic()
        if not self._bar.shown or started < self._next_look:
            return
        for pair, spec in self._untimed.items():
            self._times.setdefault(pair, deque(maxlen=TIMES)).extend(wall_seconds(self._folder / spec.folder))
        self._untimed.clear()
        self._follow()
        self._draw()
        now = time.monotonic()
        self._next_look = now + max(PAUSE, REST * (now - started))
        if self._followed and now >= self._next_score:
            self._scored = self._score(next(iter(self._followed.values())))
            took = time.monotonic() - now
            self._next_score = time.monotonic() + max(PAUSE, REST * took)

    def _follow(self) -> None:
        """Follow the runs at work: of the next ones in order those that have a log with a writer."""
        for place, spec in itertools.islice(self._open.items(), WINDOW):
            run = self._folder / place
            if not is_held(run / "log.jsonl"):
                self._followed.pop(place, None)
            elif place in self._followed:
                self._followed[place].read()
            else:
                self._followed[place] = Followed(spec, run, self._sources)

    def _score(self, run: Followed) -> str:
        share = share_in_passing(run.spec, run.folder, contract=self._contract)
        return "" if share is None else f"hypervolume {share:.4f} of {_name(run.spec)}"

    def _draw(self) -> None:
        """Write how far all has come."""
        self._drawn = time.monotonic()
        seconds = self._drawn - self._began
        shares = [run.share or 0.0 for run in self._followed.values()]
        parts = [f"{self.done}/{self._bar.total} runs", f"{seconds:.0f} s"]
        if shares:
            spent = ", ".join(f"{share:.0%}" for share in shares[:4]) + ", ..." * (len(shares) > 4)
            parts.append(f"{len(shares)} at work ({spent})")
        if (left := self._seconds_left(seconds)) is not None and self._open:
            parts.append(f"about {in_words(left)} left")
        parts += filter(None, [self._scored if shares else "", self._note])
        self._bar.reach(self.done + sum(shares), ", ".join(parts))

    def _seconds_left(self, seconds: float) -> float | None:
        """By how much work was done a second until now."""
        running = [(pair_of(run.spec), run.share or 0.0) for run in self._followed.values()]
        paces: dict[Pair, list[float]] = {pair: list(times) for pair, times in self._times.items()}
        for run in self._followed.values():
            if not paces.get(pair_of(run.spec)) and (pace := run.pace) is not None:
                paces[pair_of(run.spec)] = [pace]
        done: dict[Pair, float] = dict(self._ended)
        waiting = Counter[Pair](self._left)
        for run in self._followed.values():
            pair = pair_of(run.spec)
            done[pair] = done.get(pair, 0.0) + run.gained
            waiting[pair] -= 1
        worked = work(done, paces)
        return None if not worked else seconds_left(waiting, running, paces, at_once=worked / max(seconds, 1e-3))


def _name(spec: RunSpec) -> str:
    return f"{spec.searcher_label} on {spec.problem_label}, seed {spec.seed}"
