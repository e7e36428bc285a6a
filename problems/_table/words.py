"""How faults of a table are worded: in one line, with what was found and what cures it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
"""A number as JSON writes it."""

_GROUPED = re.compile(r"([+-]?[0-9]{1,3})([,'_ \u2019\u00a0\u202f])[0-9]{3}(\2[0-9]{3})*(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9.]*,[0-9]+")
_OTHER_MINUS = re.compile(rf"[\u2212\u2013](?:{NUMBER.pattern.removeprefix('-?')})")
_WITH_SPREAD = re.compile(rf"({NUMBER.pattern})\s*(±|\+/-|\+-|\().*")
_WITH_UNIT = re.compile(rf"({NUMBER.pattern})\s*([^\W\d_]+(/\w+)?|%)")
_OTHERWISE_WRITTEN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def line(message: object) -> str:
    """A message of others in one line."""
    return " ".join(str(message).split())


def short(value: object) -> str:
    """A value as Python writes it, its end left out where it is long."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def found(cell: object) -> str:
    """What is in a cell."""
    return "nothing" if cell is None or cell == "" else short(cell)


def cure(cell: object) -> str:
    """What makes a number of a cell that is none.

    Examples
    --------
    >>> cure("1,014.45")
    "write 1014.45, without the thousands separator ','"
    >>> cure("93.5 %")
    'write 93.5, and the unit in the header'
    >>> cure("six")
    'correct the cell or remove the row'
    """
    text = cell if isinstance(cell, str) else ""
    for pattern, words in _CURES:
        if match := pattern.fullmatch(text):
            return words(match)
    return "correct the cell or remove the row"


def _without_groups(match: re.Match[str]) -> str:
    plain = match[0].replace(match[2], "")
    if match[2] == "," and match[0].count(",") == 1 and not match[4]:
        point = match[0].replace(",", ".")
        return f"write {plain} where the comma is a thousands separator, {point} where a decimal one"
    return f"write {plain}, without the thousands separator {match[2]!r}"


def _with_a_point(match: re.Match[str]) -> str:
    return f"write {match[0].replace('.', '').replace(',', '.')}, with a decimal point"


def _as_json(match: re.Match[str]) -> str:
    value = float(match[0])
    return f"write {value!r}, as JSON does" if math.isfinite(value) else "it is beyond all floats"


_CURES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_GROUPED, _without_groups),
    (_DECIMAL_COMMA, _with_a_point),
    (_OTHER_MINUS, lambda match: f"write -{match[0][1:]}, with a hyphen for the minus sign"),
    (_WITH_SPREAD, lambda match: f"write {match[1]}, and leave its spread out or give it a column of its own"),
    (_WITH_UNIT, lambda match: f"write {match[1]}, and the unit in the header"),
    (_OTHERWISE_WRITTEN, _as_json),
)
"""How numbers are written elsewhere, and what to write here."""
