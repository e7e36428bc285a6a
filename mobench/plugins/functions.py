"""A function as a searcher of a campaign: its source, and that of all it uses of its module, as a plugin's file.

What a worker process carries out is this text, compiled there; so it has a checksum like any file, and means the same
in every process and at every later time.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.metadata
import inspect
import symtable
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mobench.plugins.families import built_in
from mobench.plugins.parts import checksum
from mobench.plugins.plugin_file import PluginFile

__all__ = ["FOLDER", "file_of_function"]

FOLDER = Path("python")
"""Where the file of a function is said to lie: nowhere."""

CONSTANTS = (int, float, complex, str, bytes, bool, type(None))


def file_of_function(search: Callable[..., Any]) -> PluginFile:
    """The file that a function is, as if it stood in one of its name with all that it uses.

    It may use functions and classes of its module, which are taken along, constants, and what installed packages have.

    Raises
    ------
    TypeError
        It is no function with a name, or uses something that cannot be written down.
    ValueError
        Its source is not at hand, or its name is that of a built-in searcher.
    """
    name = getattr(search, "__name__", type(search).__name__)
    if not isinstance(search, types.FunctionType) or not name.isidentifier():
        raise TypeError(f"searcher {name!r}: expected a function that has a name, found {search!r}; define it by def")
    if name in built_in("searcher"):
        raise ValueError(f"searcher {name!r}: is the name of a built-in one; rename the function")
    module = _Module(name)
    module.take(search)
    module.needs(search)
    text = f'"""{_first(search)}"""\n\nfrom __future__ import annotations\n\n{module.text}'
    if name != "search":
        text += f"\n\nsearch = {name}\n"
    data = text.encode()
    file = f"{name}.py"
    return PluginFile(name, FOLDER / file, checksum({file: data}), ("searcher",), "", ((file, data),))


def _first(search: Callable[..., Any]) -> str:
    line = (inspect.getdoc(search) or "").partition("\n")[0]
    return line.replace("\\", "").replace('"', "'") or f"The function {search.__name__}."


@dataclass
class _Module:
    """The text of a module, as it grows.

    Attributes
    ----------
    searcher : str
        Whose it is, for messages.
    """

    searcher: str
    _imports: dict[str, str] = field(default_factory=dict)
    _values: dict[str, str] = field(default_factory=dict)
    _bodies: dict[str, str] = field(default_factory=dict)
    _known: dict[str, Any] = field(default_factory=dict)
    _begun: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """All that was taken, in an order that is the same in every process."""
        parts = [*(self._imports[name] for name in sorted(self._imports)), ""]
        parts += [self._values[name] for name in sorted(self._values)]
        return "\n".join([*parts, *(f"\n{body}" for body in self._bodies.values())])

    def take(self, made: Any) -> None:
        """A function or class of the searcher's module, and what it uses."""
        name = made.__name__
        if getattr(made, "__closure__", None):
            free = ", ".join(made.__code__.co_freevars)
            self._refuse(f"uses {free} of the function around it; make it an option, or define it in the module")
        try:
            source = textwrap.dedent(inspect.getsource(made))
        except (OSError, TypeError):
            raise ValueError(
                f"searcher {self.searcher!r}: the source of {name} is not at hand; write it to a file, and name that"
            ) from None
        self._begun.add(name)
        space = made.__globals__ if isinstance(made, types.FunctionType) else vars(sys.modules[made.__module__])
        for used in sorted(set(_globals(source))):
            if used in space and used not in self._begun:
                self._use(used, space[used])
        self._bodies[name] = source  # after all that it uses: a class needs its bases

    def needs(self, search: Callable[..., Any]) -> None:
        """What the searcher needs of problems: its own ``needs``, or its module's, as for any plugin."""
        home = search if hasattr(search, "needs") else sys.modules.get(search.__module__)
        needs = tuple(getattr(home, "needs", ()))
        for need in needs:
            self._use(need.__name__, need)
        if needs:
            self._values["needs"] = f"needs = ({', '.join(need.__name__ for need in needs)},)"

    def _use(self, name: str, value: Any) -> None:
        if name in self._known:
            if self._known[name] is not value:
                self._refuse(f"uses two things that are called {name}; rename one of them")
            return
        self._known[name] = value
        if name == "__name__" or value is getattr(builtins, name, self):
            return
        if isinstance(value, types.ModuleType):
            self._check_installed(name, value.__name__)
            self._imports[name] = f"import {value.__name__} as {name}"
        elif _is_constant(value):
            self._values[name] = f"{name} = {value!r}"
        elif isinstance(value, types.FunctionType | type) and not _installed(value.__module__):
            if value.__name__ != name:
                self._refuse(f"uses {value.__name__} under the name {name}; use its own")
            self.take(value)
        elif (home := getattr(value, "__module__", None)) and (own := _own_name(value)):
            self._check_installed(name, home)
            self._imports[name] = f"from {home} import {own} as {name}"
        else:
            self._refuse(
                f"uses {name}, a {type(value).__name__} that cannot be written down; make it within the function, or "
                "put the searcher into a file"
            )

    def _check_installed(self, name: str, module: str) -> None:
        if not _installed(module):
            self._refuse(f"uses {name} of {module}, which is no installed package; put both into files of one folder")

    def _refuse(self, why: str) -> None:
        raise TypeError(f"searcher {self.searcher!r}: {why}")


def _own_name(value: Any) -> str:
    """The name under which a module has a function or class; empty where it has none."""
    name = getattr(value, "__qualname__", "")
    return name if isinstance(name, str) and name.isidentifier() else ""


def _is_constant(value: Any) -> bool:
    """Whether a value is its own `repr`: numbers, texts, and tuples, lists, sets and dicts of them."""
    if type(value) in CONSTANTS:
        return value == value and value not in (float("inf"), float("-inf"))
    if type(value) in (tuple, list):
        return all(map(_is_constant, value))
    return type(value) is dict and all(_is_constant(item) for pair in value.items() for item in pair)


def _installed(module: str) -> bool:
    """Whether a module is Python's own or of an installed package, so that other processes have it, too."""
    return module.partition(".")[0] in _others()


@functools.cache
def _others() -> frozenset[str]:
    """Top-level names of mobench, of Python's library and of installed packages."""
    return frozenset({"mobench", *sys.stdlib_module_names, *importlib.metadata.packages_distributions()}) - {"__main__"}


def _globals(source: str) -> Iterator[str]:
    """Names that a piece of source reads and does not define itself."""
    table = symtable.symtable(source, "<searcher>", "exec")
    waiting = [table]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        for symbol in scope.get_symbols():
            top = scope is table and symbol.is_referenced()
            if symbol.is_referenced() and (top or symbol.is_global()):
                yield symbol.get_name()
    for node in ast.walk(ast.parse(source)):  # annotations are read as texts, and must mean something all the same
        for hint in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            yield from (name.id for name in ast.walk(hint) if isinstance(name, ast.Name)) if hint is not None else ()
