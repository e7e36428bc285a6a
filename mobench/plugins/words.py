"""Types, bounds and values of options in words: ``number in [0, 1]``, ``whole number from 1``, ``one of a, b``."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from mobench.plugins.references import parse_reference

__all__ = ["type_in_words", "value_in_words"]

_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of")
_NAMES = {bool: "true or false", str: "text", float: "number", int: "whole number", Path: "path", Any: "any value"}


def type_in_words(hint: Any) -> str:
    """A type and its bounds; that None is allowed is left to the default to say.

    Examples
    --------
    >>> from annotated_types import Ge, Interval
    >>> type_in_words(Annotated[float, Interval(ge=0, lt=1)] | None)
    'number in [0, 1)'
    >>> type_in_words(tuple[Annotated[int, Ge(1)], ...])
    'list of whole numbers from 1'
    >>> type_in_words(Literal["a", "b"])
    'one of a, b'
    """
    members = [member for member in _members(hint) if member is not type(None)]
    chosen = [value for member in members if get_origin(member) is Literal for value in get_args(member)]
    others = [_one(member) for member in members if get_origin(member) is not Literal]
    choices = [("one of " if len(chosen) > 1 else "") + ", ".join(map(value_in_words, chosen))] if chosen else []
    return " or ".join(choices + others)


def value_in_words(value: Any) -> str:
    """A value as it is written behind ``option=``; text in quotes only where it would be read as something else."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_in_words, value))}]"
    if isinstance(value, str):
        return value if _is_bare(value) else f'"{value}"'
    return str(value).removesuffix(".0")


def _is_bare(text: str) -> bool:
    try:
        return bool(text) and parse_reference(f"name:option={text}") == ("name", {"option": text})
    except ValueError:
        return False


def _members(hint: Any) -> Iterator[Any]:
    """The types that a union joins."""
    if get_origin(hint) in (Union, types.UnionType):
        for member in get_args(hint):
            yield from _members(member)
    elif get_origin(hint) is Annotated and get_origin(get_args(hint)[0]) is Literal:
        yield get_args(hint)[0]
    else:
        yield hint


def _one(hint: Any) -> str:
    """A type that is no union."""
    bounds: dict[str, Any] = {}
    if get_origin(hint) is Annotated:
        hint, *metadata = get_args(hint)
        bounds = _bounds(metadata)
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if origin in (int, float):
        factor = f", a multiple of {bounds['multiple_of']:g}" if "multiple_of" in bounds else ""
        return f"{_NAMES[origin]} {_range(bounds, whole=origin is int)}".rstrip() + factor
    if origin in _NAMES:
        return _NAMES[origin]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "table"
    if isinstance(origin, type) and issubclass(origin, Sequence | Set):
        return _list(origin, inner, bounds)
    return str(getattr(hint, "__name__", hint)).replace("typing.", "")


def _list(origin: type, inner: tuple[Any, ...], bounds: Mapping[str, Any]) -> str:
    """A list: of how many of what."""
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        return f"list of {', '.join(map(type_in_words, inner))}"
    least, most = bounds.get("min_length") or 0, bounds.get("max_length")
    many = f"{least} or more" if least else ""
    if most is not None:
        many = f"{least} to {most}" if most > least else f"{most}"
    item = type_in_words(inner[0]) if inner else "values"
    if item.startswith("one of "):
        return f"list of {many or 'any'} of {item.removeprefix('one of ')}"
    for single in ("whole number", "number", "text"):
        if item.startswith(single):
            item = item.replace(single, f"{single}s", 1)
            break
    return " ".join(filter(None, ("list of", many, item)))


def _bounds(metadata: Iterable[Any]) -> dict[str, Any]:
    """The bounds that annotated_types or pydantic's Field set."""
    found: dict[str, Any] = {}
    for item in metadata:
        found |= _bounds(getattr(item, "metadata", ()))
        found |= {name: getattr(item, name) for name in _BOUNDS if getattr(item, name, None) is not None}
    return found


def _range(bounds: Mapping[str, Any], *, whole: bool) -> str:
    """Bounds of a number: in an interval where there are two, in words where there is one."""
    low, high = (next((n for n in names if n in bounds), "") for names in (("ge", "gt"), ("le", "lt")))
    if whole:
        first = bounds[low] + (low == "gt") if low else None
        last = bounds[high] - (high == "lt") if high else None
        return " ".join(f"{word} {n}" for word, n in (("from", first), ("to", last)) if n is not None)
    if low and high:
        return f"in {'[' if low == 'ge' else '('}{bounds[low]:g}, {bounds[high]:g}{']' if high == 'le' else ')'}"
    words = {"ge": "from", "gt": "above", "le": "up to", "lt": "below"}
    return "".join(f"{words[name]} {bounds[name]:g}" for name in (low, high) if name)
