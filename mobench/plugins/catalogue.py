"""Names to searchers and problems, whatever their source, with checked options.

Where `sources` are left out, names mean what `mobench.plugins.sources.in_use` says.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mobench.core.capabilities import FromFiles
from mobench.core.messages import nearest
from mobench.core.problem import Problem
from mobench.files.tables import data_folder
from mobench.plugins.options import check_options, normalised
from mobench.plugins.plugin import Kind, Plugin, as_plugin, first_line
from mobench.plugins.plugin_file import PluginFile
from mobench.plugins.references import NO_OPTIONS, parse_reference
from mobench.plugins.sources import Sources, in_use

__all__ = ["find", "make_problem", "plugins", "summary", "with_data"]


def plugins(kind: Kind, sources: Sources | None = None) -> tuple[str, ...]:
    """Names of all searchers or problems at hand, sorted."""
    return (sources or in_use()).names(kind)


def find(kind: Kind, name: str, sources: Sources | None = None) -> Plugin:
    """Load a searcher or problem by name.

    Raises
    ------
    ValueError
        No such name (the nearest one is offered), or the plugin cannot be imported (its cause is named).
    """
    sources = sources or in_use()
    plugin = _find(kind, name, sources.file(name))
    if plugin is None:
        hint = f"; `mobench list` shows all, --plugin FILE (in Python: use_plugins) adds a {kind} of yours"
        raise ValueError(f"unknown {kind} {name!r}{nearest(name, sources.names(kind))}{hint}")
    return plugin


@functools.cache
def _find(kind: Kind, name: str, file: PluginFile | None) -> Plugin | None:
    """`file`, as it was read, is part of the key: a file that changed is another plugin."""
    source = Sources(() if file is None else (file,)).load(kind, name)
    return None if source is None else as_plugin(kind, name, source)


def summary(kind: Kind, name: str, sources: Sources | None = None) -> str:
    """One sentence on a plugin; that of a built-in one or a file is read without importing it (and torch with it).

    Raises
    ------
    ValueError
        The plugin of another package cannot be imported.
    """
    sources = sources or in_use()
    text = sources.docstring(kind, name)
    return find(kind, name, sources).summary if text is None else first_line(text)


def with_data(name: str) -> Any:
    """The module of a problem that imports official files (it has ``add_data`` and ``describe_data``), else None."""
    module = importlib.import_module(find("problem", name).call.__module__)
    return module if hasattr(module, "add_data") and hasattr(module, "describe_data") else None


def make_problem(name: str, options: Mapping[str, Any] = NO_OPTIONS, sources: Sources | None = None) -> Problem:
    """Build the named problem; the last few are kept, so that many runs share one table, until its files change.

    Parameters
    ----------
    name : str
        A problem as it is written everywhere, ``"catsum"`` or ``"nasbench_graph:dataset=cora"``.
    options : mapping
        Its options, those that the name does not give.
    sources : Sources, optional
        What the name means; what `mobench.use_plugins` made known when left out.

    Raises
    ------
    ValueError
        Unknown name or option, one that is given twice, or data that is missing (the message says how to get it).

    Examples
    --------
    >>> make_problem("catsum")
    <CatSum: 15,625 architectures, error, cost>
    """
    name, options = parse_reference(name, options)
    plugin = find("problem", name, sources)
    checked = check_options(plugin, normalised(options))
    data = data_folder()
    kept = _kept(plugin, tuple(sorted(checked.items())), data, _imports(data))
    if not kept or any(_stamp(path) != stamp for path, stamp in kept[0][1].items()):
        problem: Problem = plugin(**checked)
        files = problem.files if isinstance(problem, FromFiles) else ()
        kept[:] = [(problem, {path: _stamp(path) for path in files})]
    return kept[0][0]


Stamp = tuple[int, int, int] | None
"""When a file or a folder was last written, its size and its place on the disk; None where there is none."""


@functools.lru_cache(maxsize=16)
def _kept(
    plugin: Plugin, options: tuple[tuple[str, Any], ...], data: Path, imported: tuple[tuple[str, Stamp], ...]
) -> list[tuple[Problem, dict[Path, Stamp]]]:
    """Where a problem lies, with its files as they were; another folder of data, or one after an import, is another."""
    return []


def _imports(data: Path) -> tuple[tuple[str, Stamp], ...]:
    """The files of a folder of data by name and stamp; its folders hold what can be made again."""
    if not data.is_dir():
        return ()
    return tuple((path.name, _stamp(path)) for path in sorted(data.iterdir()) if path.is_file())


def _stamp(path: Path) -> Stamp:
    """What tells that a file is another one than before."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
