"""The runs of a results folder as they go on: which state each is in, by looks that read only what is new."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mobench.campaigns.failures import Failure, read_failure
from mobench.campaigns.following import Followed
from mobench.campaigns.labels import shown_names
from mobench.campaigns.look import FOLLOWED, look
from mobench.campaigns.outlook import Pair, pair_of
from mobench.campaigns.pacing import Pacing
from mobench.campaigns.record import load_campaign
from mobench.campaigns.study import run_state
from mobench.harness.held import is_held
from mobench.harness.spec import RunSpec

__all__ = ["Entry", "Feed"]

WINDOW = 2000
"""So many runs that are not over are looked at each time: half of them such as have begun, the others in turn."""


@dataclass(eq=False)
class Entry:
    """A run as it was seen last; `followed` from when it has begun until it is over."""

    spec: RunSpec
    folder: Path
    state: str = "waiting"
    followed: Followed | None = None


class Feed:
    """The runs of one campaign, looked at again and again.

    What is over is not looked at any more. A campaign that grows is read anew.

    Parameters
    ----------
    folder : Path
        ``results/NAME``.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no campaign, or its record cannot be read.

    Attributes
    ----------
    campaign : Campaign
        As its record says.
    problems, searchers : list of str
        Labels, in the order that readers see.
    names : dict of str to str
        Of each of them what readers see.
    of_problem : dict of str to list of Entry
        The runs of each problem, in order.
    counts : dict of Pair to Counter
        How many runs of each pair are in each state of `mobench.campaigns.look.STATES`.
    failures : list of Failure
        What the first of those that failed have said.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begin()

    def _begin(self) -> None:
        """Read the campaign, and every state for once."""
        self._record = _stamp(self.folder)
        self.campaign = load_campaign(self.folder)
        found = look(self.campaign, self.folder)
        runs = self.folder / "runs"
        entries = [
            Entry(spec, runs / spec.folder, state)
            for spec, state in zip(self.campaign.specs, found.states, strict=True)
        ]
        self.counts: dict[Pair, Counter[str]] = found.counts
        self.failures: list[Failure] = list(found.failures)
        self._pacing = Pacing(found.times)
        self._waiting = {entry: None for entry in entries if entry.state == "waiting"}
        self._begun = {entry: None for entry in entries if entry.state in ("running", "interrupted")}
        self._turn = 0
        place = self.campaign.labels.place
        self.problems = sorted(dict.fromkeys(problem for problem, _ in self.counts), key=place)
        self.searchers = sorted(dict.fromkeys(searcher for _, searcher in self.counts), key=place)
        self.names = self._names()
        self.of_problem: dict[str, list[Entry]] = {label: [] for label in self.problems}
        for entry in entries:
            self.of_problem[entry.spec.problem_label].append(entry)
        self._go_on()  # from now on it is seen what is spent

    def _names(self) -> dict[str, str]:
        """What readers see of each label; where two would be called alike, which a report refuses, the labels."""
        try:
            given = self.campaign.labels.names
            return {**shown_names(self.problems, given), **shown_names(self.searchers, given)}
        except ValueError:
            return {label: label for label in (*self.problems, *self.searchers)}

    def look(self) -> None:
        """See which runs have begun, gone on or ended since the last look."""
        if _stamp(self.folder) != self._record:
            self._begin()
        else:
            self._go_on()

    def _go_on(self) -> None:
        for entry in self._due():
            before, entry.state = entry.state, self._state(entry)
            if entry.state != before:
                self._moved(entry, before)
        self._pacing.read()

    def _due(self) -> list[Entry]:
        """Runs that have begun; the next ones in order; and of the others some in turn."""
        self._turn = self._turn if self._turn < len(self._waiting) else 0
        following = itertools.islice(self._waiting, WINDOW // 4)
        in_turn = itertools.islice(self._waiting, self._turn, self._turn + WINDOW // 4)
        self._turn += WINDOW // 4
        return [*itertools.islice(self._begun, WINDOW // 2), *dict.fromkeys([*following, *in_turn])]

    def _moved(self, entry: Entry, before: str) -> None:
        """Take down that a run is in another state than before."""
        counts = self.counts[pair_of(entry.spec)]
        counts[before] -= 1
        counts[entry.state] += 1
        self._waiting.pop(entry, None)
        if entry.state in ("running", "interrupted"):
            self._begun[entry] = None
            return
        self._begun.pop(entry, None)
        entry.followed = None
        self._pacing.over(entry.spec, entry.folder)
        if entry.state == "failed" and len(self.failures) < FOLLOWED:
            self.failures.append(read_failure(entry.folder))

    def _state(self, entry: Entry) -> str:
        state = run_state(entry.folder)
        if state != "running":
            return "waiting" if state == "missing" else state
        if entry.followed is None:
            entry.followed = Followed(entry.spec, entry.folder)
        elif entry.followed.read():
            return "running"  # whoever writes is there
        return "running" if is_held(entry.folder / "log.jsonl") else "interrupted"

    @property
    def begun(self) -> list[Entry]:
        """Runs that have begun and are not over, those at work first."""
        return sorted(self._begun, key=lambda entry: entry.state != "running")

    @property
    def total(self) -> Counter[str]:
        """How many runs are in each state."""
        return sum(self.counts.values(), Counter[str]())

    @property
    def share(self) -> float:
        """How much of the campaign is done, from 0 to 1."""
        total = self.total
        parts = sum(entry.followed.share or 0.0 for entry in self._begun if entry.followed is not None)
        return (sum(total[state] for state in ("ended", "failed", "damaged")) + parts) / max(total.total(), 1)

    @property
    def left(self) -> float | None:
        """Seconds until all runs have ended; None where nobody is at work, or it is not known."""
        begun = [(entry.state, entry.followed) for entry in self._begun if entry.followed is not None]
        running = [run for state, run in begun if state == "running"]
        waiting = {pair: float(counts["waiting"]) for pair, counts in self.counts.items()}
        for run in (run for state, run in begun if state == "interrupted"):
            waiting[pair_of(run.spec)] += 1.0 - (run.share or 0.0)
        return self._pacing.seconds_left(waiting, running) if running else None


def _stamp(folder: Path) -> tuple[int, int]:
    """What tells whether a campaign's record was written anew."""
    try:
        found = (folder / "campaign.json").stat()
    except OSError:
        return (0, 0)
    return found.st_ino, found.st_mtime_ns
