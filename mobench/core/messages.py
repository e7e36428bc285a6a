"""What messages share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["check_known", "nearest"]


def nearest(word: str, words: Iterable[str]) -> str:
    """A phrase that offers the nearest of `words`, or all of them where none is near and they are few."""
    words = list(words)
    match = difflib.get_close_matches(word, words, n=1)
    if match:
        return f", did you mean {match[0]!r}?"
    return f"; there are {', '.join(words)}" if 0 < len(words) <= 12 else ""


def check_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Whether all `names` of `what` (``problem``, ``kind``, ...) are `known`; ValueError that offers the nearest."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(f"{what}: unknown {name!r}{nearest(name, known)}")
