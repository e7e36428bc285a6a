"""Cells of one skeleton on one dataset as a problem: an answer is a training, made when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mobench import Array, CategoricalNetwork, Cost, Objective, Space, Values, fingerprint, in_short, nondominated
from mobench.problems._cells import space as _cell
from mobench.problems._cells.prices import PROXY_NAMES, proxy_prices
from mobench.problems._cells.space import CHOICES, CONV3, NONE, all_cells, flops, functional_classes, index, params

if TYPE_CHECKING:
    from mobench.live.data import Dataset
    from mobench.live.training import Augment
    from mobench.problems._cells.trainings import Trainings


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
            augment=augmentation(data) if recipe.augment else None,
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


def augmentation(data: Dataset) -> Augment:
    """NAS-Bench-201's random crops, padded with black, and flips, of normalised images."""
    from mobench.live.training import crops_and_flips

    black, cut = data.mean / data.std, crops_and_flips(data.padding)
    return lambda images, rng: cut(images + black, rng) - black
