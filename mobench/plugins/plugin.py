"""What a plugin is: a searcher or a problem by name."""

from __future__ import annotations

import functools
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mobench.core.budget import ComputeBudget, Cost
from mobench.plugins.signature import ENTRY, KINDS, Kind, Option, options_of, record_of

__all__ = ["ENTRY", "KINDS", "Kind", "Plugin", "as_plugin", "first_line", "missing"]


@dataclass(frozen=True)
class Plugin:
    """A searcher or a problem by name; call it with its options as keywords, however its function takes them.

    Attributes
    ----------
    name, kind : str
        The name people write, and ``"searcher"`` or ``"problem"``.
    call : callable
        ``search(run, *, option=...)`` or ``problem(*, option=...) -> Problem``, or both with one dataclass of options,
        ``search(run, options)``.
    needs : tuple of type
        Capabilities (protocols, as in `mobench.core.capabilities`) that a searcher needs of its problem, and
        `mobench.ComputeBudget` where it needs that of its budget.
    summary : str
        One sentence.
    """

    name: str
    kind: Kind
    call: Callable[..., Any]
    needs: tuple[type, ...]
    summary: str

    @functools.cached_property
    def options(self) -> Mapping[str, Option]:
        """The options by name, in the order in which they are told."""
        return options_of(self.call, self.kind)

    def __call__(self, *run: Any, **options: Any) -> Any:
        """Search the run, or make the problem; the one place where a record of options is built."""
        if self._record is None:
            return self.call(*run, **options)
        return self.call(*run, **{list(inspect.signature(self.call).parameters)[-1]: self._record(**options)})

    @functools.cached_property
    def _record(self) -> type | None:
        """The class of the options, where they are one record."""
        return record_of(self.call, self.kind)


def as_plugin(kind: Kind, name: str, source: Any) -> Plugin:
    """The plugin that a module or a function is; a function's `needs` are its own or its module's.

    Raises
    ------
    ValueError
        It is no function and has none of the right name.
    """
    call = getattr(source, ENTRY[kind], source)
    if not callable(call):
        raise ValueError(f"{kind} {name!r}: {source!r} has no function {ENTRY[kind]!r}")
    home = source if hasattr(source, "needs") else sys.modules.get(getattr(source, "__module__", ""))
    return Plugin(name, kind, call, tuple(getattr(home, "needs", ())), first_line(inspect.getdoc(source)))


def first_line(text: str | None) -> str:
    """The sentence that a docstring begins with, without its full stop."""
    return (text or "").partition("\n")[0].rstrip(".")


def missing(plugin: Plugin, problem: object, limit: Cost | None = None) -> tuple[str, ...]:
    """What a searcher needs and `problem`, or the budget, does not offer: names, and in brackets what they mean.

    Parameters
    ----------
    plugin : Plugin
        The searcher.
    problem : object
        What it is to search.
    limit : Cost, optional
        Of the run; without it the budget is not looked at.
    """
    from mobench.core.networks import Supernet  # with numpy, which the parser of commands does without

    found = tuple(_described(need) for need in plugin.needs if not _offered(need, problem, limit))
    names = [objective.name for objective in getattr(problem, "objectives", ())]
    if not found and "error" in names[1:] and any(Supernet in need.__mro__ for need in plugin.needs):
        return ("the error first among the objectives, as in a supernet's losses",)
    return found


def _offered(need: type, problem: object, limit: Cost | None) -> bool:
    if need is ComputeBudget:
        return limit is None or math.isfinite(limit.flops)
    return isinstance(problem, need)


def _described(need: type) -> str:
    """``Supernet (all architectures share the weights of one network)``: a name, and its docstring's first line."""
    words = first_line(need.__doc__)
    return f"{need.__name__} ({words[0].lower()}{words[1:]})" if words else need.__name__
