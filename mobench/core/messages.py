"""What messages share."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable

__all__ = ["check_known", "nearest", "one_line", "trace"]

LONGEST_LINE, LONGEST_TRACE = 1_000, 20_000
"""Letters that are kept of what an error says, and of its traceback."""


def one_line(error: BaseException) -> str:
    """``KIND: TEXT`` of any error, in one line of bounded length that is safe for terminals and files."""
    try:
        text = str(error)
    except BaseException as other:  # noqa: BLE001 - a searcher's error may do anything
        text = f"(its text cannot be had: {type(other).__name__})"
    return " ".join(_safe(f"{type(error).__name__}: {text}", LONGEST_LINE).split())


def trace(error: BaseException) -> str:
    """The traceback of any error, of bounded length and safe for terminals and files."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException as other:  # noqa: BLE001 - as above
        text = f"(its traceback cannot be had: {type(other).__name__})"
    return _safe(text, LONGEST_TRACE)


def _safe(text: str, most: int) -> str:
    """Without the middle of what is too long, control characters and halves of surrogate pairs."""
    if len(text) > most:
        text = f"{text[: most // 2]} [...] {text[-most // 2 :]}"
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


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
