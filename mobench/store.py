"""What a run leaves on disk: an append-only log that survives any kill, and documents that appear whole or never."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

__all__ = [
    "FORMAT",
    "Log",
    "RunIsBusy",
    "StorageError",
    "parse_events",
    "read_document",
    "write_document",
    "written_whole",
]

FORMAT = 1
"""Version of the layout of a run's folder; a folder of another version is refused."""

SYNC_SECONDS = 5.0
_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


class RunIsBusy(OSError):
    """Another process is writing this run."""


class StorageError(BaseException):
    """The log cannot be written any more (full disk, read-only folder).

    It derives from ``BaseException`` because it is no fault of the searcher, whose ``except Exception`` must not
    swallow it: the run is left as it is, to be resumed when there is room.
    """


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` whole when the block ends well, and not at all otherwise."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with scratch.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document so that `path` holds all of it or does not exist.

    Raises
    ------
    OSError
        The folder is full or read-only; nothing that was there before is lost.
    """
    with written_whole(path) as file:
        file.write(orjson.dumps(document, option=_JSON | orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON document written by `write_document`.

    Raises
    ------
    ValueError
        The file is not such a document, or was written in another version of the format.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}: not a mobench document ({error}); delete its folder to run it again") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise ValueError(
            f"{path}: written in format {found}, this mobench reads format {FORMAT}; "
            "use the mobench version that made it, or another results folder"
        )
    return document


class Log:
    """The log of one run: one JSON line an event, written by one process at a time.

    Opening an existing log cuts a torn last line off (a kill can leave one) and holds the whole lines in `past`, for
    replay. Lines reach the operating system one by one, the disk every few seconds and at the end.

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

    Raises
    ------
    RunIsBusy
        Another process holds the log.
    ValueError
        A whole line is not JSON: the file was damaged by something other than a kill.
    OSError
        The folder is full or read-only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.past: list[dict[str, Any]] = []
        self.lines: list[bytes] = []
        self.count = 0
        self._file: int | None = None
        self._synced = time.monotonic()
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            self.past = list(parse_events(whole, path))
            self.count = len(self.past)
            if len(whole) < len(data):
                os.ftruncate(self._file, len(whole))
        except BaseException as error:
            os.close(self._file)
            self._file = None
            if isinstance(error, BlockingIOError):
                raise RunIsBusy(f"{path}: another process is writing this run") from None
            raise

    def append(self, event: dict[str, Any]) -> None:
        """Add one event.

        Raises
        ------
        StorageError
            The disk is full or the folder read-only; what was written before stays readable.
        TypeError
            The event holds something that JSON cannot.
        """
        line = orjson.dumps(event, option=_JSON)
        self.count += 1
        if self._file is None:
            self.lines.append(line)
            return
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}; make room and run the same command again") from error

    def close(self) -> None:
        """Sync and release the log."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
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
