"""Where plugins come from: the built-in files, entry points of installed packages, and files that a user names."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "ENTRY",
    "KINDS",
    "Kind",
    "PluginFile",
    "broken",
    "docstring",
    "file_of",
    "files_in_use",
    "load",
    "names",
    "use_plugins",
]

Kind = Literal["searcher", "problem"]
KINDS: tuple[Kind, ...] = ("searcher", "problem")
ENTRY: dict[Kind, str] = {"searcher": "search", "problem": "problem"}
"""The function that makes a file a plugin of a kind."""


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


_FILES: dict[str, PluginFile] = {}


def use_plugins(paths: Iterable[str | Path | PluginFile]) -> tuple[PluginFile, ...]:
    """Make the plugins of files and folders known by name in this process; a file that is known is read anew.

    A file that cannot be used (a syntax error, no function `search` or `problem`, the name of a built-in one) is
    known with its fault: `broken` lists it, and only who asks for it by name gets an error.

    Parameters
    ----------
    paths : iterable of path or PluginFile
        Files; folders, of which every file that defines `search` or `problem` is taken; or what another process had
        in use, which must not have changed since.

    Raises
    ------
    ValueError
        There is no such file, a folder holds no plugin, two files share a name, or a file changed since another
        process read it.
    """
    found: list[PluginFile] = []
    for path in paths:
        for file in _plugin_files(path.path if isinstance(path, PluginFile) else Path(path)):
            if isinstance(path, PluginFile) and file.checksum != path.checksum:
                raise ValueError(f"plugin {path.path}: changed while it was in use; run the same command again")
            known = _FILES.setdefault(file.name, file)
            if known.path != file.path:
                raise ValueError(f"plugin {file.path}: {known.path} has the same name; rename one of them")
            _FILES[file.name] = file
            found.append(file)
    return tuple(found)


def files_in_use() -> tuple[PluginFile, ...]:
    """All files named so far: what another process needs to know the same names, see `use_plugins`."""
    return tuple(_FILES.values())


def file_of(name: str) -> PluginFile | None:
    """The file that a plugin comes from, where a user named it."""
    return _FILES.get(name)


def broken() -> dict[str, str]:
    """Plugins that cannot be used, and why."""
    faults = {str(file.path): file.fault for file in _FILES.values() if file.fault}
    for kind in KINDS:
        for name in _built_in(kind).keys() & _entry_points(kind).keys():
            faults[_entry_points(kind)[name].value] = f"{name!r} is the name of a built-in {kind}, and hidden by it"
    return faults


def _plugin_files(path: Path) -> list[PluginFile]:
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
    elif clash := next((kind for kind in kinds if path.stem in _built_in(kind)), None):
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


@functools.cache
def _built_in(kind: Kind) -> dict[str, str]:
    package = importlib.import_module(f"mobench.{kind}s")
    families = (family for family in pkgutil.iter_modules(package.__path__) if not family.name.startswith("_"))
    found: dict[str, str] = {}
    for family in families:
        home = f"{package.__name__}.{family.name}"
        folders = [str(Path(path, family.name)) for path in package.__path__]
        found |= {m.name: f"{home}.{m.name}" for m in pkgutil.iter_modules(folders) if not m.name.startswith("_")}
    return found


@functools.cache
def _entry_points(kind: Kind) -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=f"mobench.{kind}s")}


def names(kind: Kind) -> tuple[str, ...]:
    """Names of all searchers or problems at hand, sorted; those of broken files are left out."""
    files = {file.name for file in _FILES.values() if kind in file.kinds and not file.fault}
    return tuple(sorted({*_built_in(kind), *_entry_points(kind), *files}))


def load(kind: Kind, name: str) -> Any:
    """The module (or the function, where an entry point names one) of a plugin; None where there is none.

    A file goes before an entry point of the same name; neither can take the name of a built-in one.

    Raises
    ------
    ValueError
        It cannot be imported, or its file has a fault; the message names the cause.
    """
    file = _FILES.get(name)
    if file is not None and file.fault:
        raise ValueError(f"plugin {file.path}: {file.fault}")
    if name in _built_in(kind):
        return importlib.import_module(_built_in(kind)[name])
    try:
        if file is not None and kind in file.kinds:
            return _load_file(file)
        if name in _entry_points(kind):
            return _entry_points(kind)[name].load()
    except (Exception, SystemExit) as error:
        what, where = ("package", _entry_points(kind)[name].value) if file is None else ("file", file.path)
        cause = f"{type(error).__name__}: {error}"
        raise ValueError(f"{kind} {name!r}: its {what} cannot be imported ({where}: {cause})") from error
    return None


def _load_file(file: PluginFile) -> types.ModuleType:
    """Import a file as a module of a package of its own, so that nothing else changes its meaning or is hidden."""
    package = types.ModuleType(f"mobench_plugin_{file.checksum[:12]}")
    package.__path__ = [str(file.path.parent)]
    sys.modules.setdefault(package.__name__, package)
    return importlib.import_module(f"{package.__name__}.{file.name}")


def docstring(kind: Kind, name: str) -> str | None:
    """Docstring of a built-in plugin or of a file, read without importing it (and torch with it); None elsewhere."""
    file = _FILES.get(name)
    if name in _built_in(kind):
        module = importlib.util.find_spec(_built_in(kind)[name])
        path = Path(module.origin) if module and module.origin else None
    else:
        path = file.path if file is not None and kind in file.kinds else None
    return None if path is None else ast.get_docstring(ast.parse(path.read_bytes())) or ""
