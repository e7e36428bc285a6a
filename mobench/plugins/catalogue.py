"""Names to searchers and problems, whatever their source, with checked options."""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import sys
import tomllib
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.core.problem import Problem
from mobench.files.tables import data_folder
from mobench.plugins import sources
from mobench.plugins.sources import Kind

__all__ = [
    "Plugin",
    "as_plugin",
    "check_options",
    "find",
    "make_problem",
    "missing",
    "nearest",
    "option_lines",
    "parse_reference",
    "plugins",
    "summary",
    "with_data",
]


@dataclass(frozen=True)
class Plugin:
    """A searcher or a problem by name.

    Attributes
    ----------
    name, kind : str
        The name people write, and ``"searcher"`` or ``"problem"``.
    call : callable
        ``search(run, *, options)`` or ``problem(*, options) -> Problem``.
    needs : tuple of type
        Capabilities (protocols of `mobench.core.problem`) that a searcher needs of its problem.
    summary : str
        One sentence.
    """

    name: str
    kind: Kind
    call: Callable[..., Any]
    needs: tuple[type, ...]
    summary: str


def plugins(kind: Kind) -> tuple[str, ...]:
    """Names of all searchers or problems at hand, sorted."""
    return sources.names(kind)


def find(kind: Kind, name: str) -> Plugin:
    """Load a searcher or problem by name.

    Raises
    ------
    ValueError
        No such name (the nearest one is offered), or the plugin cannot be imported (its cause is named).
    """
    return _find(kind, name, sources.file_of(name))


@functools.cache
def _find(kind: Kind, name: str, file: sources.PluginFile | None) -> Plugin:
    """`file`, as it was read, is part of the key: a file that changed is another plugin."""
    source = sources.load(kind, name)
    if source is None:
        hint = f"; `mobench list` shows all, --plugin FILE (in Python: use_plugins) adds a {kind} of yours"
        raise ValueError(f"unknown {kind} {name!r}{nearest(name, plugins(kind))}{hint}")
    return as_plugin(kind, name, source)


def as_plugin(kind: Kind, name: str, source: Any) -> Plugin:
    """The plugin that a module or a function is; a function's `needs` are its own or its module's.

    Raises
    ------
    ValueError
        It is no function and has none of the right name.
    """
    call = getattr(source, sources.ENTRY[kind], source)
    if not callable(call):
        raise ValueError(f"{kind} {name!r}: {source!r} has no function {sources.ENTRY[kind]!r}")
    home = source if hasattr(source, "needs") else sys.modules.get(getattr(source, "__module__", ""))
    return Plugin(name, kind, call, tuple(getattr(home, "needs", ())), _first_line(inspect.getdoc(source)))


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0].rstrip(".")


def summary(kind: Kind, name: str) -> str:
    """One sentence on a plugin; that of a built-in one or a file is read without importing it (and torch with it).

    Raises
    ------
    ValueError
        The plugin of another package cannot be imported.
    """
    text = sources.docstring(kind, name)
    return find(kind, name).summary if text is None else _first_line(text)


def nearest(word: str, words: Iterable[str]) -> str:
    """A phrase that offers the nearest of `words`, or all of them where none is near and they are few."""
    words = list(words)
    match = difflib.get_close_matches(word, words, n=1)
    if match:
        return f", did you mean {match[0]!r}?"
    return f"; there are {', '.join(words)}" if 0 < len(words) <= 12 else ""


def parse_reference(text: str) -> tuple[str, dict[str, Any]]:
    """Read ``name`` or ``name:option=value,option=value``; values are TOML, bare words are strings.

    Raises
    ------
    ValueError
        Something between the commas is not ``option=value``, or a value is too deep.

    Examples
    --------
    >>> parse_reference("nsga2:population=50")
    ('nsga2', {'population': 50})
    >>> parse_reference("nasbench_graph:dataset=cora,objectives=[error,params]")
    ('nasbench_graph', {'dataset': 'cora', 'objectives': ['error', 'params']})
    """
    name, _, rest = text.strip().partition(":")
    options: dict[str, Any] = {}
    for part in _split(rest):
        option, equals, value = part.partition("=")
        if not equals or not option.strip():
            raise ValueError(f"{text!r}: expected name:option=value,option=value, found {part.strip()!r}")
        try:
            options[option.strip()] = _value(value.strip())
        except RecursionError:
            raise ValueError(f"{name.strip()!r}: the value of option {option.strip()!r} is too deep") from None
    return name.strip(), options


def _split(text: str) -> list[str]:
    """Cut at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
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


def with_data(name: str) -> Any:
    """The module of a problem that imports official files (it has ``add_data`` and ``describe_data``), else None."""
    module = importlib.import_module(find("problem", name).call.__module__)
    return module if hasattr(module, "add_data") and hasattr(module, "describe_data") else None


def make_problem(name: str, options: Mapping[str, Any]) -> Problem:
    """Build the named problem; the last few are kept, so that many runs share one table.

    Raises
    ------
    ValueError
        Unknown name or option, or data that is missing (the message says how to get it).
    """
    plugin = find("problem", name)
    checked = check_options(plugin, options)
    return _built(plugin, tuple(sorted(checked.items())), data_folder())


@functools.lru_cache(maxsize=16)
def _built(plugin: Plugin, options: tuple[tuple[str, Any], ...], data: Path) -> Problem:
    """`data` is part of the key: another folder holds other tables."""
    problem: Problem = plugin.call(**dict(options))
    return problem


def missing(plugin: Plugin, problem: object) -> tuple[str, ...]:
    """Names of the capabilities that a searcher needs and `problem` does not offer."""
    return tuple(need.__name__ for need in plugin.needs if not isinstance(problem, need))
