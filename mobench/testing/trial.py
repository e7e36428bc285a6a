"""One watched run of a searcher: what it did that it should not have done, and what its log says."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mobench.core.budget import Cost
from mobench.core.capabilities import limit_on
from mobench.core.problem import Problem
from mobench.core.space import Array
from mobench.harness.door import Run
from mobench.harness.execute import search_problem
from mobench.harness.log import Log
from mobench.testing.checks import Failed
from mobench.testing.state import global_state

__all__ = ["Trial", "WatchedRun", "difference", "trial"]


WAITING = 20
"""How much longer than it may compute a run may take by the clock."""
PATIENCE = 100
"""Questions after the end of the budget that are waited for before a searcher is held at the door."""


@dataclass
class Seen:
    """What a searcher should not have done.

    Attributes
    ----------
    outside : list of str
        Questions about what is no architecture of the space.
    after : int
        Questions after the budget was spent.
    touched : list of str
        Private attributes read, and attributes written, by anything but the harness.
    held : threading.Event
        Set when the searcher is held at the door because it would not stop.
    """

    outside: list[str] = field(default_factory=list)
    after: int = 0
    touched: list[str] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)


class WatchedRun(Run):
    """A run that remembers, in `seen`, what its searcher should not have done."""

    __slots__ = ("seen",)
    seen: Seen

    def __init__(self, problem: Problem, *, limit: Cost, seed: int = 0, log: Log | None = None) -> None:
        object.__setattr__(self, "seen", Seen())
        super().__init__(problem, limit=limit, seed=seed, log=log)

    def __getattribute__(self, name: str) -> Any:
        if (name[0] == "_" and name[1] != "_") or name == "__dict__":
            caller = sys._getframe(1).f_globals.get("__name__", "")
            if caller not in ("mobench.harness.door", __name__):
                self.seen.touched.append(f"reads run.{name}")
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: object) -> None:
        self.seen.touched.append(f"writes run.{name}")
        super().__setattr__(name, value)

    def evaluate(self, X: Any, *, fidelity: int | None = None) -> Array:
        """Answer as any run does, and hold whoever does not stop."""
        if self.stopped:
            self.seen.after += 1
            if self.seen.after > PATIENCE:
                self.seen.held.set()
                threading.Event().wait()
        self._note_outside(X)
        return super().evaluate(X, fidelity=fidelity)

    def recommend(self, X: Any) -> None:
        """Record as any run does."""
        self._note_outside(X)
        super().recommend(X)

    def _note_outside(self, X: Any) -> None:
        try:
            self.space.check(X)
        except (TypeError, ValueError) as error:
            self.seen.outside.append(str(error))


class Killed(BaseException):
    """Stands for a kill: nothing of the run happens after it."""


class _MortalLog(Log):
    """A log whose process is killed when it would write line number `last`."""

    last = sys.maxsize

    def append(self, event: dict[str, Any]) -> None:
        if self.count >= self.last:
            raise Killed
        super().append(event)


@dataclass
class Trial:
    """What one watched run came to.

    Attributes
    ----------
    run : WatchedRun or None
        None where it could not even be opened.
    reason : str
        Why it ended; empty where it did not end well.
    error : BaseException or None
        What the searcher raised, or TimeoutError.
    lines : list of bytes
        The log.
    changed : list of str
        Global state that is not what it was before.
    """

    run: WatchedRun
    reason: str = ""
    error: BaseException | None = None
    lines: list[bytes] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def well(self, where: str = "") -> Trial:
        """Itself, where it came to a good end (or its fault is another check's matter); else `Failed`."""
        if self.error is not None:
            raise Failed(f"{where}{': ' if where else ''}{type(self.error).__name__}: {self.error}")
        return self


def trial(
    search: Callable[..., None],
    problem: Problem,
    budget: Any,
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    seconds: float = 20.0,
    path: Path | None = None,
    killed_at: int | None = None,
    prepare: Callable[[], None] | None = None,
) -> Trial:
    """Let a searcher loose in a thread of its own, for so many seconds at most.

    Parameters
    ----------
    path : Path, optional
        The log's file, with a past perhaps; in memory without it.
    killed_at : int, optional
        The line of the log at whose writing the run is killed.
    prepare : callable, optional
        Called in the thread before the search.
    """
    log = _MortalLog(path)
    log.last = sys.maxsize if killed_at is None else killed_at
    limit = limit_on(problem, budget)
    found = Trial(WatchedRun(problem, limit=limit, seed=seed, log=log))

    def work() -> None:
        if prepare:
            prepare()
        before = global_state()
        try:
            found.reason = search_problem(search, found.run, dict(options or {}))
        except Killed:
            found.reason = "killed"
        except BaseException as error:  # noqa: BLE001 - whatever the searcher raised
            found.error = found.error or error
        after = global_state()
        found.changed = [name for name in before if before[name] != after[name]]

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    _wait(thread, found, seconds)
    log.close()
    found.lines = list(log.lines) if path is None else path.read_bytes().splitlines(keepends=True)
    return found


def _wait(thread: threading.Thread, found: Trial, seconds: float) -> None:
    """Until the thread has ended, is held at the door, or has had its time and is asked to end."""
    begin, step = time.monotonic(), 0.002
    while thread.is_alive() and not found.run.seen.held.is_set():
        thread.join(step)
        step = min(2 * step, 0.1)
        if _worked(thread) > seconds or time.monotonic() - begin > WAITING * seconds:
            found.error = TimeoutError("it did not end in time; does it wait for something that never comes?")
            ident = ctypes.c_ulong(thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))
            return


def _worked(thread: threading.Thread) -> float:
    """Seconds that a thread has computed: on a busy machine they pass more slowly than the clock's."""
    if thread.ident is None or not thread.is_alive() or not hasattr(time, "pthread_getcpuclockid"):
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def _content(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Events of a log, without what diagnostics say: they may hold times."""
    return [{"record": None} if "record" in event else event for event in map(orjson.loads, lines)]


def difference(one: Sequence[bytes], other: Sequence[bytes]) -> str:
    """Where two logs differ first, or nothing."""
    a, b = _content(one), _content(other)
    for number, (x, y) in enumerate(zip(a, b, strict=False), start=1):
        if x != y:
            key = next((key for key in x if x[key] != y.get(key)), "kind")
            return f"line {number} differs in {key!r}: {_short(x.get(key))} against {_short(y.get(key))}"
    return "" if len(a) == len(b) else f"{len(a)} lines against {len(b)}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
