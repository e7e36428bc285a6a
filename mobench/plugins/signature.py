"""What options a plugin's function takes, as keywords or as one record, and what its docstrings say of them."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

from mobench.core.offered import Offered, Taken
from mobench.plugins.docstrings import entries

__all__ = ["ENTRY", "KINDS", "Kind", "Option", "options_of", "record_of"]

Kind = Literal["searcher", "problem"]
_Said = TypeVar("_Said", Offered, Taken)
KINDS: tuple[Kind, ...] = ("searcher", "problem")
ENTRY: dict[Kind, str] = {"searcher": "search", "problem": "problem"}
"""The function that makes a file a plugin of a kind."""


@dataclass(frozen=True)
class Option:
    """An option of a plugin.

    Attributes
    ----------
    name : str
        As people write it.
    hint : type
        The annotation, bounds included; `typing.Any` where there is none.
    default : object
        What counts where nothing is given; `inspect.Parameter.empty` where something must be.
    meaning : str
        What the docstring says of it; empty where it says nothing.
    """

    name: str
    hint: Any
    default: Any
    meaning: str

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def names_file(self) -> bool:
        """Whether it is a path (``Path``, ``Path | None``), which a campaign's file writes as its folder sees it."""
        return {*_plain(self.hint)} - {type(None)} == {Path}

    @functools.cached_property
    def offered(self) -> Offered | None:
        """What the problem has to know of its values, or of what is in them."""
        return next(_said(self.hint, Offered), None)

    @functools.cached_property
    def taken(self) -> Taken | None:
        """What the problem has to make of its value."""
        return next(_said(self.hint, Taken), None)

    @functools.cached_property
    def adapter(self) -> Any:
        """What checks values against the annotation; making one takes longer than a check."""
        import pydantic  # 0.1 s: only where options are checked

        config = pydantic.ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
        return pydantic.TypeAdapter(self.hint, config=config)


def _said(hint: Any, kind: type[_Said]) -> Iterator[_Said]:
    """What an annotation, and what is within it, says of problems."""
    yield from (item for item in getattr(hint, "__metadata__", ()) if isinstance(item, kind))
    for part in typing.get_args(hint):
        yield from _said(part, kind)


def _plain(hint: Any) -> Iterator[Any]:
    """The types that an annotation joins, without what it says of them."""
    if typing.get_origin(hint) is typing.Annotated:
        yield from _plain(typing.get_args(hint)[0])
    elif typing.get_origin(hint) in (typing.Union, types.UnionType):
        for member in typing.get_args(hint):
            yield from _plain(member)
    else:
        yield hint


def record_of(call: Callable[..., Any], kind: str) -> type | None:
    """The dataclass that a function takes its options in, ``search(run, options: Options)``; None for keywords."""
    parameters = _parameters(call, kind)
    forms = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    if len(parameters) != 1 or parameters[0].kind not in forms:
        return None
    hint = _hints(call).get(parameters[0].name)
    return hint if isinstance(hint, type) and dataclasses.is_dataclass(hint) else None


def options_of(call: Callable[..., Any], kind: str) -> dict[str, Option]:
    """The options of a function by name: keywords, or a record's fields, its own class's before inherited ones."""
    record = record_of(call, kind)
    if record is None:
        parameters, hints, said = _parameters(call, kind), _hints(call), entries(inspect.getdoc(call))
    else:
        parameters, hints = list(inspect.signature(record).parameters.values()), _hints(record)
        said = {name: text for base in reversed(record.__mro__) for name, text in entries(base.__doc__).items()}
        places = [name for base in record.__mro__ for name in inspect.get_annotations(base)]
        parameters.sort(key=lambda parameter: places.index(parameter.name))
        made = {f.name: f.default_factory for f in dataclasses.fields(record) if callable(f.default_factory)}
        parameters = [p.replace(default=made[p.name]()) if p.name in made else p for p in parameters]
    return {
        p.name: Option(p.name, hints.get(p.name, Any), p.default, said.get(p.name, ""))
        for p in parameters
        if p.kind is not p.VAR_KEYWORD
    }


def _parameters(call: Callable[..., Any], kind: str) -> list[inspect.Parameter]:
    """All but the run of a searcher."""
    return list(inspect.signature(call).parameters.values())[1 if kind == "searcher" else 0 :]


def _hints(source: Any) -> Mapping[str, Any]:
    """Annotations, bounds included; those that name what only type checkers import are left out."""
    try:
        return typing.get_type_hints(source, include_extras=True)
    except NameError:
        found: dict[str, Any] = {}
        scope = getattr(inspect.unwrap(source), "__globals__", {})
        for name, hint in inspect.get_annotations(source).items():
            one = SimpleNamespace(__annotations__={name: hint})
            try:
                found |= typing.get_type_hints(one, scope, include_extras=True)
            except NameError:
                continue
        return found
