"""Watches what reading hostile data does: it may raise, and do nothing else."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mobench.files import plain_pickles

REFUSED = (ValueError, TypeError, OSError)
"""What hostile data may raise: the command line makes one line of it."""
RUNS = {
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "subprocess.Popen",
    "socket.connect",
    "pty.spawn",
}
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}

_state: dict[str, Any] = {"home": None, "found": []}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    home = _state["home"]
    if home is None:
        return
    if event == "subprocess.Popen" and arguments[1][1:] == ["-P", plain_pickles.__file__]:
        return  # pickles are tried out in a process of its own, which reads and answers
    if event in RUNS:
        _state["found"].append(f"{event} {arguments!r:.200}")
    elif event == "open":
        path, _, flags = arguments
        if isinstance(path, str | bytes) and isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            _note_outside(event, path, home)
    elif event in CHANGES:
        for path in arguments[:2]:
            if isinstance(path, str | bytes | os.PathLike):
                _note_outside(event, path, home)
    elif event == "exec" and getattr(arguments[0], "co_filename", "").startswith(home):
        _state["found"].append(f"executed {arguments[0].co_filename}")


def _note_outside(event: str, path: Any, home: str) -> None:
    place = os.path.realpath(os.fsdecode(path))
    if not place.startswith((home, "/dev/null")) and "__pycache__" not in place:
        _state["found"].append(f"{event} {place}")


sys.addaudithook(_hook)


class Hung(BaseException):
    """A case that took too long."""


def _hang(*_: object) -> None:
    raise Hung("no end after 20 s of computing")


@contextlib.contextmanager
def watched(home: Path, outcomes: Counter[str]) -> Iterator[None]:
    """Nothing may run, be written outside `home`, take longer than 20 s of computing, or fail in an unexpected way."""
    _state.update(home=os.path.realpath(home), found=[])
    before = signal.signal(signal.SIGPROF, _hang)
    signal.setitimer(signal.ITIMER_PROF, 20)
    try:
        yield
        outcomes["read"] += 1
    except REFUSED as error:
        outcomes["refused"] += 1
        assert len(str(error)) < 20_000
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        _state["home"] = None
    assert not _state["found"], _state["found"]


@contextlib.contextmanager
def bounded(more: int) -> Iterator[None]:
    """The block may take so many bytes of memory beyond what the process has: what asks for more, and does not turn the
    failure into a refusal, fails with MemoryError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
