"""A file of searchers or problems that a user names: read without executing it, and imported when it is asked for."""

from __future__ import annotations

import ast
import hashlib
import importlib
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mobench.plugins.families import built_in
from mobench.plugins.plugin import ENTRY, KINDS, Kind

__all__ = ["PluginFile", "import_file", "read_plugins"]


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
        SHA-256 of its bytes and of the neighbours that it imports (``from ._shared import ...``).
    kinds : tuple of str
        What it defines: ``"searcher"`` (a function `search`), ``"problem"`` (a function `problem`), or both.
    fault : str
        Why it cannot be used; empty where it can.
    """

    name: str
    path: Path
    checksum: str
    kinds: tuple[Kind, ...]
    fault: str = ""


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
    digest = hashlib.sha256()
    kinds: tuple[Kind, ...] = ()
    fault = ""
    try:
        for part in _with_neighbours(path, []):
            digest.update(part.read_bytes())
        defined = _defined(ast.parse(path.read_bytes()))
        kinds = tuple(kind for kind in KINDS if ENTRY[kind] in defined)
    except SyntaxError as error:
        digest.update(path.read_bytes())
        fault = f"syntax error in line {error.lineno}: {error.msg}"
    except (RecursionError, MemoryError):
        fault = "not a Python file (too deep for Python's parser)"
    except ValueError as error:
        fault = f"not a Python file ({error})"
    if path.suffix != ".py" or not path.stem.replace("-", "_").isidentifier():
        fault = f"a plugin's file is called NAME.py, of letters, digits, _ and -; found {path.name!r}"
    elif clash := next((kind for kind in kinds if path.stem in built_in(kind)), None):
        fault = f"{path.stem!r} is the name of a built-in {clash}; rename the file"
    return PluginFile(path.stem, path, digest.hexdigest(), kinds, fault)


def _with_neighbours(path: Path, seen: list[Path]) -> list[Path]:
    """The file and the files beside it that it imports, directly or not."""
    seen.append(path)
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for name in [node.module.partition(".")[0]] if node.module else [alias.name for alias in node.names]:
                neighbour = path.with_name(f"{name}.py")
                if neighbour.is_file() and neighbour not in seen:
                    _with_neighbours(neighbour, seen)
    return seen


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


def import_file(file: PluginFile) -> types.ModuleType:
    """Import a file as a module of a package of its own, so that nothing else changes its meaning or is hidden.

    The package's name tells where the file lies and what it holds: two files of one name, or two states of one file,
    are two modules.
    """
    which = hashlib.sha256(f"{file.path} {file.checksum}".encode()).hexdigest()[:12]
    package = types.ModuleType(f"mobench_plugin_{which}")
    package.__path__ = [str(file.path.parent)]
    sys.modules.setdefault(package.__name__, package)
    return importlib.import_module(f"{package.__name__}.{file.name}")
