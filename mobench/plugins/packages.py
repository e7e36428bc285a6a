"""Plugins of installed packages, found by their entry points, and what tells one version of them from another."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

from mobench.plugins.plugin import Kind

__all__ = ["installed", "package_code"]

CODE = (".py", ".so", ".pyd")
"""Files whose bytes are a package's code."""


@functools.cache
def installed(kind: Kind) -> dict[str, importlib.metadata.EntryPoint]:
    """Entry points of the groups ``mobench.searchers`` and ``mobench.problems`` by name."""
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=f"mobench.{kind}s")}


@functools.cache
def package_code(entry: importlib.metadata.EntryPoint) -> str:
    """``VERSION sha256:DIGEST`` of the package that a plugin comes from, over all of its code files.

    Raises
    ------
    ValueError
        The package is not there any more.
    """
    top = entry.module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ValueError(f"plugin {entry.name!r}: its package {top} is not there; install it again")
    total = hashlib.sha256()
    for folder in spec.submodule_search_locations or ():
        for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in CODE and p.is_file()):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{digest}  {path.relative_to(folder).as_posix()}\n".encode())
    if not spec.submodule_search_locations and spec.origin:
        total.update(Path(spec.origin).read_bytes())
    version = entry.dist.version if entry.dist is not None else "?"
    return f"{version} sha256:{total.hexdigest()}"
