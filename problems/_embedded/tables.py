"""Loads the embedded tables, each once."""

from __future__ import annotations

import functools
from pathlib import Path

from mobench import Table, load_table

__all__ = ["embedded"]


@functools.cache
def embedded(name: str) -> Table:
    """The table of that name, read once.

    Raises
    ------
    FileNotFoundError
        mobench ships no such table.
    ValueError
        The file is damaged; the message says how to get it back.
    """
    return load_table(Path(__file__).with_name(f"{name}.npz"))
