"""Trainings and latencies of the cells of one skeleton: made when they are asked for, kept, and never made twice."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from mobench import Column, Table, data_folder, fingerprint, load_table, save_table
from mobench.live.data import Dataset
from mobench.live.latency import measure_latency
from mobench.live.memory import enough_memory
from mobench.problems._cells.begun import forget, keep, kept
from mobench.problems._cells.latency_table import LatencyTable, measured_table
from mobench.problems._cells.proxies import scores
from mobench.problems._cells.space import Skeleton, all_cells
from mobench.problems._cells.training import Recipe, Trained, draw_network, train


@dataclass(frozen=True, eq=False)
class Trainings:
    """All trainings of cells, named by their rows of `all_cells`, under equal conditions.

    They are kept in memory and in small checksummed files of the data folder; where that cannot be written, in memory.

    Attributes
    ----------
    skeleton : Skeleton
    recipe : Recipe
    data : Dataset
        On the recipe's device.
    """

    skeleton: Skeleton
    recipe: Recipe
    data: Dataset
    _own: dict[int, Trained] = field(default_factory=dict, repr=False)
    _latency: dict[int, float] = field(default_factory=dict, repr=False)

    def own(self, row: int, epochs: int) -> Trained:
        """A cell's own training, at the address 0, for at least so many epochs; it goes on from where it was stopped.

        Raises
        ------
        MemoryError
            The device has too little memory.
        """
        found = self._own.get(row) or self._kept_training(row)
        if found is None or len(found.valid) < epochs:
            before = None if found is None else self._begun_again(row, found)
            found = self.at_address(row, 0, epochs, before=before)
            if found.begun is not None and keep(self._checkpoint(row), found.begun):
                found = replace(found, begun=None)  # many of them would fill the memory
            test = np.full(len(found.valid), found.test)
            columns = {"valid": Column(found.valid, "%"), "test": Column(test, "%")}
            self._keep(f"{row:05d}", Table(columns | {"seconds": Column(found.seconds, "s")}))
            if len(found.valid) == self.recipe.epochs:
                forget(self._checkpoint(row))
        self._own[row] = found
        return found

    def _begun_again(self, row: int, found: Trained) -> Trained:
        """What is known of a training with where it stands; without that it is made from its first epoch."""
        return found if found.begun is not None else replace(found, begun=kept(self._checkpoint(row), len(found.valid)))

    def _checkpoint(self, row: int) -> Path:
        return self._folder / f"begun-{row:05d}.npz"

    def at_address(self, row: int, seed: int, epochs: int, *, before: Trained | None = None) -> Trained:
        """A training of a cell at the address `seed`, new or going on, which is not kept; MemoryError as above."""
        genes = all_cells()[row].tolist()
        return train(genes, self.skeleton, self.data, self.recipe, seed=seed, row=row, epochs=epochs, before=before)

    def proxies(self, row: int, names: Sequence[str]) -> list[float]:
        """Zero-cost proxies of a cell, as its own training begins; MemoryError as above."""
        with enough_memory(self.recipe.device):
            return scores(row, self.skeleton, self.data, seed=0, names=names, device=self.recipe.device)

    def latency(self, row: int) -> float:
        """Median latency of a cell's network for one image on the recipe's device, in ms."""
        if row not in self._latency:
            kept = self._kept(f"latency-{row:05d}", "median")
            self._latency[row] = float(kept["median"][0]) if kept is not None else self._measured(row)
        return self._latency[row]

    def latency_table(self) -> LatencyTable:
        """The device's latency as a sum over operations."""
        kept = self._kept("latency", "fixed", "operations")
        if kept is not None:
            return LatencyTable(float(kept["fixed"][0]), tuple(kept["operations"].tolist()), kept.about)
        with torch.random.fork_rng(devices=[]):  # its modules draw weights
            made = measured_table(self.skeleton, device=self.recipe.device)
        fixed, operations = np.full(len(made.operations), made.fixed), np.array(made.operations)
        columns = {"fixed": Column(fixed, "ms"), "operations": Column(operations, "ms")}
        self._keep("latency", Table(columns, made.about))
        return made

    def _measured(self, row: int) -> float:
        network = draw_network(all_cells()[row].tolist(), self.skeleton, seed=0, row=row)
        shape = (self.skeleton.inputs, self.skeleton.size, self.skeleton.size)
        measured = measure_latency(network, shape, device=self.recipe.device)
        columns = {name: Column(np.array([getattr(measured, name)]), "ms") for name in ("median", "low", "high")}
        about = {name: value for name, value in asdict(measured).items() if name not in columns}
        self._keep(f"latency-{row:05d}", Table(columns, about))
        return measured.median

    @functools.cached_property
    def _folder(self) -> Path:
        """Where what is made under these very conditions is kept."""
        device = self.recipe.device
        if torch.device(device).type == "cuda":
            device = torch.cuda.get_device_name(device)
        about = repr((self.data.fingerprint, self.skeleton, replace(self.recipe, device=device), torch.__version__))
        digest = fingerprint(np.frombuffer(about.encode(), dtype=np.uint8))
        return data_folder() / "cache" / "cell_training" / f"{self.data.name}-{digest}"

    def _kept_training(self, row: int) -> Trained | None:
        kept = self._kept(f"{row:05d}", "valid", "test", "seconds")
        return None if kept is None else Trained(kept["valid"], float(kept["test"][-1]), kept["seconds"])

    def _kept(self, name: str, *columns: str) -> Table | None:
        """The file of that name; None where there is none or a damaged one."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            table = load_table(self._folder / f"{name}.npz")
            return table if set(columns) <= set(table.columns) else None
        return None

    def _keep(self, name: str, table: Table) -> None:
        with contextlib.suppress(OSError):
            save_table(self._folder / f"{name}.npz", table)
