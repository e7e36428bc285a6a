"""NAS-Bench-201's cells trained live, each alone and from scratch, on an image dataset of your choice.

See `docs/problems/live/cell_training.md`: datasets, files, prices, and what is scored.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Gt

from mobench import (
    Array,
    CategoricalNetwork,
    Cost,
    Objective,
    Space,
    Table,
    Values,
    fingerprint,
    in_short,
    nondominated,
    parse_objectives,
)
from mobench.problems._cells import space as _cell
from mobench.problems._cells.prices import PROXY_NAMES, proxy_prices
from mobench.problems._cells.space import (
    CHOICES,
    CONV3,
    EDGE_NAMES,
    NONE,
    OPERATIONS,
    Skeleton,
    all_cells,
    flops,
    functional_classes,
    index,
    params,
)
from mobench.problems._motif.table import true_errors
from mobench.problems._nasbench201 import columns as nasbench201
from mobench.problems._nasbench201.embedded import embedded_columns

if TYPE_CHECKING:
    from mobench.live.data import Dataset
    from mobench.live.training import Augment
    from mobench.problems._cells.trainings import Trainings

Name = Literal["motif", "digits", "mnist", "fashion_mnist", "cifar10", "cifar100", "ImageNet16-120"]
Count = Annotated[int, Gt(0)]

UNITS = {"error": "%", "flops": "M", "params": "k", "latency": "ms"}
SMALL, PUBLISHED = (4, 2, 2), (16, 5, 3)
"""Channels, cells a stage and stages: Motif's, and NAS-Bench-201's."""
_LARGE_IMAGES = ("cifar10", "cifar100", "ImageNet16-120")


@dataclass(frozen=True, eq=False, repr=False)
class CellTraining:
    """Cells of one skeleton on one dataset; genotypes of one network share a key, an answer and a price.

    Attributes
    ----------
    trainings : Trainings
        The skeleton, the recipe, the images and what has been trained.
    truth : Array or None
        (15625,) test errors of a table of this very space and dataset, by which is scored; None where there is none.
        The cells are scored by their own trainings then, which are made when they are asked for and cost no budget.
    portion : int
        Cells answered, charged and logged at a time: trainings take long.
    """

    space: Space
    objectives: tuple[Objective, ...]
    training: Cost
    deterministic: bool
    trainings: Trainings
    truth: Array | None
    portion: int = 1

    __repr__ = in_short

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer: from 1 to the recipe's."""
        return tuple(range(1, self.trainings.recipe.epochs + 1))

    @property
    def resumable(self) -> bool:
        """A cell has one training, which goes on from where it was stopped; with noise each question has its own."""
        return self.deterministic

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation error of (n, 6) cells after `fidelity` epochs of training, and costs.

        The price is epochs x training images x 3 x multiply-adds, and the seconds that the training took when it was
        made on this machine. With noise the training is a new one, at the address ``seeds[i]``; without, it is the
        cell's own, at the address 0.

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
        rows = self._rows(X)
        if self.deterministic:
            trained = [self.trainings.own(row, epochs) for row in rows.tolist()]
        elif seeds is None:
            raise ValueError("seeds: needed, one a row of X, to draw a training")
        else:
            at = zip(rows.tolist(), seeds.tolist(), strict=True)
            trained = [self.trainings.at_address(row, seed, epochs) for row, seed in at]
        errors = np.array([one.valid[epochs - 1] for one in trained])
        seconds = np.array([one.seconds[epochs - 1] for one in trained])
        prices = self._macs[rows] * (3.0 * len(self.trainings.data.train.images) * epochs)
        return Values(self._columns(rows, errors), prices, seconds)

    @property
    def proxy_names(self) -> tuple[str, ...]:
        """Zero-cost proxies, computed when they are asked for, and the multiply-adds, which are counted."""
        return PROXY_NAMES

    def proxies(self, X: Array, *, names: tuple[str, ...]) -> Values:
        """Scores of (n, 6) untrained cells, (n, k), as their own trainings begin; the price is that of the passes."""
        rows = self._rows(X)
        taken = tuple(name for name in names if name != "flops")
        scored = np.array([self.trainings.proxies(row, taken) for row in rows.tolist()]).reshape(len(rows), len(taken))
        columns = dict(zip(taken, scored.T, strict=True)) | {"flops": self._macs[rows]}
        S = np.column_stack([columns[name] for name in names]).astype(np.float64)
        return Values(S, proxy_prices(self._macs[rows], names))

    def score(self, X: Array) -> Array:
        """Test error and costs of (n, 6) cells, (n, m): the table's error, or that of the cells' own trainings."""
        rows = self._rows(X)
        if self.truth is not None:
            return self._columns(rows, self.truth[rows])
        errors = [self.trainings.own(row, self.fidelities[-1]).test for row in rows.tolist()]
        return self._columns(rows, np.array(errors))

    def bounds(self, contract: str) -> tuple[Array, Array]:
        """Ideal and nadir where no front is known: no error and guessing, the empty cell and six 3x3 convolutions.

        Raises
        ------
        ValueError
            A contract that is another paper's.
        """
        if contract not in ("mobench-1", "mobench-2"):
            raise ValueError(f"contract {contract!r}: no paper has bounds for live training; use mobench-2")
        extremes = self._rows(np.array([[NONE] * 6, [CONV3] * 6]))
        low, high = self._columns(extremes, np.array([0.0, 100.0 * (1.0 - 1.0 / self.trainings.skeleton.classes)]))
        return low, high

    def decode(self, X: Array) -> list[str]:
        """Architecture strings, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        return _cell.to_strings(X)

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """The live edges of one cell, (6,), as source node, target node, operation."""
        return _cell.graph(x)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checksum of the images and of the table by which is scored, if any."""
        images = self.trainings.data.fingerprint
        return images if self.truth is None else f"{images}-{fingerprint(self.truth)}"

    @property
    def operations(self) -> tuple[tuple[str, ...], ...]:
        """NAS-Bench-201's names, edge by edge."""
        return CHOICES

    def supernet(self, *, charge: Callable[[float], None], seed: int) -> CategoricalNetwork:
        """The cell supernet on these images: weights learn on the training part, alpha on the validation part.

        Latency is a sum over operations there, each measured on the device.

        Raises
        ------
        ValueError
            The first objective is not the error.
        """
        from mobench.live.memory import enough_memory
        from mobench.problems._cells.supernet import CellSupernet, Options

        first, *costs = (objective.name for objective in self.objectives)
        if first != "error":
            raise ValueError(f"objectives: a supernet needs the error first, found {first}")
        recipe, data = self.trainings.recipe, self.trainings.data
        options = Options(
            batch=recipe.batch,
            costs=tuple(costs),
            latencies={"latency": self.trainings.latency_table()} if "latency" in costs else {},
            device=recipe.device,
            channels_last=recipe.channels_last,
            autocast=recipe.autocast,
            augment=_augmentation(data) if recipe.augment else None,
        )
        skeleton = self.trainings.skeleton
        with enough_memory(recipe.device):
            train, valid = ((data.normalise(part.images), part.labels.clone()) for part in (data.train, data.valid))
            return CellSupernet(skeleton, train=train, valid=valid, charge=charge, seed=seed, options=options)

    def known_costs(self, X: Array) -> Array:
        """Params and FLOPs of (n, 6) cells, (n, m); NaN in what is trained or measured."""
        rows = self._rows(X)
        unknown = np.full(len(rows), np.nan)
        known = ("flops", "params")
        return np.column_stack(
            [self._column(o.name, rows, unknown) if o.name in known else unknown for o in self.objectives]
        )

    def _rows(self, X: Array) -> Array:
        """Rows of `all_cells` that stand for the networks of (n, 6) cells: the first of each class; (n,)."""
        rows: Array = functional_classes()[index(X)]
        return rows

    def _columns(self, rows: Array, errors: Array) -> Array:
        """F, (n, m), of representatives with given errors in per cent."""
        return np.column_stack([self._column(objective.name, rows, errors) for objective in self.objectives])

    def _column(self, name: str, rows: Array, errors: Array) -> Array:
        if name == "error":
            return errors
        if name == "latency":
            return np.array([self.trainings.latency(row) for row in rows.tolist()])
        count, unit = (self._macs, 1e6) if name == "flops" else (self._params, 1e3)
        column: Array = count[rows] / unit
        return column

    @functools.cached_property
    def _macs(self) -> Array:
        """(15625,) multiply-adds of a forward pass of one image."""
        return flops(all_cells(), skeleton=self.trainings.skeleton)

    @functools.cached_property
    def _params(self) -> Array:
        """(15625,) parameters."""
        return params(all_cells(), skeleton=self.trainings.skeleton)


