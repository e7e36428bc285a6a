"""What runs that failed have said: the error, and the last lines of its traceback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mobench.core.messages import flat, plain
from mobench.files.documents import read_document
from mobench.harness.spec import END

__all__ = ["Failure", "different", "read_failure"]

LAST = 6
"""Lines of a traceback that are shown."""
LETTERS = 300
"""Of each line."""


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Attributes
    ----------
    folder : Path
        The run's.
    error : str
        In one line.
    lines : tuple of str
        Where it was raised: the last lines of the traceback, the error itself left out; empty where nothing was raised.
    """

    folder: Path
    error: str
    lines: tuple[str, ...] = ()


def read_failure(folder: Path) -> Failure:
    """What the end of a failed run says; that it cannot be read, where it cannot."""
    try:
        end = read_document(folder / "end.json", END)
    except (ValueError, OSError) as error:
        return Failure(folder, flat(str(error)))
    text = flat(str(end.get("error", "")))
    lines = [line for line in plain(str(end.get("traceback", ""))).splitlines() if line.strip(" ~^")]
    last = max((k for k, line in enumerate(lines) if line.startswith("  File ")), default=-1)
    raised = [line for line in lines[: last + 2] if line.startswith("  ")] if last >= 0 else []
    return Failure(folder, text, tuple(line[:LETTERS] for line in raised[-LAST:]))


def different(failures: Iterable[Failure], most: int = 3) -> list[tuple[Failure, int]]:
    """The first run of each cause, as many causes as asked for, with how many runs have it."""
    found: dict[str, list[Failure]] = {}
    for failure in failures:
        found.setdefault(failure.error, []).append(failure)
    return [(same[0], len(same)) for same in list(found.values())[:most]]
