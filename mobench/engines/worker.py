"""One worker process: it takes runs one after the other, and is killed with every process that it has begun."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from mobench.core.threads import ONE_THREAD
from mobench.engines.attempt import Attempt
from mobench.harness.spec import RunSpec

__all__ = ["Worker", "begin_worker", "in_own_process", "kill_group", "process_context"]

GRACE_SECONDS = 30.0
"""A run past its time limit is asked to stop, and killed where it has not after this long (a slow start included)."""

CRASHES = {signal.SIGSEGV, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS}
"""Signals that a process brings upon itself; whoever is killed by another one has done nothing wrong."""

_ENVIRONMENT = dict(os.environ)
"""As mobench found it: importing a plugin may change it here, and no other run shall notice."""


class Worker:
    """One process, the pipe to it, and the run it is at.

    Attributes
    ----------
    spec : RunSpec or None
        The run it is at.
    worked : float
        Seconds that it has worked so far; infinite where it must not take another run.
    """

    def __init__(self, context: Any, attempt: Attempt) -> None:
        self.attempt = attempt
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, attempt), name="mobench-worker")
        try:
            with _without_program():
                self.process.start()
        except (EOFError, ConnectionError) as error:
            raise OSError(
                f"the server that worker processes come from was killed ({type(error).__name__}); run the same "
                "command again, it goes on where it stopped"
            ) from error
        finally:
            theirs.close()
        self.spec: RunSpec | None = None
        self.worked = 0.0
        self.began = 0.0

    def give(self, spec: RunSpec) -> None:
        """Let it carry out a run."""
        self.spec, self.began = spec, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # it has died: its sentinel says so next
            self.pipe.send(spec)

    @property
    def patience(self) -> float | None:
        """Seconds until it is overdue; None where it has all the time it wants."""
        if not self.attempt.limits.seconds:
            return None
        return max(self.began + self.attempt.limits.seconds + GRACE_SECONDS - time.monotonic(), 0.0)

    def hear(self) -> tuple[str, str]:
        """How its run went: as it says, see `mobench.engines.attempt.Attempt`, or ``died``, by the hand of others."""
        assert self.spec is not None
        try:
            if not self.pipe.poll():
                raise EOFError
            outcome, text = self.pipe.recv()
        except (EOFError, OSError):
            outcome, text = self._over()
            self.worked = float("inf")
        if outcome == "ended" and not (self.attempt.folder / self.spec.folder / "end.json").exists():
            outcome, text = "interrupted", "its worker said that it had ended, and left no end.json"
        if self.spec.searcher_code or self.spec.problem_code:
            self.worked = float("inf")  # what foreign code has changed in this process ends with it
        self.worked += time.monotonic() - self.began
        return outcome, text

    def _over(self) -> tuple[str, str]:
        """Take down that a worker died, or has to: its own doing is a failure of the run."""
        assert self.spec is not None
        late = self.process.is_alive() and self.patience == 0.0
        if not late:
            self.process.join()
        code = self.process.exitcode
        self.end()  # whatever it began holds its log
        if late:
            return self._failed(f"did not stop when its time limit of {self.attempt.limits.seconds:g} s was over")
        if code is not None and code >= 0:
            return self._failed(f"its process ended itself (exit code {code})")
        if code is not None and -code in CRASHES:
            return self._failed(f"its process crashed ({signal.Signals(-code).name})")
        return "died", f"its worker died (exit code {code})"

    def _failed(self, text: str) -> tuple[str, str]:
        assert self.spec is not None
        return self.attempt.give_up(self.spec, text)

    def end(self) -> None:
        """Kill it and all that it began."""
        self.pipe.close()
        kill_group(self.process)


@contextlib.contextmanager
def _without_program() -> Iterator[None]:
    """Hide the program that runs: a worker needs nothing of a user's script, and would carry it out once more."""
    program = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program


def in_own_process(context: Any, attempt: Attempt, spec: RunSpec) -> tuple[str, str]:
    """An attempt at one run in a process that ends with it."""
    with _no_daemon():
        worker = Worker(context, attempt)
    try:
        worker.give(spec)
        wait([worker.pipe, worker.process.sentinel], timeout=worker.patience)
        return worker.hear()
    finally:
        worker.end()


@contextlib.contextmanager
def _no_daemon() -> Iterator[None]:
    """Let a worker of Dask, which its nanny makes a daemon, have a child: the child ends with it all the same."""
    configuration: Any = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    before = configuration.get("daemon")
    configuration["daemon"] = False
    try:
        yield
    finally:
        configuration["daemon"] = before


def kill_group(process: Any) -> None:
    """Kill a process that began with `begin_worker`, and the processes of its group; wait until it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has no group yet, or all of it is gone
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def process_context(modules: set[str]) -> Any:
    """A context that makes worker processes; what all of them need is imported once, in the server they fork from.

    They have the server's environment: that of this process as mobench found it, and one numerical thread where it does
    not say otherwise, for parallelism is across runs. The server finds modules as an installed program does: a
    ``struct.py`` in the working directory is not taken for Python's own.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mobench.engines.worker", "pydantic", *sorted(modules)])
    with _environment(ONE_THREAD | _ENVIRONMENT | {"PYTHONSAFEPATH": "1"}):
        multiprocessing.forkserver.ensure_running()
    return context


@contextlib.contextmanager
def _environment(entries: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(entries)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def begin_worker() -> None:
    """What a worker process does first: have a group of its own, leave Ctrl-C to the parent, and end with it."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
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
        os.killpg(0, signal.SIGKILL)
