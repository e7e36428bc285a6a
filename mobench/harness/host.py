"""Whether this host can write, open files and talk to its terminal, found out by trying."""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path

from mobench.files.writing import FOLDER, new_scratch

__all__ = ["host_fault"]

ROOM = bytes(65536)
"""What has to find room."""


def host_fault(folder: Path) -> str:
    """What this host cannot do any more, in a few words; empty where it can write to `folder`, open and print."""
    try:
        held = os.open(folder, FOLDER)
        try:
            file, name = new_scratch(held)
            try:
                os.write(file, ROOM)
                os.fsync(file)
            finally:
                os.close(file)
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=held)
        finally:
            os.close(held)
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror})"
    for stream, name in ((1, "output"), (2, "errors")):
        poll = select.poll()
        with contextlib.suppress(OSError, ValueError):
            poll.register(stream, select.POLLOUT)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                return f"whoever read this program's {name} has gone"
    return ""
