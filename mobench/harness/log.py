"""What a run leaves on disk: an append-only log that survives any kill, and documents that appear whole or never."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from mobench.files.writing import FOLDER, new_scratch

__all__ = ["Log", "RunIsBusy", "RunIsLost", "StorageError", "is_held", "parse_events"]


SYNC_SECONDS = 5.0
_OPEN = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe must not wait
_NEW = os.O_CREAT | os.O_EXCL
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


def _listed(value: object) -> object:
    """What orjson leaves to us: arrays that are not contiguous, such as a column."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"a log holds plain values and arrays, found {type(value).__name__}")


class RunIsBusy(OSError):
    """Another process is writing this run."""


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
        held, new = _locked(path)
        try:
            if new:
                self._file = os.dup(held)
                return
            whole = _lines(held)
            self.past = list(parse_events(whole, path))
            self._file, more = _fenced(path, held, whole)
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
            _write(self._file, line)
            self._account(line)
        except OSError as error:
            self.broken = True
            self._check()
            raise StorageError(f"{self.path}: {error.strerror}; make room and run the same command again") from error
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
            self.broken = True
            self._check()
            raise StorageError(f"{self.path}: {error.strerror}; make room and run the same command again") from error
        self._check()

    def _check(self) -> None:
        """RunIsLost where the file at `path` is another one, or none."""
        if self.path is not None and self._file is not None and not _is(self._file, self.path):
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


def _locked(path: Path) -> tuple[int, bool]:
    """Open the log at `path`, or a new one, with a lock that ends with this process; and whether it is new."""
    while True:
        try:
            file, new = os.open(path, _OPEN | _NEW, 0o666), True
        except FileExistsError:
            try:
                file, new = _existing(path), False
            except FileNotFoundError:
                continue  # it was taken away between the two calls
        try:
            _lock(file, path)
            if _is(file, path):
                return file, new
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it was replaced between the two calls: the next attempt has begun


def _existing(path: Path) -> int:
    """Open what is at `path`; ValueError where that is not a file of its own, which a log has to be."""
    kind = "a pipe, a device or a socket"
    try:
        file = os.open(path, _OPEN)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        kind = "a symbolic link" if error.errno == errno.ELOOP else kind
    else:
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
    raise ValueError(f"{path}: is {kind}, and nothing is written through it; delete the run's folder to run it again")


def _lock(file: int, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunIsBusy(f"{path}: another process is writing this run") from None
    except OSError as error:
        raise OSError(f"{path}: cannot be locked ({error.strerror}); use a file system that offers locks") from None


def is_held(path: Path) -> bool:
    """Whether another process has the log at `path` open; a look that a writer who comes just then takes for one."""
    try:
        file = _existing(path)
        try:
            _lock(file, path)
        finally:
            os.close(file)
    except RunIsBusy:
        return True
    except (OSError, ValueError):  # it is not there, or cannot be written: whoever opens it will say so
        return False
    return False


def _lines(file: int) -> bytes:
    """The whole lines of an open file."""
    data = bytearray()
    while part := os.pread(file, 2**24, len(data)):
        data += part
    return bytes(data[: data.rfind(b"\n") + 1])


def _fenced(path: Path, held: int, whole: bytes) -> tuple[int, bytes]:
    """Put a new file with the lines of the held one at `path`; return it, locked, and the lines that were new by then.

    An earlier attempt that has lost its lock may write between our reading and our replacing: its lines count as long
    as its file is at `path`, so they are brought along before anyone else can open the new one.
    """
    folder = os.open(path.parent, FOLDER)
    try:
        file, scratch = new_scratch(folder, flags=_OPEN)
        try:
            _lock(file, path)
            _write(file, whole)
            os.fsync(file)
            os.replace(scratch, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.close(file)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch, dir_fd=folder)
            raise
    finally:
        os.close(folder)
    if more := _lines(held)[len(whole) :]:
        _write(file, more)
        os.fsync(file)
    return file, more


def _is(file: int, path: Path) -> bool:
    """Whether the file at `path` is this open one."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except FileNotFoundError:
        return False


def _write(file: int, data: bytes) -> None:
    """Write all of it, however few bytes the system takes at a time."""
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, data[written:])


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
