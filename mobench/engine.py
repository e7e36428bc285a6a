"""Where runs execute: local worker processes that lose at most the run a kill interrupts, and leave no orphans."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from mobench.campaign import Campaign, open_campaign
from mobench.execute import RunSpec, execute
from mobench.plugins import find
from mobench.progress import Progress
from mobench.sources import Kind, PluginFile, file_of, files_in_use, use_plugins
from mobench.store import RunIsBusy, StorageError

__all__ = ["Tally", "run_campaign", "run_specs"]

RECYCLE_SECONDS = 10.0
"""A worker takes run after run until it has worked this long: long runs get a process each, short ones share one."""


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


def _count(workers: int | None) -> int:
    """How many workers: as many as cores that this process may use, where nobody says."""
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers < 1:
        raise ValueError(f"workers: expected at least 1, found {workers}")
    return workers


def run_specs(specs: Sequence[RunSpec], runs: Path, *, workers: int | None = None, progress: bool = True) -> Tally:
    """Carry out or resume all runs that have not ended, one process a run (short ones share a process).

    Parameters
    ----------
    specs : sequence of RunSpec
        The runs.
    runs : Path
        Each run gets the folder ``runs / spec.folder``.
    workers : int, optional
        Processes at a time; all cores when left out.
    progress : bool
        Whether to show progress on standard error.

    Raises
    ------
    ValueError
        `workers` is below 1.
    OSError
        The results folder cannot be written (full, read-only); everything written before can be resumed.
    KeyboardInterrupt
        Ctrl-C: the workers are ended; every run can be resumed.
    """
    workers = _count(workers)
    pending = deque(spec for spec in specs if not (runs / spec.folder / "end.json").exists())
    tally = Tally(already=len(specs) - len(pending))
    if pending:
        with Progress(len(specs), done=tally.already, show=progress) as bar:
            _Pool(pending, runs, min(workers, len(pending)), tally, bar).work()
    return tally


def run_campaign(campaign: Campaign, folder: Path, *, workers: int | None = None, progress: bool = True) -> Tally:
    """Carry out or resume a campaign in its results folder: see `run_specs` and `mobench.campaign.open_campaign`."""
    workers = _count(workers)
    open_campaign(campaign, folder)
    return run_specs(campaign.specs, folder / "runs", workers=workers, progress=progress)


class _Worker:
    """One process, the pipe to it, and the run it is at."""

    def __init__(self, context: Any, runs: Path) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, runs, files_in_use()), name="mobench-worker")
        with _one_thread():
            self.process.start()
        theirs.close()
        self.spec: RunSpec | None = None
        self.worked = 0.0
        self.began = 0.0

    def give(self, spec: RunSpec) -> None:
        self.spec, self.began = spec, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it has died: its sentinel says so next
            self.pipe.send(spec)

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


class _Pool:
    """Workers and the runs that wait for them."""

    def __init__(self, pending: deque[RunSpec], runs: Path, size: int, tally: Tally, bar: Progress) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(_modules(pending))
        self.pending, self.runs, self.size, self.tally, self.bar = pending, runs, size, tally, bar
        self.workers: list[_Worker] = []

    def work(self) -> None:
        try:
            while self.pending or self.workers:
                while self.pending and len(self.workers) < self.size:
                    self.workers.append(worker := _Worker(self.context, self.runs))
                    worker.give(self.pending.popleft())
                ready = wait([w.pipe for w in self.workers] + [w.process.sentinel for w in self.workers])
                for worker in [w for w in self.workers if w.pipe in ready or w.process.sentinel in ready]:
                    self._hear(worker)
        finally:
            for worker in self.workers:
                worker.end()

    def _hear(self, worker: _Worker) -> None:
        """Take a worker's message, or its death; give it the next run, or let it go."""
        assert worker.spec is not None
        try:
            if not worker.pipe.poll():
                raise EOFError
            kind, text = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            kind, text = "interrupted", f"its worker died (exit code {worker.process.exitcode})"
            worker.worked = RECYCLE_SECONDS
        if kind == "storage":
            raise OSError(text)
        if kind == "ended":
            self.tally.ended.append(worker.spec)
        else:
            getattr(self.tally, kind).append((worker.spec, text))
        self.bar.advance(self.tally.note)
        worker.worked += time.monotonic() - worker.began
        if self.pending and worker.worked < RECYCLE_SECONDS:
            worker.give(self.pending.popleft())
        else:
            self.workers.remove(worker)
            worker.end()


def _modules(specs: Iterable[RunSpec]) -> list[str]:
    """Modules that every worker needs: imported once, in the server that workers are forked from."""
    wanted: set[tuple[Kind, str]] = {("problem", spec.problem) for spec in specs}
    wanted |= {("searcher", spec.searcher) for spec in specs}
    calls = {find(kind, name).call.__module__ for kind, name in wanted if file_of(name) is None}
    return [__name__, "pydantic", *sorted(calls)]


@contextlib.contextmanager
def _one_thread() -> Any:
    """One numerical thread a worker: parallelism is across runs."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: "1" for name, value in before.items() if value is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _serve(pipe: Connection, runs: Path, files: tuple[PluginFile, ...]) -> None:
    """A worker's life: take a run, carry it out, say how it went; end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(_attempt(pipe.recv(), runs, files))


def _attempt(spec: RunSpec, runs: Path, files: tuple[PluginFile, ...]) -> tuple[str, str]:
    try:
        use_plugins(file for file in files if file.name in (spec.problem, spec.searcher))
    except ValueError as error:
        return "interrupted", str(error)
    try:
        end = execute(spec, runs / spec.folder)
    except RunIsBusy as error:
        return "interrupted", str(error)
    except (StorageError, OSError) as error:
        return "storage", str(error)
    except ValueError as error:
        return "failed", str(error)
    return ("failed", end["error"]) if end["reason"] == "failed" else ("ended", "")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
