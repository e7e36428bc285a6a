"""The built-in searchers and problems by family: the folder that a file lies in."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mobench.plugins.plugin import Kind

__all__ = ["Family", "built_in", "families", "family", "read_families"]

ORDER = (
    "baselines",
    "evolution",
    "gradient",
    "bilevel",
    "one_shot",
    "hypernetworks",
    "tables",
    "surrogates",
    "live",
    "tuning",
    "toys",
)
"""Families as they are listed: what asks least comes first. Those that are not named here follow, by name."""


@dataclass(frozen=True)
class Family:
    """A folder of built-in searchers or problems.

    Attributes
    ----------
    name : str
        The folder's.
    package : str
        Its dotted name; its docstring says what its members have in common.
    modules : mapping of str to str
        A plugin's name to the dotted name of its module, sorted.
    """

    name: str
    package: str
    modules: Mapping[str, str]


def family(kind: Kind, name: str) -> str:
    """Family of a built-in plugin; empty for any other name."""
    return next((one.name for one in families(kind) if name in one.modules), "")


@functools.cache
def families(kind: Kind) -> tuple[Family, ...]:
    """Families of the built-in searchers or problems, in their order; see `read_families`."""
    package = importlib.import_module(f"mobench.{kind}s")
    return read_families(package.__name__, package.__path__)


@functools.cache
def built_in(kind: Kind) -> Mapping[str, str]:
    """Name of each built-in searcher or problem to the dotted name of its module."""
    return {name: module for one in families(kind) for name, module in one.modules.items()}


def read_families(package: str, folders: Iterable[str]) -> tuple[Family, ...]:
    """Families of a package, found without importing any of it.

    A file is a plugin, and its name is the plugin's, however deep in its family it lies. Files and folders whose name
    begins with an underscore are shared code, and no plugins.

    Parameters
    ----------
    package : str
        Its dotted name.
    folders : iterable of str
        Where it lies.

    Raises
    ------
    ValueError
        Two files have one name, or a file lies outside all families.
    """
    found: dict[str, dict[str, str]] = {}
    homes: dict[str, str] = {}
    for name, module in _modules(package, list(folders)):
        home = module.removeprefix(f"{package}.").rpartition(".")[0]
        if not home:
            raise ValueError(f"{module}: belongs to no family; move the file into a folder of {package}")
        if name in homes:
            raise ValueError(f"{module}: {homes[name]} has the same name; rename one of the two files")
        homes[name] = module
        found.setdefault(home.partition(".")[0], {})[name] = module
    ranks = {name: rank for rank, name in enumerate(ORDER)}
    names = sorted(found, key=lambda name: (ranks.get(name, len(ORDER)), name))
    return tuple(Family(name, f"{package}.{name}", dict(sorted(found[name].items()))) for name in names)


def _modules(package: str, folders: list[str]) -> Iterator[tuple[str, str]]:
    """Name and dotted name of every public module of a package and of the packages in it."""
    for part in pkgutil.iter_modules(folders):
        if part.name.startswith("_"):
            continue
        dotted = f"{package}.{part.name}"
        if part.ispkg:
            yield from _modules(dotted, [str(Path(folder, part.name)) for folder in folders])
        else:
            yield part.name, dotted
