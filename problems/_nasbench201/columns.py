"""Finds in a table of NAS-Bench-201 what a problem asks for, or says which source would bring it."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping

import numpy as np

from mobench import Array, Table
from mobench.problems._cells.noise import seed_noise
from mobench.problems._cells.space import CIFAR10, CIFAR100, IMAGENET16, all_cells, flops, params

FILE = "nasbench201.npz"
ROWS = 15_625
UNITS = {
    "error": "%",
    "params": "M",
    "flops": "M",
    "latency": "ms",
    "energy": "mJ",
    "arithmetic_intensity": "operations/byte",
}
SKELETONS = {"cifar10": CIFAR10, "cifar100": CIFAR100, "ImageNet16-120": IMAGENET16}
IMAGES = {"cifar10": 25_000, "cifar100": 50_000, "ImageNet16-120": 151_700}
"""Training images of the split that has a validation set (for CIFAR-10: one half of the training images)."""
EPOCHS = (200, 12)
ADD = "`mobench data add nasbench201 --from PATH`"
HERE = "leave out data='imported'"
EMBEDDED = "embedded/"
"""Prefix of the columns that come with mobench."""
SHIPPED = "shipped/"
"""Prefix of the latencies that mobench measured."""
TRAININGS = tuple(f"/{epochs}/" for epochs in EPOCHS)
"""Part of the names of columns that hold accuracies or seconds."""
DEVICE = ("latency:", "energy:", "arithmetic_intensity:")


def _get(table: Table, name: str) -> Array | None:
    column = table.columns.get(name)
    return None if column is None else column.values


def _first(table: Table, name: str) -> Array | None:
    """A column of single trainings: those that ship with mobench or, in a table of imports, the official files'."""
    embedded = _get(table, f"{EMBEDDED}{name}")
    return _get(table, f"official/{name}") if embedded is None else embedded


def error(table: Table, dataset: str, epochs: int, kind: str) -> Array:
    """Mean error in per cent, (15625,), NaN where there is none; `kind` is ``valid`` or ``test``."""
    name = f"{dataset}/{epochs}/{kind}"
    known = [values for values in (_first(table, name), _get(table, f"csv/{name}")) if values is not None]
    if not known:
        return np.full(ROWS, np.nan)
    errors: Array = 100.0 - np.where(np.isnan(known[0]), known[-1], known[0])  # a CSV fills gaps of official files
    return errors


def trials(table: Table, dataset: str, epochs: int) -> Array:
    """Validation error of each recorded training, (15625, k) in per cent, NaN last.

    Raises
    ------
    ValueError
        No trials are imported: of all that can be imported only official files have them.
    """
    accuracy = _first(table, f"{dataset}/{epochs}/valid/trials")
    if accuracy is None:
        raise ValueError(
            f"noise: of imports only official files hold single trainings; {HERE}, or import a NATS-Bench folder with "
            f"{ADD}"
        )
    errors: Array = np.sort(100.0 - accuracy, axis=1)
    return errors


def test_noise(table: Table, dataset: str, epochs: int) -> Array:
    """Standard error of the mean test error, (15625,), as the validation trials tell it; NaN without them."""
    if _first(table, f"{dataset}/{epochs}/valid/trials") is None:
        return np.full(ROWS, np.nan)
    single = trials(table, dataset, epochs).T
    known = ~np.isnan(single[0])
    noise = np.full(ROWS, np.nan)
    noise[known] = seed_noise(single[:, known]) / np.sqrt((~np.isnan(single[:, known])).sum(axis=0))
    return noise


def seen_error(table: Table, dataset: str, epochs: int, *, noise: bool) -> Array:
    """Mean validation error in per cent, (15625,); with noise only where there are trials to draw from."""
    errors = error(table, dataset, epochs, "valid")
    return np.where(np.isnan(trials(table, dataset, epochs)[:, 0]), np.nan, errors) if noise else errors


def price(table: Table, dataset: str, epochs: int, known: Array) -> tuple[Array, Array | None]:
    """Price of a training: multiply-adds, and seconds on the authors' GPU where they are recorded; (15625,) each.

    A training costs 3 forward passes for each image and epoch. Seconds are None unless all rows `known` have them.
    """
    passes = 3.0 * epochs * IMAGES[dataset]
    seconds = _first(table, f"{dataset}/{epochs}/seconds")
    if seconds is None or np.isnan(seconds[known]).any():
        seconds = None
    return passes * _exact(dataset, "flops"), seconds


