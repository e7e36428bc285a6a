"""A user's file as a module: what is compiled is what was read and has a checksum, whatever lies on the disk by now."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from mobench.plugins.parts import Parts
from mobench.plugins.plugin_file import PluginFile

__all__ = ["check_imports", "import_file"]


def import_file(file: PluginFile) -> types.ModuleType:
    """Import a file as a module of a package of its own, so that nothing else changes its meaning or is hidden.

    The package's name tells where the file lies and what it holds: two files of one name, or two states of one file,
    are two modules. No compiled file (``__pycache__``) is read or written.

    Raises
    ------
    ImportError
        It imports a file of its folder that was not read with it, or was never read itself.
    """
    which = hashlib.sha256(f"{file.path} {file.checksum}".encode()).hexdigest()[:12]
    root = f"mobench_plugin_{which}"
    if root not in sys.modules:
        package = types.ModuleType(root)
        package.__path__ = [str(file.path.parent)]
        sys.modules[root] = package
        sys.meta_path.insert(0, _Finder(root, file.path.parent, dict(file.parts)))
    before = os.getcwd()
    try:
        module = importlib.import_module(f"{root}.{file.name}")
    finally:
        os.chdir(before)  # where results go is the user's to say
    check_imports(file)
    return module


def check_imports(file: PluginFile) -> None:
    """Whether all modules from the plugin's folder that are in use came by `import_file`, and so have its checksum.

    Installed packages that lie in the folder do not count, nor does the program that runs.

    Raises
    ------
    ImportError
        A file was imported in another way, by `sys.path`, say.
    """
    folder = f"{file.path.parent}{os.sep}"
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not path.startswith(folder) or name in _BEFORE or name in _PROGRAMS:
            continue
        ours = isinstance(getattr(module.__spec__, "loader", None), _Loader)
        if not ours and name.partition(".")[0] not in _distributed():
            raise ImportError(
                f"{path} was not read with this plugin, and has no part in its checksum: import it relative to the "
                "plugin, `from . import ...`, and not by sys.path"
            )


_PROGRAMS = ("__main__", "__mp_main__")
_BEFORE = frozenset(sys.modules)
"""What was imported before mobench's plugins were: by whoever uses it as a library."""


@functools.cache
def _distributed() -> frozenset[str]:
    """Top-level names of installed packages, editable ones included."""
    return frozenset(importlib.metadata.packages_distributions())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of one plugin among the parts that were read, and nowhere else."""

    def __init__(self, root: str, folder: Path, parts: Parts) -> None:
        self.root, self.folder, self.parts = root, folder, parts

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(f"{self.root}."):
            return None
        stem = fullname.removeprefix(f"{self.root}.").replace(".", "/")
        package = f"{stem}/__init__.py"
        if package in self.parts or any(name.startswith(f"{stem}/") for name in self.parts):
            loader = _Loader(str(self.folder / package), self.parts.get(package, b""), package=True)
            return importlib.util.spec_from_file_location(
                fullname, loader.path, loader=loader, submodule_search_locations=[str(self.folder / stem)]
            )
        if f"{stem}.py" in self.parts:
            loader = _Loader(str(self.folder / f"{stem}.py"), self.parts[f"{stem}.py"], package=False)
            return importlib.util.spec_from_file_location(fullname, loader.path, loader=loader)
        raise ModuleNotFoundError(
            f"{stem}.py in {self.folder} was not read with this plugin: import it by a statement, "
            f"`from .{stem.replace('/', '.')} import ...`",
            name=fullname,
        )


class _Loader(importlib.abc.InspectLoader):
    """Compiles the bytes that it was given."""

    def __init__(self, path: str, data: bytes, *, package: bool) -> None:
        self.path, self.data, self.package = path, data, package

    def get_source(self, fullname: str) -> str:
        return importlib.util.decode_source(self.data)

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.data, self.path)

    def is_package(self, fullname: str) -> bool:
        return self.package
