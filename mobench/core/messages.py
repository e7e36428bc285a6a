"""What messages share."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterable

__all__ = ["check_known", "duration", "flat", "nearest", "one_line", "plain", "trace"]

LONGEST, LONGEST_LINE = 20_000, 1_000
"""Letters of a text of others that are kept, and of a line."""

_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Letters that steer a terminal or turn a line round, and halves of letters, which no file holds."""


def plain(text: str, *, most: int = LONGEST) -> str:
    r"""A text of others (an error, a label) as it may be kept and shown: it steers no terminal, and is no book.

    Parameters
    ----------
    text : str
        Lines and tabs in it stay.
    most : int
        Letters that are kept, half of them from its end, which is where a traceback says what happened.

    Examples
    --------
    >>> plain("\x1b[2Jgone")
    '\\x1b[2Jgone'
    >>> plain("0123456789", most=4)
    '01 ... (6 letters left out) ... 89'
    """
    if len(text) > most:
        half = most // 2
        text = f"{text[:half]} ... ({len(text) - 2 * half:,} letters left out) ... {text[-half:]}"
    return _HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def flat(text: str) -> str:
    """A text of others in one line of bounded length, `plain`."""
    return " ".join(plain(text, most=LONGEST_LINE).split())


def one_line(error: BaseException) -> str:
    """``KIND: TEXT`` of any error in one line, `plain`."""
    try:
        text = str(error)
    except BaseException as other:  # noqa: BLE001 - a searcher's error may do anything
        text = f"(its text cannot be had: {type(other).__name__})"
    return flat(f"{type(error).__name__}: {text}")


def trace(error: BaseException) -> str:
    """The traceback of any error, `plain`."""
    try:
        text = "".join(traceback.format_exception(error))
    except BaseException as other:  # noqa: BLE001 - as above
        text = f"(its traceback cannot be had: {type(other).__name__})"
    return plain(text)


def duration(seconds: float) -> str:
    """A time as people say it.

    Examples
    --------
    >>> [duration(s) for s in (0.2, 42, 200, 5000, 200_000)]
    ['1 s', '42 s', '3 min', '1 h 23 min', '2 d 8 h']
    """
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h"


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
