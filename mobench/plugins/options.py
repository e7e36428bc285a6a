"""Options of a plugin: checked against their annotations, and told in prose."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mobench.core.budget import Cost
from mobench.core.messages import flat, nearest
from mobench.core.offered import Taken
from mobench.core.problem import Problem
from mobench.plugins.plugin import Plugin, missing
from mobench.plugins.words import type_in_words, value_in_words

__all__ = ["check_options", "normalised", "option_lines", "unfit", "unknown"]


LIMIT = re.compile(r"\s*([^<>=]*[^<>=\s])\s*([<>]=)\s*([-+.\d][-+.\deE]*)\s*")


def normalised(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same options, limits of objectives spelled one way, ``latency<=5``: equal problems have equal labels."""
    chosen = options.get("objectives")
    if not isinstance(chosen, list | tuple):
        return dict(options)
    return dict(options) | {"objectives": [_spelled(text) if isinstance(text, str) else text for text in chosen]}


def _spelled(text: str) -> str:
    found = LIMIT.fullmatch(text)
    try:
        return f"{found[1]}{found[2]}{repr(float(found[3])).removesuffix('.0')}" if found else text
    except ValueError:  # no number: whoever reads it says so
        return text


def check_options(plugin: Plugin, options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate `options` against the names and annotations of the plugin's keywords or record.

    Returns
    -------
    dict
        The options, converted (lists to tuples, texts to paths where the annotation says so); defaults are not
        filled in.

    Raises
    ------
    ValueError
        A misspelt option (the nearest is offered) or an impossible value, such as a number that is not finite; one line
        that names every fault.
    """
    allowed = plugin.options
    for option in options:
        if option not in allowed:
            raise ValueError(f"{plugin.kind} {plugin.name!r}: unknown option {option!r}{nearest(option, allowed)}")
    if lacking := [option.name for option in allowed.values() if option.required and option.name not in options]:
        raise ValueError(f"{plugin.kind} {plugin.name!r}: needs the option {lacking[0]!r}")
    import pydantic  # 0.1 s: only where options are checked

    checked, faults = {}, []
    for option, value in options.items():
        if allowed[option].names_file and isinstance(value, str):
            if not value.strip() or "\0" in value:  # `Path("")` would be the folder in which a run happens to be
                faults.append(f"option {option!r}: expected the path of a file, found {value!r}")
                continue
            value = Path(value)
        value = tuple(value) if isinstance(value, list) else value
        try:
            checked[option] = allowed[option].adapter.validate_python(value)
        except pydantic.ValidationError as error:
            reason = "; ".join(e["msg"][0].lower() + e["msg"][1:] for e in error.errors())
            if error.errors()[0]["type"] == "tuple_type" and isinstance(value, str):
                reason = f"expected a list, {option}=[{value}]"
            faults.append(f"option {option!r}: {reason}, found {value!r}")
    if faults:
        raise ValueError(f"{plugin.kind} {plugin.name!r}: {'; '.join(faults)}")
    return checked


def unfit(plugin: Plugin, options: Mapping[str, Any], problem: Problem, limit: Cost) -> str:
    """Why a searcher with these options cannot be run on a problem within a limit, in words; empty where it can.

    The problem, or the budget, lacks what it needs, or the problem does not know what an option names
    (`mobench.Offered`) or cannot take it (`mobench.Taken`).
    """
    lacking = missing(plugin, problem, limit)
    return f"needs {', '.join(lacking)}" if lacking else unknown(plugin, options, problem)


def unknown(plugin: Plugin, options: Mapping[str, Any], problem: Problem) -> str:
    """Which option names what the problem does not know, or cannot take, in words; empty where there is none."""
    for name, value in options.items():
        option = plugin.options[name]
        if value is None:
            continue
        known = option.offered.by(problem) if option.offered else None
        for one in value if isinstance(value, list | tuple) else [value]:
            if known is not None and one not in known:
                return f"names {one!r} (option {name}), which is not on offer{_offer(one, known)}"
            if option.taken and (why := _refusal(option.taken, one, problem)):
                return f"cannot take its option {name}: {why}"
    return ""


def _refusal(taken: Taken, value: Any, problem: Problem) -> str:
    """Why a problem cannot take a value, in one line; empty where it can."""
    try:
        taken.by(value, problem)
    except OSError as error:
        return f"{error.filename or value}: {error.strerror or flat(str(error))}"
    except ValueError as error:
        return flat(str(error))
    return ""


def _offer(value: Any, known: Collection[Any]) -> str:
    """What there is in the place of a value."""
    if not known:
        return "; nothing is, leave the option out"
    return nearest(str(value), map(str, known))


def option_lines(plugin: Plugin) -> list[str]:
    """One line an option: name, type, default and meaning, in words."""
    lines = []
    for option in plugin.options.values():
        default = "must be given" if option.required else f"default {value_in_words(option.default)}"
        lines.append(f"{option.name}: {type_in_words(option.hint)}; {default}. {option.meaning}".rstrip())
    return lines
