"""A file of searchers or problems that a user names, read without executing it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from mobench.plugins.families import built_in
from mobench.plugins.parts import checksum, read_parts
from mobench.plugins.plugin import ENTRY, KINDS, Kind

__all__ = ["PluginFile", "read_plugins"]


@dataclass(frozen=True)
class PluginFile:
    """A file that a user named; it is read, and not yet executed.

    Attributes
    ----------
    name : str
        The file's name without ``.py``: what people write.
    path : Path
        Where it is, absolute.
    checksum : str
        SHA-256 of its bytes and of all that it imports from its folder: see `mobench.plugins.parts`.
    kinds : tuple of str
        What it defines: ``"searcher"`` (a function `search`), ``"problem"`` (a function `problem`), or both.
    fault : str
        Why it cannot be used; empty where it can.
    parts : tuple of (str, bytes)
        What has that checksum, and is what will be executed, here and in workers; empty where a record names the file.
    """

    name: str
    path: Path
    checksum: str
    kinds: tuple[Kind, ...]
    fault: str = ""
    parts: tuple[tuple[str, bytes], ...] = field(default=(), repr=False, compare=False)

    @property
    def code(self) -> str:
        """What tells this state of the file from others, as specifications and records write it."""
        return f"sha256:{self.checksum}"


def read_plugins(paths: Iterable[str | Path]) -> tuple[PluginFile, ...]:
    """Files, and of folders every file that defines `search` or `problem`; none of them is executed.

    Raises
    ------
    ValueError
        There is no such file, or a folder holds no plugin. A file that cannot be used is returned with its fault.
    """
    return tuple(file for path in paths for file in _found(Path(path)))


def _found(path: Path) -> list[PluginFile]:
    path = path.expanduser().resolve()
    if path.is_dir():
        skipped = ("_", "test_", "conftest.", "setup.")
        found = [_read(p) for p in sorted(path.glob("*.py")) if not p.name.startswith(skipped)]
        plugins = [file for file in found if file.kinds or file.fault]
        if not plugins:
            raise ValueError(f"plugin {path}: no file in this folder defines search(run) or problem()")
        return plugins
    if not path.is_file():
        raise ValueError(f"plugin {path}: there is no such file; give the path of a .py file or of a folder of them")
    file = _read(path)
    if not file.kinds and not file.fault:
        file = replace(file, fault="it defines neither search(run, *, options) nor problem(*, options)")
    return [file]


def _read(path: Path) -> PluginFile:
    """What a file defines, found without executing it."""
    parts = {path.name: path.read_bytes()}
    kinds: tuple[Kind, ...] = ()
    fault = ""
    try:
        parts = read_parts(path)
        defined = _defined(ast.parse(parts[path.name]))
        kinds = tuple(kind for kind in KINDS if ENTRY[kind] in defined)
    except SyntaxError as error:
        fault = f"syntax error in line {error.lineno}: {error.msg}"
    except (RecursionError, MemoryError):
        fault = "not a Python file (too deep for Python's parser)"
    except ValueError as error:
        fault = f"not a Python file ({error})"
    if path.suffix != ".py" or not path.stem.replace("-", "_").isidentifier():
        fault = f"a plugin's file is called NAME.py, of letters, digits, _ and -; found {path.name!r}"
    elif clash := next((kind for kind in kinds if path.stem in built_in(kind)), None):
        fault = f"{path.stem!r} is the name of a built-in {clash}; rename the file"
    return PluginFile(path.stem, path, checksum(parts), kinds, fault, tuple(parts.items()))


def _defined(tree: ast.Module) -> set[str]:
    """Names that the top level of a file defines or imports."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found