@dataclass(frozen=True, eq=False, repr=False)
class TabulatedCellTraining(CellTraining):
    """The same where a table holds the truth of all cells, so that the true front is known."""

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal networks, by the first genotype of each, and their scored values."""
        X = all_cells()[np.unique(functional_classes())]
        F = self.score(X)
        best = nondominated(F)
        return X[best], F[best]


def problem(
    *,
    dataset: Name = "motif",
    objectives: tuple[str, ...] = ("error", "flops"),
    epochs: Count = 12,
    channels: Count | None = None,
    cells: Count | None = None,
    stages: Count | None = None,
    batch: Count | None = None,
    augment: bool | None = None,
    noise: bool = False,
    device: str = "cpu",
    channels_last: bool = False,
    autocast: bool = False,
    images: Count | None = None,
    size: Count | None = None,
    data: str = "",
) -> CellTraining:
    """Cells trained live on a dataset, all objectives minimised.

    Parameters
    ----------
    dataset
        What to train on; all but ``motif`` and ``digits`` need their official files.
    objectives
        ``error`` (%; validation is seen, test is scored) and any of ``flops`` (M multiply-adds an image), ``params``
        (k) and ``latency`` (ms an image, measured on `device`); each with a limit perhaps, ``params<=10``.
    epochs
        Length of a full training; 1 to this are the fidelities, shorter trainings its beginning.
    channels
        Width of the first stage; none: 4, and 16 on CIFAR and ImageNet16-120.
    cells
        Cells in a stage; none: 2, and 5 on CIFAR and ImageNet16-120.
    stages
        Stages; none: 2, and 3 on CIFAR and ImageNet16-120.
    batch
        Images in a batch at most; none: 64, and 256 on CIFAR and ImageNet16-120.
    augment
        Random crops and flips; none: true on CIFAR and ImageNet16-120, as NAS-Bench-201 has them; elsewhere there are
        none to ask for.
    noise
        Train anew, at the address of the question, each time a cell is asked for.
    device
        The torch device.
    channels_last
        Take this memory format, of use on CUDA.
    autocast
        Take bfloat16 arithmetic, of use on CUDA.
    images
        How many images of each part to keep at most; none: all.
    size
        Height and width to scale images to; none: as they are.
    data
        Folder of the official files; ``datasets/NAME`` in the data folder when left out.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, a limit of another form, images that the stages cannot halve, a device
        that is not there, or data that is missing or damaged (the message says how to get it).
    """
    large = dataset in _LARGE_IMAGES
    chosen = parse_objectives(objectives, UNITS)
    names = [objective.name for objective in chosen]
    _check(names, device, augment=bool(augment) and not large)
    from mobench.live.memory import enough_memory
    from mobench.problems._cells.training import Recipe
    from mobench.problems._cells.trainings import Trainings
    from mobench.problems._images.datasets import SHAPES, load_dataset

    default = PUBLISHED if large else SMALL
    sizes = [given or usual for given, usual in zip((channels, cells, stages), default, strict=True)]
    skeleton = Skeleton(*SHAPES[dataset], *sizes)
    if size:
        skeleton = replace(skeleton, size=size)
    if skeleton.size % 2 ** (skeleton.stages - 1):
        raise ValueError(f"stages: images of {skeleton.size} pixels cannot be halved {skeleton.stages - 1} times")
    recipe = Recipe(
        epochs=epochs,
        batch=batch or (256 if large else 64),
        augment=large if augment is None else augment,
        device=device,
        channels_last=channels_last,
        autocast=autocast,
    )
    with enough_memory(device):
        taken = load_dataset(dataset, folder=data).reduced(images=images, size=size).to(device)
    truth = None if images or size else _truth(dataset, skeleton)
    mean = float(flops(all_cells()[functional_classes()], skeleton=skeleton).mean())
    known = truth is not None and "latency" not in names
    return (TabulatedCellTraining if known else CellTraining)(
        space=Space((len(OPERATIONS),) * len(EDGE_NAMES), EDGE_NAMES, _key, values=(OPERATIONS,) * len(EDGE_NAMES)),
        objectives=chosen,
        training=Cost(evaluations=1, flops=mean * 3.0 * len(taken.train.images) * epochs),
        deterministic=not noise,
        trainings=Trainings(skeleton, recipe, taken),
        truth=truth,
    )


def _augmentation(data: Dataset) -> Augment:
    """NAS-Bench-201's random crops, padded with black, and flips, of normalised images."""
    from mobench.live.training import crops_and_flips

    black, cut = data.mean / data.std, crops_and_flips(data.padding)
    return lambda images, rng: cut(images + black, rng) - black


def _check(names: list[str], device: str, *, augment: bool) -> None:
    if "error" not in names:
        raise ValueError(f"objectives: expected error and other names, found {', '.join(names)}")
    if augment:
        raise ValueError("augment: NAS-Bench-201 augments CIFAR and ImageNet16-120 only; leave it out")
    from mobench.live.devices import check_device

    check_device(device)


def _truth(dataset: str, skeleton: Skeleton) -> Array | None:
    """Test errors, (15625,), of a table of this space and dataset; None where there is none."""
    if dataset == "motif" and (skeleton.channels, skeleton.cells, skeleton.stages) == SMALL:
        return true_errors()
    if nasbench201.SKELETONS.get(dataset) != skeleton:
        return None
    return nasbench201.error(Table(embedded_columns()), dataset, max(nasbench201.EPOCHS), "test")


def _key(X: Array) -> Array:
    keys: Array = functional_classes()[index(X)]
    return keys
