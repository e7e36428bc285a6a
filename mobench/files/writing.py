"""How every file is written: whole or never, below its folder, through no link, as the umask says."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["FOLDER", "check_below", "is_ours", "new_scratch", "written_whole"]

_SCRATCH = re.compile(r"\.mobench-[0-9a-f]{12}\.tmp")
_NEW = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""How a folder is opened in which files are made."""


@contextlib.contextmanager
def written_whole(path: Path, *, below: Path | None = None, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` whole when the block ends well, and not at all otherwise.

    A folder of results may come from anyone, with links in it to places outside. Folders between `below` and the file
    are opened one by one, never through a link, and made where they are not there; a link where the file goes is
    replaced, and what it led to stays as it is.

    Parameters
    ----------
    path : Path
        The file.
    below : Path, optional
        The folder that the user named, which may be, or lie behind, a link, and is made; the file's own, which has to
        be there, when left out.
    durable : bool
        Whether the file has to reach the disk before it appears. What can be made again need not.

    Raises
    ------
    OSError
        The folder is full or read-only, a link is in the way, or something that is no file; `path` is as it was.
    ValueError
        `path` does not lie below `below`.
    """
    with _opened(path.parent, path.parent if below is None else below, make=below is not None) as folder:
        _check_target(path, folder)
        _sweep(folder)
        held, scratch = new_scratch(folder)
        try:
            with os.fdopen(held, "wb") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(scratch, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch, dir_fd=folder)
            raise


def new_scratch(folder: int, *, flags: int = os.O_RDWR) -> tuple[int, str]:
    """A new file in an open folder, and its name, which no other process uses; it is locked while we live.

    The name is short, whatever the file's will be: long names leave no room.
    """
    while True:
        scratch = f".mobench-{os.urandom(6).hex()}.tmp"
        held = os.open(scratch, flags | _NEW, 0o666, dir_fd=folder)
        with contextlib.suppress(OSError):  # there are file systems without locks
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(held).st_nlink:
            return held, scratch
        os.close(held)  # somebody swept it up before it was locked


def check_below(path: Path, below: Path) -> None:
    """Whether `path` lies below a folder, and no folder on the way to it, as far as they are there, is a link.

    Raises
    ------
    OSError
        A link, or something that is no folder, is in the way.
    ValueError
        It does not lie below.
    """
    with contextlib.suppress(FileNotFoundError), _opened(path, below, make=False):
        pass


def is_ours(path: Path, below: Path, sha256: str) -> bool:
    """Whether a file below a folder, and not behind a link, holds just these bytes."""
    try:
        check_below(path.parent, below)
        return not path.is_symlink() and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _opened(folder: Path, below: Path, *, make: bool) -> Iterator[int]:
    """The folder, opened step by step from `below`: links above it are the user's own."""
    steps = folder.relative_to(below).parts if folder.is_relative_to(below) else ("..",)
    if ".." in steps:
        raise ValueError(f"{folder}: does not lie below {below}")
    if make:
        below.mkdir(parents=True, exist_ok=True)
    held = os.open(below, FOLDER)
    try:
        for n, step in enumerate(steps, start=1):
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(step, dir_fd=held)
            inner = _entered(step, held, below.joinpath(*steps[:n]))
            os.close(held)
            held = inner
        yield held
    finally:
        os.close(held)


def _entered(step: str, held: int, where: Path) -> int:
    try:
        return os.open(step, FOLDER | os.O_NOFOLLOW, dir_fd=held)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):  # systems disagree on which a link is
            raise
        kind = "a symbolic link" if stat.S_ISLNK(os.lstat(step, dir_fd=held).st_mode) else "no folder"
        raise OSError(
            f"{where}: is {kind}; nothing is written through it, remove it or choose another folder"
        ) from None


def _check_target(path: Path, folder: int) -> None:
    """OSError where something is in the file's place that it should not replace: a device, a folder, a pipe."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(path.name, dir_fd=folder).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise OSError(f"{path}: is there already, and no file; remove it or choose another name")


def _sweep(folder: int) -> None:
    """Remove scratch files that kills have left: whoever is at one still holds its lock."""
    for name in os.listdir(folder):
        if _SCRATCH.fullmatch(name):
            with contextlib.suppress(OSError):
                held = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=folder)
                finally:
                    os.close(held)
