"""How far long work has come: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

__all__ = ["Progress"]


class Progress:
    """Progress of `total` units of work, of which `done` are done already; silent where `show` is False."""

    def __init__(self, total: int, *, done: int = 0, unit: str = "run", show: bool = True, every: float = 10.0) -> None:
        self.total, self.done, self.unit, self._every = total, done, unit, every
        terminal = show and sys.stderr.isatty()
        self._bar = tqdm(total=total, initial=done, unit=unit, dynamic_ncols=True) if terminal else None
        self._plain = show and not terminal
        self._said = self._started = time.monotonic()

    def advance(self, note: str = "") -> None:
        """Count one unit; `note` says what else is worth knowing (failures, say)."""
        self.done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update()
        elif self._plain and (time.monotonic() - self._said > self._every or self.done == self.total):
            self._said = time.monotonic()
            seconds = self._said - self._started
            line = f"{self.done}/{self.total} {self.unit}s, {seconds:.0f} s{', ' if note else ''}{note}\n"
            sys.stderr.write(line)

    def say(self, line: str) -> None:
        """Write a line above the bar, or between the plain ones."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        elif self._plain:
            sys.stderr.write(f"{line}\n")

    def warn(self, line: str) -> None:
        """Write a line that has to be read, whether progress is shown or not."""
        tqdm.write(f"mobench: {line}", file=sys.stderr)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
