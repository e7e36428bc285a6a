"""Runs in worker processes of this machine: a kill loses at most the run that it interrupts, and leaves no orphans."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from mobench.core.progress import Progress
from mobench.engines.attempt import Attempt, Tally, cores, one_thread
from mobench.harness.spec import RunSpec

__all__ = ["begin_worker", "local_processes", "process_context"]

RECYCLE_SECONDS = 10.0
"""A worker takes run after run until it has worked this long: long runs get a process each, short ones share one."""


def local_processes(
    pending: Sequence[RunSpec], attempt: Attempt, *, workers: int | None, tally: Tally, bar: Progress
) -> None:
    """Carry out or resume runs, one process a run (short ones share a process): see `run_specs` of the engine."""
    _Pool(pending, attempt, min(workers or cores(), len(pending)), tally, bar).work()


class _Worker:
    """One process, the pipe to it, and the run it is at."""

    def __init__(self, context: Any, attempt: Attempt) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, attempt), name="mobench-worker")
        with one_thread():
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

    def __init__(self, pending: Sequence[RunSpec], attempt: Attempt, size: int, tally: Tally, bar: Progress) -> None:
        self.context = process_context(attempt.modules(pending))
        self.pending, self.attempt, self.size, self.tally, self.bar = deque(pending), attempt, size, tally, bar
        self.workers: list[_Worker] = []

    def work(self) -> None:
        try:
            while self.pending or self.workers:
                while self.pending and len(self.workers) < self.size:
                    self.workers.append(worker := _Worker(self.context, self.attempt))
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
            outcome, text = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            outcome, text = "interrupted", f"its worker died (exit code {worker.process.exitcode})"
            worker.worked = RECYCLE_SECONDS
        if self.tally.add(worker.spec, outcome, text):
            self.bar.advance(self.tally.note)
        worker.worked += time.monotonic() - worker.began
        if self.pending and worker.worked < RECYCLE_SECONDS:
            worker.give(self.pending.popleft())
        else:
            self.workers.remove(worker)
            worker.end()


def process_context(modules: set[str]) -> Any:
    """A context that makes worker processes; what all of them need is imported once, in the server they fork from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "pydantic", *sorted(modules)])
    return context


def begin_worker() -> None:
    """What a worker process does first: leave Ctrl-C, which reaches the whole group, to the parent; end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _serve(pipe: Connection, attempt: Attempt) -> None:
    """A worker's life: take a run, carry it out, say how it went."""
    begin_worker()
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(attempt(pipe.recv()))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
