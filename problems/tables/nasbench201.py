"""NAS-Bench-201: 15,625 cells trained on three image datasets; error against params, FLOPs, latency and energy.

Dong and Yang, ICLR 2020; NATS-Bench, TPAMI 2021. A table ships with mobench; `mobench data add nasbench201` adds more.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from mobench import Table, data_folder, load_table
from mobench.problems._nasbench201 import columns as columns
from mobench.problems._nasbench201.cells import Cells
from mobench.problems._nasbench201.embedded import embedded_columns
from mobench.problems._nasbench201.making import Choice, make_cells

SHIPPED = Path(__file__).with_name("nasbench201_latency.npz")
"""Latencies measured for mobench, ``latency:<device>`` of all cells (32x32 images): `scripts/gpu/` makes the file."""


def problem(
    *,
    dataset: Literal["cifar10", "cifar100", "ImageNet16-120"] = "cifar10",
    objectives: tuple[str, ...] = ("error", "flops"),
    epochs: Literal[12, 200] | None = None,
    keys: Literal["genotype", "isomorphic", "functional"] = "genotype",
    noise: bool = False,
    costs: Literal["exact", "stored"] = "exact",
    data: Literal["embedded", "imported"] = "embedded",
) -> Cells:
    """NAS-Bench-201 with objectives of your choice, all minimised.

    A searcher sees the validation error after `epochs` epochs and is scored by the mean test error after 200. Trainings
    of 12 epochs are a cheaper fidelity.

    Parameters
    ----------
    dataset
        The images; CIFAR-10 is seen through ``cifar10-valid`` (trained on one half) and scored on ``cifar10``.
    objectives
        Any of ``error`` (%), ``params`` (M), ``flops`` (M multiply-adds), ``latency:<device>`` (ms) on 27 devices, and
        what is imported: ``latency:nats_gpu``, ``energy:<device>`` (mJ), ``arithmetic_intensity:<device>``
        (operations/byte); all are minimised. Each with a limit perhaps, ``latency:pixel3<=10``.
    epochs
        Length of the full-fidelity training that is seen; none: 200 (of imports the longest with validation errors).
    keys
        Which cells count as one architecture and share the answer of the class's first member: each for itself
        (15,625), NATS-Bench's isomorphic ones (6,466) or those that are the same network (5,260).
    noise
        Draw one recorded training a question instead of their mean.
    costs
        Params and FLOPs by exact formulas, or as stored in the official file, errors of NATS-Bench's issue 36 included.
    data
        Errors, seconds and latencies of the table that ships, to which imports only add what it lacks; or of your own
        imports alone.

    Raises
    ------
    ValueError
        An unknown objective, a limit of another form, or data that is not imported; the message says how to get it.
    """
    choice = Choice(dataset, objectives, epochs, keys, noise, costs == "stored")
    return make_cells(_table(embedded=data == "embedded"), choice)


def _table(*, embedded: bool) -> Table:
    """All columns there are: those of the table that ships, where they are wanted, stand for imported trainings."""
    path = data_folder() / columns.FILE
    found = dict(_load(path, path.stat().st_mtime_ns).columns) if path.exists() else {}
    if embedded:
        found = {name: column for name, column in found.items() if not any(part in name for part in columns.TRAININGS)}
        found |= embedded_columns()
    if SHIPPED.exists():
        measured = _load(SHIPPED, SHIPPED.stat().st_mtime_ns).columns
        found |= {columns.SHIPPED + name: column for name, column in measured.items()}
    return Table(found)


@functools.lru_cache(maxsize=2)
def _load(path: Path, changed: int) -> Table:
    return load_table(path)


def add_data(path: Path, *, folder: Path | None = None, progress: bool = True) -> list[str]:
    """Import everything recognisable at `path` (a file, or a folder with its subfolders) into the data folder.

    Returns
    -------
    list of str
        What was read, one line a source.

    Raises
    ------
    ValueError
        Nothing is recognised, or a file is damaged or of a wrong size; what was imported before is untouched.
    FileNotFoundError
        There is nothing at `path`.
    """
    from mobench.problems._nasbench201 import sources as sources  # heavy, and of no use to a run

    return sources.import_data(path, folder=folder, progress=progress)


def describe_data(*, folder: Path | None = None) -> list[str]:
    """State of each source, one line each; of a missing one also what it would add and where it is from."""
    from mobench.problems._nasbench201 import sources as sources

    return sources.describe(folder)
