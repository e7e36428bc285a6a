"""What a plugin's file is made of: its own bytes and those of all that it imports from its folder, read once."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Parts", "checksum", "read_parts"]

Parts = dict[str, bytes]
"""Paths relative to the plugin's folder, with ``/``, to the bytes of these files; the plugin's own is the first."""


def read_parts(path: Path) -> Parts:
    """A plugin's file and, directly or not, all files of its folder that it imports by statements.

    Subfolders count. What is imported in another way (`importlib`, a file that is executed) is not found, and
    `mobench.plugins.loader` does not let it be imported either.

    Parameters
    ----------
    path : Path
        The plugin's file.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        The file itself is no Python; of the others what cannot be read as Python is taken as it is.
    """
    found: Parts = {path.name: path.read_bytes()}
    waiting = [(path.name, ast.parse(found[path.name]))]
    while waiting:
        name, tree = waiting.pop()
        for other in _imported(tree, name, path.parent):
            if other not in found:
                found[other] = (path.parent / other).read_bytes()
                try:
                    waiting.append((other, ast.parse(found[other])))
                except (SyntaxError, ValueError):
                    continue  # who imports it will be told
    return found


def checksum(parts: Parts) -> str:
    """SHA-256 of the files: of lines ``DIGEST  PATH``, as `sha256sum` prints them, sorted by path."""
    lines = (f"{hashlib.sha256(parts[name]).hexdigest()}  {name}\n" for name in sorted(parts))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _imported(tree: ast.Module, name: str, folder: Path) -> Iterator[str]:
    """Files below `folder` that the statements of one file may import, relative to it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            here = name.split("/")[: -node.level] if node.level else []
            module = [*here, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                yield from _files([*module, alias.name], folder)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name.split("."), folder)


def _files(module: list[str], folder: Path) -> Iterator[str]:
    """The files that importing a dotted name executes: the packages on the way, and the module."""
    for depth in range(1, len(module) + 1):
        stem = "/".join(module[:depth])
        for file in (f"{stem}/__init__.py", f"{stem}.py"):
            if (folder / file).is_file():
                yield file
