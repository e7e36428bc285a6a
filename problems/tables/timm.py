"""timm: the choice of one of 1,266 pretrained image models; errors on six test sets, latency on three GPUs, size.

Wightman 2019, "PyTorch Image Models". The table is inside the package.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mobench import Array, Objective, Space, Table
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import exact, taken, values, whole_rows
from mobench.problems._table.problem import Offer, TableProblem, chosen, table_problem

TESTS = {
    "error": "top1",
    "error:real": "top1_imagenet_real",
    "error:v2": "top1_imagenetv2_matched_frequency",
    "error:a": "top1_imagenet_a",
    "error:r": "top1_imagenet_r",
    "error:sketch": "top1_sketch",
}
"""Ours, and the source's name."""
GPUS = {
    "rtx5090": "pt291-cu130-5090",
    "rtx5090_compiled": "pt291-cu130-5090-dynamo",
    "rtx4090": "pt291-cu128-4090",
    "rtx4090_compiled": "pt291-cu128-4090-dynamo",
    "pro6000": "pt291-cu130-pro6000maxq",
    "pro6000_compiled": "pt291-cu130-pro6000maxq-dynamo",
}


def problem(*, objectives: tuple[str, ...] = ("error", "latency:rtx5090", "params")) -> TableProblem:
    """The models that have all objectives of your choice; there is one gene, which names the model.

    Parameters
    ----------
    objectives
        Any of ``error`` (%, ImageNet), ``error:real``, ``error:v2``, ``error:a``, ``error:r``, ``error:sketch`` (its
        relatives), ``params`` (M), ``gmacs`` (G multiply-adds), all minimised, and of each device ``latency:<device>``
        (ms an image in large batches, minimised) and ``throughput:<device>`` (images/s, maximised); devices are
        ``rtx5090``, ``rtx4090`` and ``pro6000``, and the same with ``_compiled``. Each with a limit perhaps,
        ``latency:rtx5090<=1``.

    Raises
    ------
    ValueError
        An unknown objective or one named twice.
    """
    table = embedded("timm")
    offers = chosen(_offers(table), objectives)
    rows = whole_rows(offers)
    return table_problem(
        Space((len(rows),), ("model",), values=(table["model"][rows].tolist(),)),
        taken(offers, rows),
        written=partial(_names, table["model"][rows]),
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )


def _offers(table: Table) -> dict[str, Offer]:
    """All objectives, of all models; costs are compared by their logarithms, as they span decades."""
    offers = {name: Offer(Objective(name, "%"), values(table, name)) for name in TESTS}
    offers["params"] = exact(Objective("params", "M", scale="log"), values(table, "params"))
    offers["gmacs"] = exact(Objective("gmacs", "G", scale="log"), values(table, "gmacs"))
    for gpu in GPUS:
        speed = values(table, f"throughput:{gpu}")
        fast = Objective(f"throughput:{gpu}", "images/s", maximise=True, scale="log")
        offers[fast.name] = Offer(fast, speed)
        offers[f"latency:{gpu}"] = Offer(Objective(f"latency:{gpu}", "ms", scale="log"), 1000.0 / speed)
    return offers


def _names(models: Array, X: Array) -> list[str]:
    return [str(models[model]) for model in np.asarray(X)[:, 0]]
