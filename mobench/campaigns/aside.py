"""Folders of runs set aside under another name: nothing is deleted, and nothing of them counts any more."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mobench.harness.held import is_held

__all__ = ["is_aside", "set_aside"]

Why = Literal["failed", "rerun"]


def set_aside(folders: Iterable[Path], why: Why) -> int:
    """Rename the folders of runs, as far as there are any, to ``NAME.<why>-<number>``; return how many there were.

    Raises
    ------
    ValueError
        A process is at one of them; none is renamed.
    """
    there = [folder for folder in folders if folder.exists()]
    for folder in there:
        if is_held(folder / "log.jsonl"):
            raise ValueError(f"{folder}: a command is at this run; interrupt it, or wait until it has ended")
    for folder in there:
        number = next(n for n in range(1, 100_000) if not folder.with_name(f"{folder.name}.{why}-{n}").exists())
        folder.rename(folder.with_name(f"{folder.name}.{why}-{number}"))
    return len(there)


def is_aside(folder: Path) -> bool:
    """Whether a run's folder was set aside."""
    return any(f".{why}-" in folder.name for why in ("failed", "rerun"))
