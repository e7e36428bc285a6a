"""Where plugins come from: built-in families, installed packages, and the files in use, of which there is one default.

Whatever belongs to a campaign is given its `Sources`, which never change: its campaign, its runs here and in workers.
The default is for the front door, where nobody hands an object from call to call: after `mobench.use_plugins` the names
of a user's files work in `mobench.run`, `mobench.load`, `mobench.make_problem` and in reports, as those of built-in
plugins do. It is the only state of this room that changes; `using` limits the change to a block.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.plugins.families import built_in, families
from mobench.plugins.loader import import_file
from mobench.plugins.packages import installed, package_code
from mobench.plugins.plugin import KINDS, Kind, first_line
from mobench.plugins.plugin_file import PluginFile, read_plugins

__all__ = ["Sources", "in_use", "use_plugins", "using"]


@dataclass(frozen=True)
class Sources:
    """The built-in plugins, those of installed packages, and those of files.

    A file goes before an installed plugin of the same name; neither can take the name of a built-in one.

    Attributes
    ----------
    files : tuple of PluginFile
        Files in use, each of another name.
    """

    files: tuple[PluginFile, ...] = ()

    def with_files(self, files: Iterable[PluginFile]) -> Sources:
        """These and more files; one that is known takes the place of what was read before.

        Raises
        ------
        ValueError
            Two files share a name.
        """
        known = {file.name: file for file in self.files}
        for file in files:
            if known.setdefault(file.name, file).path != file.path:
                raise ValueError(f"plugin {file.path}: {known[file.name].path} has the same name; rename one of them")
            known[file.name] = file
        return Sources(tuple(known.values()))

    def over(self, others: Sources) -> Sources:
        """These, and of the files of `others` those whose names are free."""
        return Sources((*self.files, *(file for file in others.files if self.file(file.name) is None)))

    def file(self, name: str) -> PluginFile | None:
        """The file that a plugin comes from, where it comes from one."""
        return next((file for file in self.files if file.name == name), None)

    def code(self, kind: Kind, name: str) -> str:
        """What tells the code of a plugin from other versions of it: ``sha256:...`` of a file and all that it imports
        from its folder, with its version before it for a package; empty for built-in ones, which are mobench's.
        """
        if name in built_in(kind):
            return ""
        if (file := self.file(name)) is not None and kind in file.kinds:
            return file.code
        return package_code(installed(kind)[name]) if name in installed(kind) else ""

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of all searchers or problems at hand, sorted; those of broken files are left out."""
        return tuple(sorted({*built_in(kind), *installed(kind), *self._names(kind)}))

    def groups(self, kind: Kind) -> list[tuple[str, list[str]]]:
        """The same names in groups: families in their order, the user's files, packages; each with its heading."""
        found = [(first_line(docstring_of(one.package)), [*one.modules]) for one in families(kind)]
        files = self._names(kind)
        packages = installed(kind).keys() - built_in(kind).keys() - files
        found += [("your files", sorted(files)), ("installed packages", sorted(packages))]
        return [(heading, names) for heading, names in found if names]

    def _names(self, kind: Kind) -> set[str]:
        return {file.name for file in self.files if kind in file.kinds and not file.fault}

    def broken(self) -> dict[str, str]:
        """Where plugins that cannot be used come from, and why they cannot."""
        faults = {str(file.path): file.fault for file in self.files if file.fault}
        for kind in KINDS:
            for name in built_in(kind).keys() & installed(kind).keys():
                faults[installed(kind)[name].value] = f"{name!r} is the name of a built-in {kind}, and hidden by it"
        return faults

    def load(self, kind: Kind, name: str) -> Any:
        """The module (or the function, where a package names one) of a plugin; None where there is none.

        Raises
        ------
        ValueError
            It cannot be imported, or its file has a fault; the message names the cause.
        """
        file = self.file(name)
        if file is not None and file.fault:
            raise ValueError(f"plugin {file.path}: {file.fault}")
        if name in built_in(kind):
            return importlib.import_module(built_in(kind)[name])
        try:
            if file is not None and kind in file.kinds:
                return import_file(file)
            if name in installed(kind):
                return installed(kind)[name].load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            what, where = ("package", installed(kind)[name].value) if file is None else ("file", file.path)
            cause = f"{type(error).__name__}: {error}{_beside(error, file)}"
            raise ValueError(f"{kind} {name!r}: its {what} cannot be imported ({where}: {cause})") from error
        return None

    def docstring(self, kind: Kind, name: str) -> str | None:
        """Docstring of a built-in plugin or of a file's, read without importing it (and torch with it); else None."""
        if name in built_in(kind):
            return docstring_of(built_in(kind)[name])
        file = self.file(name)
        if file is None or kind not in file.kinds:
            return None
        return ast.get_docstring(ast.parse(dict(file.parts).get(file.path.name) or file.path.read_bytes())) or ""


def docstring_of(module: str) -> str:
    """Docstring of a module, read without importing it; what holds it is imported."""
    spec = importlib.util.find_spec(module)
    return _docstring(Path(spec.origin)) if spec and spec.origin else ""


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_bytes())) or ""


def _beside(error: BaseException, file: PluginFile | None) -> str:
    """The cure where what is missing lies beside the plugin: it is a part of it, and has a checksum with it."""
    name = error.name if isinstance(error, ModuleNotFoundError) and file is not None else None
    if name and file and any((file.path.parent / f"{name}{end}").exists() for end in (".py", "/__init__.py")):
        return f"; it lies beside the plugin: from .{name} import ..."
    return ""


_default = Sources()


def in_use() -> Sources:
    """What `use_plugins` has made known in this process: what a name means where no sources are given."""
    return _default


def use_plugins(paths: Iterable[str | Path]) -> tuple[PluginFile, ...]:
    """Make the plugins of files and folders known by name in this process; a file that is known is read anew.

    A file that cannot be used (a syntax error, no function `search` or `problem`, the name of a built-in one) is
    known with its fault: `mobench list` shows it, and only who asks for it by name gets an error.

    Parameters
    ----------
    paths : iterable of path
        Files; or folders, of which every file that defines `search` or `problem` is taken.

    Returns
    -------
    tuple of PluginFile
        What was read, in the order of `paths`.

    Raises
    ------
    ValueError
        There is no such file, a folder holds no plugin, or two files share a name.
    """
    global _default
    files = read_plugins(paths)
    _default = _default.with_files(files)
    return files


@contextlib.contextmanager
def using(paths: Iterable[str | Path] = ()) -> Iterator[None]:
    """In this block the plugins of more files are in use, and after it those that were before.

    Raises
    ------
    ValueError
        As `use_plugins` does.
    """
    global _default
    before = _default
    use_plugins(paths)
    try:
        yield
    finally:
        _default = before
