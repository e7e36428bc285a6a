"""What every engine does with a run: one attempt at it, and the tally of how all went."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mobench.core.progress import Progress
from mobench.harness.execute import execute
from mobench.harness.log import RunIsBusy, RunIsLost, StorageError
from mobench.harness.spec import RunSpec
from mobench.plugins.sources import PluginFile, use_plugins

__all__ = ["Engine", "Tally", "attempt", "cores", "one_thread"]

BUSY_SECONDS = 2.0
"""A run that another process is at may be about to be free: that process ends it, or has just been killed."""


@dataclass
class Tally:
    """How the runs of a campaign went.

    Attributes
    ----------
    ended, failed : list
        Specifications of runs that ended in good order, and that failed (with their error).
    interrupted : list
        Runs whose worker died (with its exit code) or that another process is at: they can be resumed.
    already : int
        Runs that had ended before.
    """

    ended: list[RunSpec] = field(default_factory=list)
    failed: list[tuple[RunSpec, str]] = field(default_factory=list)
    interrupted: list[tuple[RunSpec, str]] = field(default_factory=list)
    already: int = 0

    @property
    def note(self) -> str:
        """What did not go well, in a few words."""
        parts = [f"{len(items)} {word}" for word in ("failed", "interrupted") if (items := getattr(self, word))]
        return ", ".join(parts)

    def add(self, spec: RunSpec, outcome: str, text: str) -> None:
        """Take down how an attempt went: see `attempt`.

        Raises
        ------
        OSError
            The outcome is ``stopped``: no run of the campaign can go on.
        """
        if outcome == "stopped":
            raise OSError(text)
        if outcome == "ended":
            self.ended.append(spec)
        else:
            (self.failed if outcome == "failed" else self.interrupted).append((spec, text))


class Engine(Protocol):
    """Where runs execute: it makes attempts at all pending runs and takes down how they went."""

    def __call__(
        self, pending: Sequence[RunSpec], runs: Path, *, workers: int | None, tally: Tally, bar: Progress
    ) -> None:
        """Carry out or resume `pending` in their folders under `runs`, `workers` at a time (None: all cores)."""


def attempt(spec: RunSpec, runs: Path, files: Iterable[PluginFile]) -> tuple[str, str]:
    """Carry out or resume a run in this process.

    Parameters
    ----------
    spec : RunSpec
        The run.
    runs : Path
        Its folder is ``runs / spec.folder``.
    files : iterable of PluginFile
        What the parent has in use.

    Returns
    -------
    outcome : str
        ``ended``; ``failed`` (recorded, and not tried again); ``interrupted`` (can be resumed); or ``stopped``:
        the results folder cannot be written, so that no run can go on.
    text : str
        Why; empty where it ended.
    """
    try:
        use_plugins(file for file in files if file.name in (spec.problem, spec.searcher))
    except ValueError as error:
        return "interrupted", str(error)
    try:
        end = _patiently(spec, runs / spec.folder)
    except (RunIsBusy, RunIsLost) as error:
        return "interrupted", str(error)
    except (StorageError, OSError) as error:
        return "stopped", str(error)
    except ValueError as error:
        return "failed", str(error)
    return ("failed", str(end["error"])) if end["reason"] == "failed" else ("ended", "")


def _patiently(spec: RunSpec, folder: Path) -> dict[str, object]:
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return execute(spec, folder)
        except RunIsBusy:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Processes that begin here have one numerical thread each: parallelism is across runs."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: "1" for name, value in before.items() if value is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
