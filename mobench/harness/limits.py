"""How long a run may take and how much memory its process may hold, where the user says so."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["LONGEST_SECONDS", "MOST_BYTES", "NO_LIMITS", "Limits", "TimeLimitError", "limited"]


class TimeLimitError(BaseException):
    """A run has taken longer than it may.

    It derives from ``BaseException`` so that a library's ``except Exception`` cannot swallow it.
    """


@dataclass(frozen=True)
class Limits:
    """What a run may take of its host; 0 where there is no limit.

    Attributes
    ----------
    seconds : float
        Elapsed time of an attempt.
    bytes : int
        Memory that its process may allocate, what it was born with included (``RLIMIT_DATA``).
    """

    seconds: float = 0.0
    bytes: int = 0


NO_LIMITS = Limits()
LONGEST_SECONDS, MOST_BYTES = 100_000_000, 2**60
"""The greatest limits that the system knows."""


@contextlib.contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Raise `TimeLimitError`, and let Python raise MemoryError, in this block where a limit is exceeded.

    For the main thread of a process only where there is a limit of time.
    """
    if limits.bytes:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = limits.bytes if hard == resource.RLIM_INFINITY else min(limits.bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    if limits.seconds:
        signal.signal(signal.SIGALRM, lambda *_: _raise(limits.seconds))
        signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    try:
        yield
    finally:
        if limits.seconds:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        if limits.bytes:  # room to write down how it ended
            resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _raise(seconds: float) -> None:
    raise TimeLimitError(f"took longer than its time limit of {seconds:g} s")
