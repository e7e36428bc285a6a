"""A look at a campaign: which runs have ended, who is at work and how far, what was interrupted, what failed."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobench.campaigns.campaign import Campaign
from mobench.campaigns.failures import Failure, read_failure
from mobench.campaigns.following import Followed
from mobench.campaigns.index import run_states
from mobench.campaigns.outlook import Pair, pair_of, seconds_left
from mobench.files.documents import read_document
from mobench.harness.held import is_held
from mobench.harness.spec import RunSpec

__all__ = ["STATES", "Begun", "Look", "look", "wall_seconds"]

STATES = ("ended", "failed", "damaged", "running", "interrupted", "waiting")
"""What a look tells apart: a run has begun and not ended, and its log has a writer or none."""

FOLLOWED = 100
"""So many logs of runs that have begun are read, and ends of runs that failed."""
TIMED = 3
"""Ends of each pair by which the time of a run is told; of so many pairs as are followed."""


@dataclass(frozen=True)
class Begun:
    """A run that has begun and not ended; `share` of its budget is spent, None where that is not known."""

    spec: RunSpec
    state: str
    share: float | None


@dataclass(frozen=True)
class Look:
    """What a campaign's folder says at a moment.

    Attributes
    ----------
    counts : mapping of pair to Counter
        How many runs of each pair are in each of `STATES`.
    begun : tuple of Begun
        Runs that have begun and not ended: the first of them.
    failures : tuple of Failure
        What the first of those that failed have said.
    states : tuple of str
        Of each run, in the campaign's order.
    times : mapping of pair to list of float
        Seconds that the last few runs of each pair took; of pairs that have runs at work or waiting.
    left : float or None
        Seconds until all is done at this pace; None where nobody is at work, or nothing is known.
    """

    counts: dict[Pair, Counter[str]]
    begun: tuple[Begun, ...]
    failures: tuple[Failure, ...]
    states: tuple[str, ...]
    times: dict[Pair, list[float]]
    left: float | None

    @property
    def total(self) -> Counter[str]:
        """How many runs are in each state."""
        return sum(self.counts.values(), Counter[str]())

    @property
    def share(self) -> float:
        """How much of the campaign is done, from 0 to 1: runs that are over, and parts of those that have begun."""
        total = self.total
        over = sum(total[state] for state in ("ended", "failed", "damaged"))
        return (over + sum(run.share or 0.0 for run in self.begun)) / max(total.total(), 1)


def look(campaign: Campaign, folder: Path) -> Look:
    """Look at a campaign in its folder; nothing of it is executed, and no plugin imported that the user did not name.

    Whether a run is at work its log's lock tells, which ends with the process: where a file system keeps locks within
    one host only, those of other hosts seem interrupted.
    """
    places = [spec.folder for spec in campaign.specs]
    states = ["waiting" if state == "missing" else state for state in run_states(folder, places)]
    begun: list[Begun] = []
    for i in (i for i, state in enumerate(states) if state == "running"):
        run = folder / "runs" / places[i]
        states[i] = "running" if is_held(run / "log.jsonl") else "interrupted"
        share = Followed(campaign.specs[i], run).share if len(begun) < FOLLOWED else None
        begun.append(Begun(campaign.specs[i], states[i], share))
    counts: dict[Pair, Counter[str]] = {}
    for spec, state in zip(campaign.specs, states, strict=True):
        counts.setdefault(pair_of(spec), Counter())[state] += 1
    failed = (folder / "runs" / place for place, state in zip(places, states, strict=True) if state == "failed")
    open_pairs = [pair for pair, count in counts.items() if count["running"] or count["waiting"]]
    times = _times(campaign.specs, states, open_pairs[:FOLLOWED], folder) if open_pairs else {}
    return Look(
        counts=counts,
        begun=tuple(begun),
        failures=tuple(map(read_failure, itertools.islice(failed, FOLLOWED))),
        states=tuple(states),
        times=times,
        left=_seconds_left(counts, begun, times, folder),
    )


def _seconds_left(
    counts: dict[Pair, Counter[str]], begun: Sequence[Begun], times: dict[Pair, list[float]], folder: Path
) -> float | None:
    """At the pace of runs that have ended; where there are none, of those at work since they began."""
    running = [run for run in begun if run.state == "running"]
    paces = dict(times)
    for run in running:
        if not paces.get(pair_of(run.spec)) and run.share:
            paces[pair_of(run.spec)] = [_working(folder / "runs" / run.spec.folder) / run.share]
    waiting = {pair: float(count["waiting"]) for pair, count in counts.items() if count["waiting"]}
    shares = ((pair_of(run.spec), run.share or 0.0) for run in begun)
    return seconds_left(waiting, shares, paces, at_once=len(running))


def _times(
    specs: Sequence[RunSpec], states: Sequence[str], pairs: Sequence[Pair], folder: Path
) -> dict[Pair, list[float]]:
    """Seconds that the last few runs of some pairs took."""
    latest: dict[Pair, list[RunSpec]] = {pair: [] for pair in pairs}
    for spec, state in zip(reversed(specs), reversed(states), strict=True):
        known = latest.get(pair_of(spec)) if state == "ended" else None
        if known is not None and len(known) < TIMED:
            known.append(spec)
    return {
        pair: [seconds for run in runs for seconds in wall_seconds(folder / "runs" / run.folder)]
        for pair, runs in latest.items()
    }


def wall_seconds(run: Path) -> list[float]:
    """Seconds that a run took, by its end; nothing where it does not say."""
    try:
        return [float(read_document(run / "end.json")["wall_seconds"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _working(run: Path) -> float:
    """Seconds from a run's beginning to its last line, pauses included."""
    try:
        return (run / "log.jsonl").stat().st_mtime - (run / "spec.json").stat().st_mtime
    except OSError:
        return 0.0