def seen_epochs(table: Table, dataset: str, epochs: int | None, *, noise: bool) -> tuple[int, ...]:
    """Epochs at which validation errors can be seen, ascending; the last is the full fidelity.

    Raises
    ------
    ValueError
        No validation error of that length is imported.
    """
    counts = {e: _count(seen_error(table, dataset, e, noise=noise)) for e in EPOCHS}
    offered = {e: n for e, n in counts.items() if n and epochs in (None, e)}
    if not offered:
        wanted = "validation error" if epochs is None else f"{epochs}-epoch validation error"
        imported = any(not column.startswith(SHIPPED) for column in table.columns)
        have = f"; test errors alone ({dataset}) would show the searcher its score" if imported else ""
        raise ValueError(f"no {wanted} of {dataset} is imported{have}; {_cure(counts, epochs)}")
    full = max(offered, key=lambda e: (offered[e], e))
    return tuple(e for e in sorted(counts) if e <= full and counts[e] >= counts[full])


def _cure(counts: Mapping[int, int], epochs: int | None) -> str:
    official = "an official file (NATS-tss-v1_0-3ffb9-simple or NAS-Bench-201-v1_1-096897.pth)"
    ways = f"{official} brings 12 and 200 epochs, accuracy_12_epochs.csv 12 epochs: {ADD}"
    return f"use epochs=12, {HERE}, or import: {ways}" if epochs == 200 and counts[12] else f"{HERE}, or import: {ways}"


def scored_epochs(table: Table, dataset: str) -> int:
    """Epochs of the test error that is reported: the longest there is for the most cells."""
    counts = {e: _count(error(table, dataset, e, "test")) for e in EPOCHS}
    best = max(counts, key=lambda e: (counts[e], e))
    if not counts[best]:
        raise ValueError(f"no test error of {dataset} is imported; {HERE}, or import the source that holds it: {ADD}")
    return best


def _count(values: Array) -> int:
    return int((~np.isnan(values)).sum())


def cost(table: Table, dataset: str, name: str, *, stored: bool) -> Array:
    """One objective that needs no training, (15625,): params and flops in millions, devices in their units.

    Raises
    ------
    ValueError
        Unknown name or device (the nearest is offered), or stored costs that are not imported.
    """
    if name in {"params", "flops"}:
        if not stored:
            return _exact(dataset, name) / 1e6
        values = _get(table, f"official/{dataset}/{name}")
        if values is None:
            raise ValueError(f"costs='stored': stored {name} come with official data only; import it with {ADD}")
        return values
    sources = _devices(table, dataset)
    if name not in sources:
        raise ValueError(_unknown(table, dataset, name, sorted(sources)))
    return table[sources[name]]


@functools.cache
def _exact(dataset: str, name: str) -> Array:
    """Params or flops of all cells by their formulas, (15625,)."""
    count = params if name == "params" else flops
    return count(all_cells(), skeleton=SKELETONS[dataset])


def _devices(table: Table, dataset: str) -> dict[str, str]:
    """Objective to column for every device measurement that holds for `dataset`."""
    sources = ["official/" + dataset, "bench360/" + dataset, "hwnas/" + dataset]
    if dataset != "ImageNet16-120":  # HELP and mobench measured 32x32 images
        sources = [SHIPPED.rstrip("/"), "help", *sources, EMBEDDED.rstrip("/")]
    return {
        column.removeprefix(f"{source}/"): column
        for source in sources  # later ones win: what ships, and else what was measured for this very dataset
        for column in table.columns
        if column.startswith(tuple(f"{source}/{kind}" for kind in DEVICE))
    }


def _unknown(table: Table, dataset: str, name: str, devices: list[str]) -> str:
    known = ["error", "params", "flops", *devices]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)};"
    small = dataset == "ImageNet16-120" and any(column.startswith(("help/", EMBEDDED)) for column in table.columns)
    more = "" if any(column.startswith(EMBEDDED) for column in table.columns) else "HELP's latency folder and "
    return f"objectives: unknown {name!r}, {hint} {more}HW-NAS-Bench-v1_0.pickle brings more devices: {ADD}" + (
        " (HELP measured 32x32 images, so not for ImageNet16-120)" if small else ""
    )
