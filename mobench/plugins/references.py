"""A plugin's name and its options as people write them: read and written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

__all__ = ["NO_OPTIONS", "describe", "parse_reference", "unversioned", "versioned"]

NO_OPTIONS: Mapping[str, Any] = {}


def describe(name: str, options: Mapping[str, Any]) -> str:
    """Write a name and its options the way `mobench.plugins.references.parse_reference` reads them."""

    def text(value: Any) -> str:
        if isinstance(value, list | tuple):
            return f"[{','.join(map(text, value))}]"
        if isinstance(value, str) and any(letter in value for letter in ",[]\"'"):
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)

    if not options:
        return name
    return f"{name}:{','.join(f'{option}={text(value)}' for option, value in sorted(options.items()))}"


def versioned(name: str, code: str) -> str:
    """A plugin's name with the first digits of its checksum, ``meth@7d09``; the name alone for built-in ones.

    Parameters
    ----------
    name, code : str
        As `mobench.plugins.sources.Sources.code` says it.
    """
    return f"{name}@{code.rpartition(':')[2][:4]}" if code else name


def unversioned(label: str) -> str:
    """A label without its version: that of ``meth@7d09:rate=1`` is ``meth:rate=1``."""
    name, colon, options = label.partition(":")
    return f"{name.partition('@')[0]}{colon}{options}"


def parse_reference(text: str, more: Mapping[str, Any] = NO_OPTIONS) -> tuple[str, dict[str, Any]]:
    """Read ``name`` or ``name:option=value,option=value``; values are TOML, bare words are strings.

    Parameters
    ----------
    text : str
        The reference.
    more : mapping
        Further options.

    Raises
    ------
    ValueError
        Something between the commas is not ``option=value``, a value is too deep, or an option is given twice.

    Examples
    --------
    >>> parse_reference("nsga2:population=50")
    ('nsga2', {'population': 50})
    >>> parse_reference("nasbench_graph:dataset=cora,objectives=[error,params]")
    ('nasbench_graph', {'dataset': 'cora', 'objectives': ['error', 'params']})
    >>> parse_reference('table:path="a,b.toml"')
    ('table', {'path': 'a,b.toml'})
    """
    name, _, rest = text.strip().partition(":")
    options: dict[str, Any] = {}
    for part in _split(rest):
        option, equals, value = part.partition("=")
        if not equals or not option.strip():
            raise ValueError(
                f"{text!r}: expected name:option=value,option=value, found {part.strip()!r}; lists have brackets, [a,b]"
            )
        try:
            options[option.strip()] = _value(value.strip())
        except RecursionError:
            raise ValueError(f"{name.strip()!r}: the value of option {option.strip()!r} is too deep") from None
    if twice := options.keys() & more.keys():
        raise ValueError(f"{text!r}: option {min(twice)!r} is given twice, once in the name; give it once")
    return name.strip(), options | dict(more)


def _split(text: str) -> list[str]:
    """Cut at the commas outside brackets and quotes."""
    parts, depth, start, quote = [], 0, 0, ""
    for i, letter in enumerate(text):
        if quote == '"' and text[i - 1] == "\\" and text[i - 2] != "\\":
            continue  # a letter that the one before it makes no end
        if letter in "\"'" and (quote or text[:i].rstrip()[-1:] in ("", "=", "[", ",")):
            quote = "" if letter == quote else quote or letter
        depth += 0 if quote else (letter == "[") - (letter == "]")
        if letter == "," and depth == 0 and not quote:
            parts.append(text[start:i])
            start = i + 1
    return [part for part in (*parts, text[start:]) if part.strip()]


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        if text.startswith("[") and text.endswith("]"):
            return [_value(part.strip()) for part in _split(text[1:-1])]
        return text
