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
    """``VERSION sha256:DIGEST`` of the package that a plugin comes from: its code, and all files that it installed.

    Raises
    ------
    ValueError
        The package is not there any more.
    """
    top = entry.module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ValueError(f"plugin {entry.name!r}: its package {top} is not there; install it again")
    folders = map(Path, spec.submodule_search_locations or ())
    files = {p for folder in folders for p in folder.rglob("*") if p.suffix in CODE}
    files |= {Path(spec.origin)} if spec.origin and not spec.submodule_search_locations else set()
    listed = (entry.dist.files if entry.dist is not None else None) or ()
    files |= {Path(str(file.locate())) for file in listed if ".dist-info" not in file.parts[0]}
    total = hashlib.sha256()
    for path in sorted(path.resolve() for path in files if path.suffix != ".pyc" and path.is_file()):
        total.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n".encode())
    version = entry.dist.version if entry.dist is not None else "?"
    return f"{version} sha256:{total.hexdigest()}"
