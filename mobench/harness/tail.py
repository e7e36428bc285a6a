"""How far a run has come, by its log: what is new since the last look is read, and nothing twice."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mobench.core.budget import Cost
from mobench.harness.history import spent_in
from mobench.harness.log import parse_events

__all__ = ["Tail"]

MOST = 2**23
"""Bytes that one look reads."""


class Tail:
    """The ledger of a run that goes on, read by somebody who only looks.

    A run that is taken up again has a copy in its log's place (`mobench.harness.log.Log`), which is read anew.

    Parameters
    ----------
    path : Path
        The log; it may come later.

    Attributes
    ----------
    spent : Cost
        The ledger as far as the log was read.
    damaged : bool
        Whether it held a line that is none of a log: nothing behind it is read.
    """

    __slots__ = ("_file", "_offset", "damaged", "path", "spent")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin(-1)

    def _begin(self, file: int) -> None:
        self._file, self._offset, self.spent, self.damaged = file, 0, Cost(), False

    def read(self) -> bool:
        """Read on, a few megabytes at most; return whether there was something new."""
        try:
            whole = self._whole_lines()
        except OSError:  # it is not there yet, or not ours to read
            return False
        if not whole or self.damaged:
            return False
        self._offset += len(whole)
        try:
            self.spent = spent_in(parse_events(whole, self.path), before=self.spent)
        except (KeyError, TypeError, ValueError, OverflowError):  # whoever reads the run says so
            self.damaged = True
        return True

    def _whole_lines(self) -> bytes:
        """The whole lines behind those that were read."""
        held = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # opening a pipe would wait
        try:
            found = os.fstat(held)
            if not stat.S_ISREG(found.st_mode):
                return b""
            if found.st_ino != self._file or found.st_size < self._offset:
                self._begin(found.st_ino)
            if found.st_size == self._offset:
                return b""
            data = os.pread(held, MOST, self._offset)
            while b"\n" not in data and (more := os.pread(held, MOST, self._offset + len(data))):
                data += more
        finally:
            os.close(held)
        return data[: data.rfind(b"\n") + 1]
