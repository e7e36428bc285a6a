"""Trainings and measurements of a module's networks: made when they are asked for, kept, and never made twice."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from mobench.core.space import Array
from mobench.core.version import __version__
from mobench.files.tables import data_folder, fingerprint, open_arrays
from mobench.files.writing import written_whole
from mobench.live.data import Dataset
from mobench.live.latency import measure_latency
from mobench.live.memory import enough_memory
from mobench.live.module_space import ModuleSpace
from mobench.live.peak import peak_memory
from mobench.live.training import Recipe, Training, augmented, initialised

__all__ = ["ModuleTrainings", "Trained", "Where"]

TOLD = 64
"""Inputs by which augmentations are told apart."""
OWN = 0
"""The address of an architecture's own training, the same in every run."""


@dataclass(frozen=True)
class Trained:
    """What a training of e epochs came to: (e,) validation errors (%) and seconds, and the test error or NaN."""

    valid: Array
    seconds: Array
    test: float


@dataclass(frozen=True)
class Where:
    """Where and how a latency is measured, as the name of its objective says: ``latency:cuda_b32_graph``."""

    device: str = "cpu"
    batch: int = 1
    graph: bool = False


@dataclass(frozen=True, eq=False)
class ModuleTrainings:
    """All trainings of a module's networks under equal conditions, by architecture, (d,).

    They are kept in files of the data folder, weights and optimiser included, so that a training goes on from where it
    stopped; where that cannot be, or where the module's own code cannot be read, in memory and without the weights.

    Attributes
    ----------
    space : ModuleSpace
    recipe : Recipe
    data : Dataset
        On the recipe's device.
    """

    space: ModuleSpace
    recipe: Recipe
    data: Dataset
    make: Callable[..., object]
    _own: dict[int, Trained] = field(default_factory=dict, repr=False)
    _numbers: dict[tuple[str, int], float] = field(default_factory=dict, repr=False)

    def own(self, x: Array, epochs: int) -> Trained:
        """The architecture's own training, for at least so many epochs; MemoryError where the device has too little."""
        key = self._key(x)
        found = self._own.get(key)
        if found is None or len(found.valid) < epochs:
            found = self._trained(self._begun(x), epochs, kept=self._file(key))
        self._own[key] = found
        return found

    def at_address(self, x: Array, seed: int, epochs: int) -> Trained:
        """A new training at the address `seed`, which is not kept."""
        return self._trained(self._begun(x, seed), epochs, kept=None)

    def network(self, x: Array) -> nn.Module:
        """The architecture's network in plain torch, on the CPU, with the weights of its own training to the end."""
        training = self._begun(x)
        self._trained(training, self.recipe.epochs, kept=self._file(self._key(x)))
        return training.network.to("cpu").eval()

    def _begun(self, x: Array, seed: int = OWN) -> Training:
        address = seed, self._key(x)
        return Training(initialised(self.space.extract(x), address), self.data, self.recipe, address)

    def _trained(self, training: Training, epochs: int, *, kept: Path | None) -> Trained:
        """Train on, from what is kept, to an epoch."""
        _take_up(training, kept)
        before, whole = len(training.valid), self.recipe.epochs
        training.to(epochs)
        if len(training.valid) > before and _take_up(training, kept):  # another worker was faster: its seconds count
            before = len(training.valid)
        test = training.test() if len(training.valid) == whole else np.nan
        if kept is not None and len(training.valid) > before:
            needed = "" if len(training.valid) < whole else "optimizer"  # nothing goes on behind the end
            _write(kept, {name: v for name, v in training.state().items() if not needed or needed not in name})
        return Trained(np.array(training.valid), np.array(training.seconds), test)

    def latency(self, x: Array, where: Where) -> float:
        """Median milliseconds of a call in the protocol of `measure_latency`, measured once and kept."""
        device = where.device
        if device == "cuda":  # a folder may be shared by machines
            device = re.sub(r"\W+", "-", torch.cuda.get_device_name(device))
        name = f"latency_{device}_b{where.batch}{'_graph' * where.graph}"
        return self._number(name, x, lambda network: self._timed(network, where))

    def memory(self, x: Array) -> float:
        """Peak memory of one example's forward pass, in kB."""

        def measured(network: nn.Module) -> float:
            return peak_memory(network, torch.zeros((1, *self.data.shape))) / 1e3

        return self._number("memory", x, measured)

    def _timed(self, network: nn.Module, where: Where) -> float:
        mode = "graph" if where.graph else "eager"
        with enough_memory(where.device):
            measured = measure_latency(network, self.data.shape, batch=where.batch, device=where.device, mode=mode)  # type: ignore[arg-type]
        return measured.median

    def _number(self, name: str, x: Array, measure: Callable[[nn.Module], float]) -> float:
        key = self._key(x)
        if (name, key) not in self._numbers:
            file = self._file(key, f"-{name}")
            number = _number(file)
            if number is None:
                number = measure(initialised(self.space.extract(x), (OWN, key)).to("cpu"))
                if (first := _number(file)) is not None:  # another worker was faster: a network has one number
                    number = first
                elif file is not None:
                    _write(file, {"number": np.array(number)})
            self._numbers[name, key] = number
        return self._numbers[name, key]

    def kept(self, mark: str) -> bool:
        """Whether a mark was left under these very conditions."""
        return self._folder is not None and (self._folder / mark).exists()

    def keep(self, mark: str) -> None:
        """Leave a mark, where anything can be kept."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                (self._folder / mark).touch()

    def _key(self, x: Array) -> int:
        return int(self.space.space.key(np.asarray(x)[None])[0]) % 2**63

    def _file(self, key: int, more: str = "") -> Path | None:
        return None if self._folder is None else self._folder / f"{key:016x}{more}.npz"

    @cached_property
    def _folder(self) -> Path | None:
        """Where what is made under these very conditions is kept; None where they cannot be told from others."""
        augment = self.recipe.augment
        code = code_of(self.space.module, self.make, *(() if augment is None else (augment,)))
        if code is None:
            return None
        device = self.recipe.device
        if torch.device(device).type == "cuda":
            device = torch.cuda.get_device_name(device)
        shapes = [(name, tuple(w.shape)) for name, w in self.space.module.named_parameters()]
        changes = getattr(augment, "__qualname__", type(augment).__qualname__)
        recipe = replace(self.recipe, device="cpu", augment=None), changes
        parts = (self.data.fingerprint, recipe, device, torch.__version__, __version__)
        changed = augmented(self.data.train.images[:TOLD], self.recipe, np.random.default_rng(0))
        # what neither names nor files tell: a closure's values
        does = fingerprint(*(y.cpu().numpy() for y in (*self.space.outputs, changed)))
        about = repr((parts, self.space.genes, shapes, repr(self.space.module), code, does))
        return data_folder() / "cache" / "modules" / fingerprint(np.frombuffer(about.encode(), dtype=np.uint8))


def code_of(module: nn.Module, *functions: Callable[..., object]) -> str | None:
    """Checksum of the files that define a module's classes and functions, torch's left out; None if unreadable.

    What these files import from their own folders is part of it, a backward pass say, which no output shows.
    """
    names = {type(part).__module__ for part in module.modules()}
    for function in functions:
        inner: Any = function
        while hasattr(inner, "func"):  # functools.partial
            inner = inner.func
        names.add(getattr(inner, "__module__", None) or "")
    try:
        sources = {inspect.getsource(each) for each in _with_imports({n for n in names if not _in_package(n, "torch")})}
    except (OSError, TypeError, KeyError):
        return None
    # by what they say: a plugin's name depends on where it lies
    return fingerprint(np.frombuffer("\n".join(sorted(sources)).encode(), dtype=np.uint8))


def _with_imports(names: set[str]) -> list[ModuleType]:
    """The Python modules of these names, and those beside or below them that they hold anything of; KeyError: none."""
    found = {name: sys.modules[name] for name in names}
    todo = list(found.values())
    while todo:
        module = todo.pop()
        for value in list(vars(module).values()):
            holder = value if isinstance(value, type | FunctionType | ModuleType) else type(value)
            name = holder.__name__ if isinstance(holder, ModuleType) else holder.__module__
            if name not in found and name in sys.modules and _beside(sys.modules[name], module):
                found[name] = sys.modules[name]
                todo.append(found[name])
    return list(found.values())


def _beside(other: ModuleType, module: ModuleType) -> bool:
    """Whether a file lies in another's folder or below it, and is none that versions tell, as those of packages."""
    file, home = (Path(getattr(each, "__file__", None) or "") for each in (other, module))
    told = _in_package(other.__name__, "mobench") or "site-packages" in file.parts
    return not told and file.is_absolute() and file.is_relative_to(home.parent)


def _in_package(name: str, package: str) -> bool:
    return name.partition(".")[0] == package


def _read(path: Path) -> dict[str, Array] | None:
    """The arrays of a file; None where there is none or a damaged one."""
    try:
        with open_arrays(path) as file:
            return {name: file[name] for name in file}
    except Exception:  # noqa: BLE001 - a damaged archive can raise anything, and what it held can be made again
        return None


def _take_up(training: Training, path: Path | None) -> bool:
    """Go on from what a file keeps, if that is as far as the training is; whether it was."""
    state = None if path is None else _read(path)
    with contextlib.suppress(ValueError, KeyError):
        if state is not None and len(state["valid"]) >= len(training.valid):
            training.load(state)
            return True
    return False


def _number(path: Path | None) -> float | None:
    """The number that a file keeps, if it does."""
    state = None if path is None else _read(path)
    return float(state["number"]) if state is not None and "number" in state else None


def _write(path: Path, arrays: dict[str, Array]) -> None:
    """Keep arrays; a folder that is full or read-only keeps nothing."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, durable=False) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
