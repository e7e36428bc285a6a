"""The progress of a campaign as its logs tell it: runs that are over, how far those at work are, and the time left."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mobench.campaigns.following import Followed
from mobench.campaigns.outlook import pair_of
from mobench.campaigns.pacing import Pacing
from mobench.core.messages import duration
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
        self._left, self._pacing = Counter(map(pair_of, pending)), Pacing()
        self._followed: dict[Path, Followed] = {}
        self._drawn = time.monotonic()
        self._next_look = self._next_score = self._drawn + PAUSE / 2
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
        self._pacing.over(spec, self._folder / spec.folder)
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
        if not self._bar.shown or time.monotonic() < self._next_look:
            return
        started = time.process_time()  # a busy machine makes no look longer
        self._pacing.read()
        self._follow()
        self._draw()
        looked = time.process_time()
        now = time.monotonic()
        self._next_look = now + max(PAUSE, REST * (looked - started))
        if self._followed and now >= self._next_score:
            self._scored = self._score(next(iter(self._followed.values())))
            self._next_score = now + max(PAUSE, REST * (time.process_time() - looked))

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
        running = list(self._followed.values())
        shares = [run.share or 0.0 for run in running]
        parts = [f"{self.done}/{self._bar.total} runs", f"{self._pacing.seconds:.0f} s"]
        if shares:
            spent = ", ".join(f"{share:.0%}" for share in shares[:4]) + ", ..." * (len(shares) > 4)
            parts.append(f"{len(shares)} at work ({spent})")
        waiting = self._left - Counter(pair_of(run.spec) for run in running)
        if self._open and (left := self._pacing.seconds_left(waiting, running)) is not None:
            parts.append(f"about {duration(left)} left")
        parts += filter(None, [self._note, self._scored if shares else ""])
        self._bar.reach(self.done + sum(shares), ", ".join(parts))


def _name(spec: RunSpec) -> str:
    return f"{spec.searcher_label} on {spec.problem_label}, seed {spec.seed}"
