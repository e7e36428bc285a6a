"""What every engine does with a run: one attempt at it, and the tally of how all went."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mobench.engines.runs_bar import RunsBar
from mobench.harness.checkpoint import DamagedCheckpointError
from mobench.harness.execute import UnfitHostError, execute, give_up
from mobench.harness.held import RunIsBusy
from mobench.harness.limits import NO_LIMITS, Limits
from mobench.harness.log import RunIsLost, StorageError
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import find
from mobench.plugins.plugin import Kind
from mobench.plugins.sources import Sources

__all__ = ["Attempt", "Deaths", "Engine", "Tally", "cores"]


MANY_DEATHS = 10
"""So many deaths of one run are its own doing, however far it comes each time."""


@dataclass
class Tally:
    """How the runs of a campaign went.

    Attributes
    ----------
    ended, failed : list
        Specifications of runs that ended in good order, and that failed (with their error).
    unfit : list
        Runs that a host could not carry out, with what it lacks: nothing is recorded against them.
    interrupted : list
        Runs whose worker died (with its exit code), or that another process took over: they can be resumed.
    busy : list
        Runs that another command is at: `mobench.engines.engine.run_specs` comes back to them, and leaves none.
    already : int
        Runs that had ended before.
    said : tuple of str
        What the campaign's folder held that was other than asked for, a line each.
    """

    ended: list[RunSpec] = field(default_factory=list)
    failed: list[tuple[RunSpec, str]] = field(default_factory=list)
    unfit: list[tuple[RunSpec, str]] = field(default_factory=list)
    interrupted: list[tuple[RunSpec, str]] = field(default_factory=list)
    busy: list[RunSpec] = field(default_factory=list)
    already: int = 0
    said: tuple[str, ...] = ()

    def __repr__(self) -> str:
        before = f", {self.already} had before" * bool(self.already)
        return f"<Tally: {len(self.ended)} runs ended{before}{', ' if self.note else ''}{self.note}>"

    @property
    def note(self) -> str:
        """What did not go well, in a few words."""
        words = {"failed": "failed", "unfit": "not possible on this host", "interrupted": "interrupted"}
        return ", ".join(f"{len(items)} {text}" for word, text in words.items() if (items := getattr(self, word)))

    def add(self, spec: RunSpec, outcome: str, text: str) -> bool:
        """Take down how an attempt went, see `Attempt`; whether there is nothing more to do for this run.

        Raises
        ------
        OSError
            The outcome is ``stopped``: no run of the campaign can go on.
        """
        if outcome == "stopped":
            raise OSError(text)
        if outcome in ("ended", "busy"):
            (self.ended if outcome == "ended" else self.busy).append(spec)
        else:
            {"failed": self.failed, "unfit": self.unfit}.get(outcome, self.interrupted).append((spec, text))
        return outcome != "busy"


class Deaths:
    """Runs whose processes were killed: which are worth another attempt, and which it is that kills them."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.seen: dict[Path, list[int]] = {}

    def again(self, spec: RunSpec) -> bool:
        """Whether to try a run again: the first time, and while its log grows between two deaths."""
        log = self.attempt.folder / spec.folder / "log.jsonl"
        sizes = self.seen.setdefault(spec.folder, [-1])
        sizes.append(log.stat().st_size if log.exists() else 0)
        return sizes[-1] > sizes[-2] and len(sizes) <= MANY_DEATHS

    def give_up(self, spec: RunSpec, text: str) -> tuple[str, str]:
        """Record that a run has failed which kills every process that is at it; how it went, see `Attempt`."""
        return self.attempt.give_up(spec, f"{text}, {len(self.seen[spec.folder]) - 1} times")


class Engine(Protocol):
    """Where runs execute: it makes attempts at all pending runs and takes down how they went."""

    def __call__(
        self, pending: Sequence[RunSpec], attempt: Attempt, *, workers: int | None, tally: Tally, bar: RunsBar
    ) -> None:
        """Make `attempt` at each run of `pending`, in order and `workers` at a time (None: all cores).

        Of what is over it tells the bar (`RunsBar.over`), which looks at the others as often as it asks for
        (`RunsBar.patience`, `RunsBar.look`).
        """


@dataclass(frozen=True)
class Attempt:
    """What an engine does with a run, in this process or, as it can be pickled, in another one.

    Attributes
    ----------
    folder : Path
        A run's folder is ``folder / spec.folder``.
    sources : Sources
        What names of searchers and problems mean.
    limits : Limits
        What each run may take.
    """

    folder: Path
    sources: Sources
    limits: Limits = NO_LIMITS

    def __call__(self, spec: RunSpec) -> tuple[str, str]:
        """Carry out or resume a run.

        Returns
        -------
        outcome : str
            ``ended``; ``failed`` (recorded, and not tried again); ``busy`` (another process is at it); ``unfit`` (this
            host cannot carry it out, and nothing is recorded against it); ``interrupted`` (can be resumed); or
            ``stopped``: the results folder cannot be written, so that no run can go on.
        text : str
            Why; empty where it ended.
        """
        try:
            end = execute(spec, self.folder / spec.folder, self.sources, limits=self.limits)
        except RunIsBusy as error:
            return "busy", str(error)
        except UnfitHostError as error:
            return "unfit", str(error)
        except (RunIsLost, DamagedCheckpointError) as error:
            return "interrupted", str(error)
        except (StorageError, OSError) as error:
            return "stopped", str(error)
        except ValueError as error:
            return "failed", str(error)
        return ("failed", str(end["error"])) if end["reason"] == "failed" else ("ended", "")

    def give_up(self, spec: RunSpec, text: str) -> tuple[str, str]:
        """Record that a run has failed whose process is gone, and why; as a call returns it."""
        try:
            give_up(spec, self.folder / spec.folder, text)
        except OSError as error:
            return "interrupted", f"{text}; and that could not be written down: {error}"
        return "failed", text

    def modules(self, specs: Iterable[RunSpec]) -> set[str]:
        """Built-in modules that attempts at these runs import: a worker can be born with them."""
        wanted: set[tuple[Kind, str]] = set()
        for spec in specs:
            wanted |= {("problem", spec.problem), ("searcher", spec.searcher)}
        named = (pair for pair in wanted if not self.sources.code(*pair))
        return {find(kind, name, self.sources).call.__module__ for kind, name in named}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
