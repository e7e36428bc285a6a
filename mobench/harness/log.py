"""A run's log: lines that are only ever added, and survive any kill."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import orjson

from mobench.harness.held import fenced, locked, same_file, whole_lines, write_all

__all__ = ["Log", "RunIsLost", "StorageError", "parse_events"]


SYNC_SECONDS = 5.0
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


def _listed(value: object) -> object:
    """What orjson leaves to us: arrays that are not contiguous, such as a column."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"a log holds plain values and arrays, found {type(value).__name__}")


class StorageError(BaseException):
    """The log cannot be written any more (full disk, read-only folder).

    It derives from ``BaseException`` because it is no fault of the searcher, whose ``except Exception`` must not
    swallow it: the run is left as it is, to be resumed when there is room.
    """


class RunIsLost(StorageError):
    """Another process took this run over, or its folder was taken away: what we found since is not part of it."""


class Log:
    """The log of one run: one JSON line an event, written by one process at a time.

    Opening an existing log cuts a torn last line off (a kill can leave one) and holds the whole lines in `past`, for
    replay. Lines reach the operating system one by one, the disk every few seconds and at the end.

    An open log is locked. The kernel frees the lock when its process dies, so no clock decides who is at a run. Where
    a lock is lost all the same (a network file system that was cut off, or that keeps none between hosts), a fence
    holds: opening an existing log puts a copy in its place, and what an earlier attempt goes on to write reaches the
    file that was replaced, until that attempt notices. What it wrote until then is in the copy.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the log in memory only.

    Attributes
    ----------
    past : list of dict
        The events that were there when it was opened.
    count : int
        Lines so far, those of the past included.
    broken : bool
        Whether its storage has failed, or that of something beside it: then no error is the searcher's.

    Raises
    ------
    RunIsBusy
        Another process holds the log.
    ValueError
        A whole line is not JSON: the file was damaged by something other than a kill. Or it is no file: a link, a pipe.
    OSError
        The folder is full or read-only, or its file system offers no locks.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.past: list[dict[str, Any]] = []
        self.lines: list[bytes] = []
        self.count = 0
        self.broken = False
        self._digest, self._bytes = hashlib.sha256(), 0
        self._file: int | None = None
        self._synced = time.monotonic()
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        held, new = locked(path)
        try:
            if new:
                self._file = os.dup(held)
                return
            whole = whole_lines(held)
            self.past = list(parse_events(whole, path))
            self._file, more = fenced(path, held, whole)
            self.past += parse_events(more, path)
            self.count = len(self.past)
            self._account(whole + more)
        finally:
            os.close(held)

    def append(self, event: dict[str, Any]) -> None:
        """Add one event.

        Raises
        ------
        StorageError
            The disk is full or the folder read-only; what was written before stays readable.
        RunIsLost
            The file at `path` is not this one any more.
        TypeError
            The event holds something that JSON cannot.
        """
        line = orjson.dumps(event, option=_JSON, default=_listed)
        self.count += 1
        if self._file is None:
            self.lines.append(line)
            return
        try:
            write_all(self._file, line)
            self._account(line)
        except OSError as error:
            self._fail(error)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Bring all lines to the disk, and make sure that they are still this run's.

        Raises
        ------
        StorageError, RunIsLost
            As for `append`.
        """
        if self._file is None:
            return
        self._synced = time.monotonic()
        try:
            os.fsync(self._file)
        except OSError as error:
            self._fail(error)
        self._check()

    def _fail(self, error: OSError) -> NoReturn:
        self.broken = True
        self._check()
        raise StorageError(f"{self.path}: {error.strerror}; make room and run the same command again") from error

    def _check(self) -> None:
        """RunIsLost where the file at `path` is another one, or none."""
        if self.path is not None and self._file is not None and not same_file(self._file, self.path):
            self.broken = True
            raise RunIsLost(f"{self.path}: another process took this run over, or its folder was taken away")

    def _account(self, lines: bytes) -> None:
        self._digest.update(lines)
        self._bytes += len(lines)

    @property
    def seal(self) -> dict[str, Any]:
        """Lines, bytes and SHA-256 of what it held when it was opened and was given since, whatever the file holds."""
        return {"lines": self.count, "bytes": self._bytes, "sha256": self._digest.hexdigest()}

    def close(self) -> None:
        """Release the log."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parse_events(whole: bytes, source: object) -> Iterator[dict[str, Any]]:
    """Events of the whole lines of a log; ValueError names the first damaged line."""
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"{source}: line {number} is damaged ({error}); delete the folder to run again") from None
        if not isinstance(event, dict):
            raise ValueError(f"{source}: line {number} is not an event; delete the folder to run again")
        yield event
