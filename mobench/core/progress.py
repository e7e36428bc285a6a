"""How far long work has come: a bar on a terminal or in a notebook, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

__all__ = ["Progress"]


class Progress:
    """Progress of `total` units of work, of which `done` are done already; silent where `show` is False."""

    def __init__(self, total: int, *, done: int = 0, unit: str = "run", show: bool = True, every: float = 10.0) -> None:
        self.total, self.done, self.unit, self._every = total, done, unit, every
        drawn = show and self.is_watched()
        self._bar = _new_bar(total, done, unit) if drawn else None
        self._plain = show and not drawn
        self._said = self._started = time.monotonic()

    @staticmethod
    def is_watched() -> bool:
        """Whether somebody looks on: standard error is a terminal, or a notebook shows what is drawn."""
        return "ipykernel" in sys.modules or sys.stderr.isatty()

    @property
    def shown(self) -> bool:
        """Whether anything is shown."""
        return self._bar is not None or self._plain

    def advance(self, note: str = "") -> None:
        """Count one unit; `note` says what else is worth knowing (failures, say)."""
        self.done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update()
        else:
            seconds = time.monotonic() - self._started
            line = f"{self.done}/{self.total} {self.unit}s, {seconds:.0f} s{', ' if note else ''}{note}"
            self.reach(self.done, line)

    def reach(self, done: float, text: str) -> None:
        """Say in words of one's own how far the work has come, parts of units included."""
        if self._bar is not None:
            self._bar.bar_format = "{percentage:3.0f}%|{bar}| {desc}"
            self._bar.n = done
            self._bar.set_description_str(text)
        elif self._plain and (time.monotonic() - self._said > self._every or self.done == self.total):
            self._said = time.monotonic()
            sys.stderr.write(f"{text}\n")

    def say(self, line: str) -> None:
        """Write a line above the bar, or between the plain ones."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        elif self._plain:
            sys.stderr.write(f"{line}\n")

    @staticmethod
    def warn(line: str) -> None:
        """Write a line that has to be read, whether progress is shown or not."""
        tqdm.write(f"mobench: {line}", file=sys.stderr)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _new_bar(total: int, done: int, unit: str) -> Any:
    kind: Any = tqdm
    if "ipykernel" in sys.modules:
        from tqdm.auto import tqdm as kind  # a widget, where the notebook can show one
    return kind(total=total, initial=done, unit=unit, dynamic_ncols=True)
