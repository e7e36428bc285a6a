"""NAS-Bench-201: 15,625 cells trained on three image datasets; error against params, FLOPs, latency and energy.

Dong and Yang, ICLR 2020; NATS-Bench, TPAMI 2021. Import the data once: ``mobench data add nasbench201 --from PATH``.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

import numpy as np

from mobench import Array, Objective, Space, Table, data_folder, load_table
from mobench.problems._cells.space import EDGE_NAMES, OPERATIONS, functional_classes, index, isomorphism_classes
from mobench.problems._nasbench201 import columns as columns
from mobench.problems._nasbench201.cells import Cells, FidelityCells, View

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
) -> Cells:
    """NAS-Bench-201 with objectives of your choice, all minimised.

    A searcher sees the validation error after `epochs` epochs and is scored by the mean test error of the longest
    training imported. The CSVs hold 12-epoch validation and 200-epoch test errors, so with them alone the searcher
    sees 12 epochs; 200-epoch validation errors come with official data, and then 12 epochs are a cheaper fidelity.

    Parameters
    ----------
    dataset
        The images; CIFAR-10 is seen through ``cifar10-valid`` (trained on one half) and scored on ``cifar10``.
    objectives
        Any of ``error`` (%), ``params`` (M), ``flops`` (M multiply-adds), and of each device imported
        ``latency:<device>`` (ms), ``energy:<device>`` (mJ), ``arithmetic_intensity:<device>`` (operations/byte); all
        are minimised.
    epochs
        Length of the full-fidelity training that is seen; none: the longest imported with validation errors, 200 or
        else 12.
    keys
        Which cells count as one architecture and share the answer of the class's first member: each for itself
        (15,625), NATS-Bench's isomorphic ones (6,466) or those that are the same network (5,260).
    noise
        Draw one recorded trial a question instead of their mean; official data only.
    costs
        Params and FLOPs by exact formulas, or as stored in the official file, errors of NATS-Bench's issue 36 included.

    Raises
    ------
    ValueError
        An unknown objective, or data that is not imported; the message says how to get it.
    """
    if not objectives or len(set(objectives)) < len(objectives):
        raise ValueError(f"objectives: expected one or more different names, found {objectives}")
    if noise and "error" not in objectives:
        raise ValueError("noise: only the objective 'error' is noisy; add it, or leave noise out")
    table = _table()
    shown = {name: columns.cost(table, dataset, name, stored=costs == "stored") for name in {*objectives} - {"error"}}
    seen: tuple[int, ...] = (0,)
    scored = 0
    if "error" in objectives:
        seen, scored = columns.seen_epochs(table, dataset, epochs, noise=noise), columns.scored_epochs(table, dataset)
        shown["error"] = columns.error(table, dataset, scored, "test")
    row = _first_of_class(keys)
    F = np.column_stack([shown[name] for name in objectives])
    views: dict[int | None, View] = {}
    for length in seen:
        views[None] = view = _view(table, dataset, length, F, objectives, noise).take(row)
        if length:
            views[length] = view
    return (FidelityCells if len(seen) > 1 else Cells)(
        space=_space(keys),
        objectives=tuple(Objective(name, columns.UNITS[name.partition(":")[0]]) for name in objectives),
        training=views[None].price,
        deterministic=not noise,
        views=views,
        scored=F[row],
        noise=columns.test_noise(table, dataset, scored)[row],
        about={"dataset": dataset, "seen": seen[-1], "scored": scored},
    )


def _view(table: Table, dataset: str, epochs: int, F: Array, objectives: tuple[str, ...], noise: bool) -> View:
    """What a searcher sees after `epochs` epochs: `F` with the validation error in place of the test error."""
    if not epochs:
        return View(F)
    F = F.copy()
    F[:, objectives.index("error")] = columns.seen_error(table, dataset, epochs, noise=noise)
    trials = columns.trials(table, dataset, epochs) if noise else None
    return View(F, *columns.price(table, dataset, epochs, np.flatnonzero(np.isfinite(F).all(axis=1))), trials)


def _first_of_class(keys: str) -> Array:
    """Row of the first member of each cell's class, (15625,)."""
    classes = {"isomorphic": isomorphism_classes, "functional": functional_classes}
    return classes[keys]() if keys in classes else np.arange(columns.ROWS)


def _space(keys: str) -> Space:
    classes = None if keys == "genotype" else functools.partial(_key, _first_of_class(keys))
    return Space((len(OPERATIONS),) * len(EDGE_NAMES), EDGE_NAMES, classes)


def _key(first: Array, X: Array) -> Array:
    keys: Array = first[index(X)]
    return keys


def _table() -> Table:
    """The imported columns, and the latencies that come with mobench, if there are any."""
    path = data_folder() / columns.FILE
    imported = _load(path, path.stat().st_mtime_ns) if path.exists() else Table({})
    if not SHIPPED.exists():
        return imported
    shipped = _load(SHIPPED, SHIPPED.stat().st_mtime_ns).columns
    return Table({**{columns.SHIPPED + name: column for name, column in shipped.items()}, **imported.columns})


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
