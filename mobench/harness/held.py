"""The file of a log as its writer holds it: through no link, by one process, in the place of an earlier attempt's."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from pathlib import Path

from mobench.files.writing import FOLDER, new_scratch

__all__ = ["RunIsBusy", "fenced", "is_held", "locked", "same_file", "whole_lines", "write_all"]

_OPEN = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # opening a pipe must not wait
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_CREAT | os.O_EXCL


class RunIsBusy(OSError):
    """Another process is writing this run."""


def locked(path: Path) -> tuple[int, bool]:
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
            if same_file(file, path):
                return file, new
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # it was replaced between the two calls: the next attempt has begun


def _existing(path: Path, flags: int = _OPEN) -> int:
    """Open what is at `path`; ValueError where that is not a file of its own, which a log has to be."""
    kind = "a pipe, a device or a socket"
    try:
        file = os.open(path, flags)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        kind = "a symbolic link" if error.errno == errno.ELOOP else kind
    else:
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
    raise ValueError(f"{path}: is {kind}, and nothing is written through it; delete the run's folder to run it again")


def _lock(file: int, path: Path, kind: int = fcntl.LOCK_EX) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunIsBusy(f"{path}: another process is writing this run") from None
    except OSError as error:
        raise OSError(f"{path}: cannot be locked ({error.strerror}); use a file system that offers locks") from None


def is_held(path: Path) -> bool:
    """Whether a writer has the log at `path` open: any number may look at once, and need not be able to write it.

    A writer who comes just then takes the look for another writer, and comes back later.
    """
    try:
        file = _existing(path, _LOOK)
        try:
            _lock(file, path, fcntl.LOCK_SH)
        finally:
            os.close(file)
    except RunIsBusy:
        return True
    except (OSError, ValueError):  # it is not there, or cannot be read: whoever opens it will say so
        return False
    return False


def whole_lines(file: int) -> bytes:
    """The whole lines of an open file."""
    data = bytearray()
    while part := os.pread(file, 2**24, len(data)):
        data += part
    return bytes(data[: data.rfind(b"\n") + 1])


def fenced(path: Path, held: int, whole: bytes) -> tuple[int, bytes]:
    """Put a new file with the lines of the held one at `path`; return it, locked, and the lines that were new by then.

    An earlier attempt that has lost its lock may write between our reading and our replacing: its lines count as long
    as its file is at `path`, so they are brought along before anyone else can open the new one.
    """
    folder = os.open(path.parent, FOLDER)
    try:
        file, scratch = new_scratch(folder, flags=_OPEN)
        try:
            _lock(file, path)
            write_all(file, whole)
            os.fsync(file)
            os.replace(scratch, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.close(file)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch, dir_fd=folder)
            raise
    finally:
        os.close(folder)
    if more := whole_lines(held)[len(whole) :]:
        write_all(file, more)
        os.fsync(file)
    return file, more


def same_file(file: int, path: Path) -> bool:
    """Whether the file at `path` is this open one."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except FileNotFoundError:
        return False


def write_all(file: int, data: bytes) -> None:
    """Write all of it, however few bytes the system takes at a time."""
    written = os.write(file, data)
    while written < len(data):
        written += os.write(file, data[written:])
