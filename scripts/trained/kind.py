"""What the maker and the packer must know of a problem whose networks are all trained."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol

import numpy as np

from mobench import Array
from mobench.problems._images.motif import Part


class Trainer(Protocol):
    """Trains one network at an address."""

    def train(self, genes: Array, *, seed: int, row: int) -> tuple[Array, Array, int]:
        """Losses; right answers on the validation images after each look, and on the test images at the end."""
        ...


class Kind(NamedTuple):
    """One problem.

    Attributes
    ----------
    name : str
    what : str
        What a row of its table is.
    networks, rows : Array
        (n, d) the distinct networks, and (n,) their numbers, ascending.
    rows_of : str
        The function that numbers them.
    looks : sequence of float
        Epochs after which a training is validated; the last is its end.
    task : callable
        Makes the trainer of the images' three parts.
    images : module
        Has ``generate``, ``TRAIN``, ``VALID``, ``TEST`` and ``DATA_SEED``.
    drawn_by : tuple of module
        What decides the images.
    training : str
        The recipe, in words.
    batch : int
        Images in a batch.
    source, table : Path
        The trainer in C, and where the table ships.
    """

    name: str
    what: str
    networks: Array
    rows: Array
    rows_of: str
    looks: Sequence[float]
    task: Callable[[tuple[Part, Part, Part]], Trainer]
    images: ModuleType
    drawn_by: tuple[ModuleType, ...]
    training: str
    batch: int
    source: Path
    table: Path

    @property
    def record(self) -> "np.dtype[np.void]":
        """One training in a journal: right answers on the validation images at each look, on the test images last."""
        return np.dtype([("seed", "<u2"), ("row", "<u2"), ("valid", "<u2", (len(self.looks),)), ("test", "<u2")])

    def read_journal(self, journal: Path) -> Array:
        """Records of all trainings that a journal holds whole; none where it is not there."""
        if not journal.exists():
            return np.zeros(0, dtype=self.record)
        return np.fromfile(journal, dtype=self.record, count=journal.stat().st_size // self.record.itemsize)
