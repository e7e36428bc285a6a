"""Options of a plugin: read from its signature, checked against its annotations."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from mobench.core.messages import nearest
from mobench.plugins.plugin import Plugin
from mobench.plugins.sources import Kind

__all__ = ["check_options", "option_lines"]


def check_options(plugin: Plugin, options: Mapping[str, Any]) -> dict[str, Any]:
    """Validate `options` against the signature and annotations of the plugin's function.

    Returns
    -------
    dict
        The options, converted (lists to tuples where the annotation says so); defaults are not filled in.

    Raises
    ------
    ValueError
        A misspelt option (the nearest is offered) or an impossible value; one line that names every fault.
    """
    allowed = _options(plugin.call, plugin.kind)
    for option in options:
        if option not in allowed:
            raise ValueError(f"{plugin.kind} {plugin.name!r}: unknown option {option!r}{nearest(option, allowed)}")
    missing_ones = [n for n, (_, default) in allowed.items() if default is inspect.Parameter.empty and n not in options]
    if missing_ones:
        raise ValueError(f"{plugin.kind} {plugin.name!r}: needs the option {missing_ones[0]!r}")
    import pydantic  # 0.1 s: only where options are checked

    checked, faults = {}, []
    for option, value in options.items():
        adapter = pydantic.TypeAdapter(allowed[option][0], config={"strict": True, "arbitrary_types_allowed": True})
        try:
            checked[option] = adapter.validate_python(tuple(value) if isinstance(value, list) else value)
        except pydantic.ValidationError as error:
            reason = "; ".join(e["msg"][0].lower() + e["msg"][1:] for e in error.errors())
            faults.append(f"option {option!r}: {reason}, found {value!r}")
    if faults:
        raise ValueError(f"{plugin.kind} {plugin.name!r}: {'; '.join(faults)}")
    return checked


def _options(call: Callable[..., Any], kind: Kind) -> dict[str, tuple[Any, Any]]:
    """Keyword options of a function: name -> (annotation, default)."""
    try:
        hints = typing.get_type_hints(call, include_extras=True)
    except NameError:  # names imported for type checkers only
        hints = {}
    found = list(inspect.signature(call).parameters.values())[1 if kind == "searcher" else 0 :]
    return {p.name: (hints.get(p.name, Any), p.default) for p in found if p.kind is not p.VAR_KEYWORD}


def option_lines(plugin: Plugin) -> list[str]:
    """One line an option: name, type and default."""
    lines = []
    for name, (hint, default) in _options(plugin.call, plugin.kind).items():
        text = hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
        lines.append(f"{name}: {text}" + ("" if default is inspect.Parameter.empty else f" = {default!r}"))
    return lines
