"""Bring your own network: a torch module with choices, and data, as a multi-objective search problem."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mobench.core.budget import Cost
from mobench.core.limits import parse_objectives
from mobench.core.messages import nearest
from mobench.core.problem import Objective, Values, in_short
from mobench.core.space import Array, Space
from mobench.live.data import Dataset, check_sizes, load_data
from mobench.live.module_checks import check_beginnings, check_logits, check_lone_inputs, check_repeats
from mobench.live.module_network import Expected, ModuleNetwork, descending, extreme, fitted, operations
from mobench.live.module_space import ModuleSpace
from mobench.live.training import Recipe, initialised
from mobench.live.trainings import OWN, ModuleTrainings, Where

__all__ = ["ModuleProblem", "made", "problem"]

UNITS = {"error": "%", "flops": "M", "params": "k", "memory": "kB", "latency": "ms"}
SCALES = {"flops": 1e6, "params": 1e3}
FORMULAS = tuple(SCALES)
MEASURED = 48
"""Networks to whose measurements the supernet's sums are fitted."""
MEASURED_CALLS = 60
"""Forward passes that a measurement is charged as: the protocol makes more, and how many depends on the clock."""
_LATENCY = re.compile(r"latency(?::(?P<device>cpu|cuda)_b(?P<batch>[1-9]\d*)(?P<graph>_graph)?)?")


