"""How a file that may come from anyone is read: a file and nothing else, so that reading it comes to an end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["read_file"]


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises
    ------
    ValueError
        It is a pipe, a device or a socket: reading those may never end.
    OSError
        It is not there, a folder, or cannot be read.
    """
    if os.path.isdir(path):  # `fdopen` would call it by the number of its handle
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    held = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe would wait for who writes to it
    with os.fdopen(held, "rb") as file:
        if not stat.S_ISREG(os.fstat(held).st_mode):
            raise ValueError(f"{path}: not a file but a pipe or a device, which has no end; put the file there")
        return file.read()
