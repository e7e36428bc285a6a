"""What a plugin is: a searcher or a problem by name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mobench.plugins import sources
from mobench.plugins.sources import Kind

__all__ = ["Plugin", "as_plugin", "missing"]


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


def missing(plugin: Plugin, problem: object) -> tuple[str, ...]:
    """Names of the capabilities that a searcher needs and `problem` does not offer."""
    return tuple(need.__name__ for need in plugin.needs if not isinstance(problem, need))