@dataclass(frozen=True, eq=False, repr=False)
class ModuleProblem:
    """The networks in a module, trained each alone and from scratch when they are asked for.

    Attributes
    ----------
    modules : ModuleSpace
        The module with all its choices.
    trainings : ModuleTrainings
        The recipe, the data and what has been trained.
    portion : int
        Architectures answered, charged and logged at a time: trainings take long.
    """

    space: Space
    objectives: tuple[Objective, ...]
    training: Cost
    deterministic: bool
    modules: ModuleSpace
    trainings: ModuleTrainings
    make_network: Callable[[], nn.Module]
    batch: int
    portion: int = 1

    __repr__ = in_short

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer: from 1 to the recipe's."""
        return tuple(range(1, self.trainings.recipe.epochs + 1))

    @property
    def resumable(self) -> bool:
        """Shorter trainings are the beginning of longer ones and go on, but where each question draws its own."""
        return self.deterministic

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation error of (n, d) architectures after `fidelity` epochs of training, and costs.

        The price is epochs x training inputs x 3 x multiply-adds, and the seconds that the training took.

        Raises
        ------
        ValueError
            A fidelity that is not on offer, or no `seeds` where there is noise.
        MemoryError
            The device has too little memory.
        """
        epochs = self.fidelities[-1] if fidelity is None else fidelity
        if epochs not in self.fidelities:
            raise ValueError(f"fidelity: expected 1 to {self.fidelities[-1]} epochs, found {fidelity!r}")
        X = self.space.canonical(X)
        if self.deterministic:
            trained = [self.trainings.own(x, epochs) for x in X]
        elif seeds is None:
            raise ValueError("seeds: needed, one a row of X, to draw a training")
        else:
            trained = [self.trainings.at_address(x, int(s), epochs) for x, s in zip(X, seeds, strict=True)]
        errors = np.array([one.valid[epochs - 1] for one in trained])
        seconds = np.array([one.seconds[epochs - 1] for one in trained])
        return Values(self._columns(X, errors), self._prices(X, epochs), seconds)

    def score(self, X: Array) -> Array:
        """Test error and costs of (n, d) architectures by their own trainings, (n, m)."""
        X = self.space.canonical(X)
        return self._columns(X, np.array([self.trainings.own(x, self.fidelities[-1]).test for x in X]))

    def known_costs(self, X: Array) -> Array:
        """Multiply-adds and parameters of (n, d) architectures, (n, m), NaN in the other columns."""
        X, unknown = self.space.canonical(X), np.full(len(X), np.nan)
        columns = [self._column(o.name, X, unknown) if o.name in FORMULAS else unknown for o in self.objectives]
        return np.column_stack(columns)

    def bounds(self, contract: str) -> tuple[Array, Array]:
        """Ideal and nadir where no front is known: no error and guessing, the cheapest and the dearest network.

        Raises
        ------
        ValueError
            A contract that is another paper's.
        """
        if contract not in ("mobench-1", "mobench-2"):
            raise ValueError(f"contract {contract!r}: no paper has bounds for this module; use mobench-2")
        ends = [extreme(self.modules, largest=large, column=c) for large in (False, True) for c in (0, 1)]
        F = self._columns(self.space.canonical(np.array(ends)), np.zeros(len(ends)))
        low, high = F.min(axis=0), F.max(axis=0)
        error = [objective.name for objective in self.objectives].index("error")
        low[error], high[error] = 0.0, 100.0 * (1.0 - 1.0 / self.trainings.data.classes)
        return low, high

    def decode(self, X: Array) -> list[str]:
        """The genes that matter, by name."""
        return self.modules.decode(X)

    @property
    def fingerprint(self) -> str:
        """Checksum of the data."""
        return self.trainings.data.fingerprint

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """The options of each gene."""
        return operations(self.modules)

    @functools.cached_property
    def descending(self) -> tuple[tuple[int, ...], ...]:
        """See `mobench.ElasticSupernet`."""
        return descending(self.modules)

    def network(self, x: Any) -> nn.Module:
        """The stand-alone network of one architecture, (d,), trained by the recipe: plain torch, on the CPU.

        Raises
        ------
        ValueError, TypeError
            No architecture of this space.
        """
        return self.trainings.network(self.space.canonical(self.space.check(x))[0])

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> ModuleNetwork:
        """All networks at once: weights learn on the training part, alpha on the validation part.

        Measured costs are sums there, see `Fitted`: of `MEASURED` networks, whose measurements are charged.

        Raises
        ------
        ValueError
            The first objective is not the error.
        """
        first, *others = (objective.name for objective in self.objectives)
        if first != "error":
            raise ValueError(f"objectives: a supernet needs the error first, found {first}")
        costs = [self._expected(name, charge) for name in others]
        make, data = functools.partial(made, self.make_network), self.trainings.data
        return ModuleNetwork(self.modules, make, data, batch=self.batch, costs=costs, charge=charge, seed=seed)

    def _expected(self, name: str, charge: Callable[[float], None]) -> Expected:
        """The expectation of an objective: a formula, or a sum fitted to measurements."""
        if name in FORMULAS:
            return functools.partial(_formula, FORMULAS.index(name), SCALES[name])
        X = self.space.canonical(self.space.sample(np.random.default_rng(0), MEASURED))
        if name != "memory":  # which is counted, not timed
            charge(float(MEASURED_CALLS * where(name).batch * self.modules.costs(X)[:, 0].sum()))
        return fitted(self.modules, X, self._column(name, X, np.zeros(len(X))))

    def _prices(self, X: Array, epochs: int) -> Array:
        prices: Array = self.modules.costs(X)[:, 0] * (3.0 * epochs * len(self.trainings.data.train.labels))
        return prices

    def _columns(self, X: Array, errors: Array) -> Array:
        """F, (n, m), of canonical architectures with given errors in per cent."""
        return np.column_stack([self._column(objective.name, X, errors) for objective in self.objectives])

    def _column(self, name: str, X: Array, errors: Array) -> Array:
        if name == "error":
            return errors
        if name in FORMULAS:
            column: Array = self.modules.costs(X)[:, FORMULAS.index(name)] / SCALES[name]
            return column
        if name == "memory":
            return np.array([self.trainings.memory(x) for x in X])
        return np.array([self.trainings.latency(x, where(name)) for x in X])


def _formula(column: int, scale: float, space: ModuleSpace, p: Tensor) -> Tensor:
    """Multiply-adds or parameters in their unit, expected."""
    return space.expected_costs(p)[column] / scale


def made(make_network: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The module with weights drawn by a seed of torch's, whose state is as before afterwards.

    Raises
    ------
    TypeError
        `make_network` is no function, or gives no module.
    """
    if isinstance(make_network, nn.Module) or not callable(make_network):
        raise TypeError(f"make_network: expected a function that makes the module, found {type(make_network).__name__}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module: Any = make_network()
    if not isinstance(module, nn.Module):
        raise TypeError(f"make_network: expected to be given an nn.Module, found {type(module).__name__}; return it")
    return module


def where(name: str) -> Where:
    """Where a latency is measured, by the name of its objective.

    Raises
    ------
    ValueError
        Another name.
    """
    found = _LATENCY.fullmatch(name)
    if found is None:
        raise ValueError(
            f"objectives: expected latency:cpu_b1, latency:cuda_b32 or latency:cuda_b32_graph, found {name!r}"
        )
    if found["device"] is None:
        return Where()
    return Where(found["device"], int(found["batch"]), found["graph"] is not None)


def _known(name: str) -> str:
    """The unit of an objective."""
    if name.startswith("latency"):
        place = where(name)
        if place.device == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"objectives: {name}: no CUDA device is at hand; measure on the cpu, latency:cpu_b1")
        if place.graph and place.device == "cpu":
            raise ValueError(f"objectives: {name}: graphs are CUDA's; leave _graph out")
        return UNITS["latency"]
    if name not in UNITS:
        offered = nearest(name, UNITS) or f"; there are {', '.join(UNITS)}"
        raise ValueError(f"objectives: unknown {name!r}{offered}")
    return UNITS[name]


