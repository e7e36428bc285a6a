"""What messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: str, words: Iterable[str]) -> str:
    """A phrase that offers the nearest of `words`, or all of them where none is near and they are few."""
    words = list(words)
    match = difflib.get_close_matches(word, words, n=1)
    if match:
        return f", did you mean {match[0]!r}?"
    return f"; there are {', '.join(words)}" if 0 < len(words) <= 12 else ""
