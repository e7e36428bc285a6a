"""Who may come in: one caller at a time, of the process that opened the run, and nobody after its end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

__all__ = ["Guard"]

Given = ParamSpec("Given")
Found = TypeVar("Found")


class Guard:
    """A re-entrant lock that belongs to the process that made it and can be closed; calls are made within it."""

    __slots__ = ("_closed", "_lock", "_process")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._closed = False

    def __call__(self, work: Callable[Given, Found], *args: Given.args, **kwargs: Given.kwargs) -> Found:
        """Do this work when nobody else is at any.

        Raises
        ------
        RuntimeError
            It is closed, or this is a forked child of its process.
        """
        if os.getpid() != self._process:  # first: the thread that held the lock is not there in a forked child
            raise RuntimeError(
                f"run: it belongs to process {self._process}, which opened it, and this is its forked child "
                f"{os.getpid()}; ask in the parent, or use threads"
            )
        with self._lock:
            if self._closed:
                raise RuntimeError("run: it has ended; wait for your threads before the search returns")
            return work(*args, **kwargs)

    def close(self, last: Callable[[], None] | None = None) -> None:
        """Let nobody in any more, once whoever is inside has left and `last` is done.

        A forked child that returns from its search ends here: a second harness would write a second end of the run.
        """
        if os.getpid() != self._process:
            _end_child(self._process)
        with self._lock:
            try:
                if last is not None:
                    last()
            finally:
                self._closed = True


def _end_child(parent: int) -> NoReturn:
    sys.stderr.write(f"mobench: process {os.getpid()}, forked in a search, ends; the run goes on in process {parent}\n")
    sys.stderr.flush()
    os._exit(1)