def problem(
    make_network: Callable[[], nn.Module],
    *,
    data: Any,
    objectives: Sequence[str] = ("error", "flops"),
    recipe: Recipe | None = None,
    noise: bool = False,
    batch: int | None = None,
    images: int | None = None,
    size: int | None = None,
) -> ModuleProblem:
    """A module with choices as a multi-objective problem, all objectives minimised.

    Parameters
    ----------
    make_network : callable
        Gives the module, with layers of `mobench.live`; its output are the logits of the classes.
    data
        What `load_data` reads: arrays, a torch Dataset, a folder of images by class, an ``.npz``, idx files.
    objectives : sequence of str
        ``error`` (%; validation is seen, test is scored) and any of ``flops`` (M multiply-adds an example), ``params``
        (k), ``memory`` (kB at the worst moment of one example's forward pass), and latencies in ms a call, measured:
        ``latency`` (one example on the CPU), ``latency:cuda_b32``, ``latency:cuda_b32_graph``; each with a limit
        perhaps, ``params<=10``.
    recipe : Recipe, optional
        How a stand-alone network is trained; `Recipe()` when left out.
    noise : bool
        Train anew, at the address of the question, each time an architecture is asked for.
    batch : int, optional
        Inputs in a batch of the supernet; the recipe's when left out.
    images, size : int, optional
        How many inputs of each part to keep at most, and to which height and width to scale images.

    Raises
    ------
    ValueError
        No choices in the module, what shared weights cannot be (see `ModuleSpace`), sizes that do not meet, products
        that are not priced, another module at each call, an unknown objective, or data that cannot be read; each with
        its cure.
    TypeError
        What makes no module, or a `recipe`, a size or an objective of another kind.
    """
    if not isinstance(noise, bool):
        raise TypeError(f"noise: expected True or False, found {noise!r}")
    recipe = Recipe() if recipe is None else recipe
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe: expected a Recipe, found {type(recipe).__name__}; write Recipe(epochs=8)")
    check_sizes(batch=batch)
    chosen = parse_objectives(objectives, _known)
    if "error" not in (names := [objective.name for objective in chosen]):
        raise ValueError(f"objectives: expected error and other names, found {', '.join(names)}")
    dataset: Dataset = load_data(data, images=images, size=size)
    module, example = made(make_network, 0), dataset.normalise(dataset.train.images[:2])
    modules = ModuleSpace(module, example)
    for output in modules.outputs:
        check_logits(output, dataset.classes)
    train, valid = len(dataset.train.labels), len(dataset.valid.labels)
    if min(train // -(-train // recipe.batch), batch or recipe.batch, valid) == 1:  # the fewest inputs of any pass
        check_lone_inputs(module)
    check_repeats(module, made(make_network, 0))
    check_beginnings(module, initialised(copy.deepcopy(module), (OWN, 0)))
    module.to(recipe.device)
    dataset = dataset.to(recipe.device)
    trainings = ModuleTrainings(modules, recipe, dataset, make_network)
    if not trainings.kept("checked"):
        modules.check(example.to(recipe.device), n=5)
        trainings.keep("checked")
    X = modules.space.sample(np.random.default_rng(0), 1000)
    mean = float(modules.costs(X)[:, 0].mean())
    return ModuleProblem(
        space=modules.space,
        objectives=chosen,
        training=Cost(evaluations=1, flops=mean * 3.0 * len(dataset.train.labels) * recipe.epochs),
        deterministic=not noise,
        modules=modules,
        trainings=trainings,
        make_network=make_network,
        batch=batch or recipe.batch,
    )
