"""Accel-NASBench's networks: their genes, and all that was measured of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from mobench import Objective, Space, Table
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import exact, taken, values, whole_rows
from mobench.problems._table.problem import Offer, TableProblem, genes_by_name, table_problem

__all__ = ["DEVICES", "networks", "offers"]

CHOICES = {
    f"block{block}_{gene}": choices
    for block in range(7)
    for gene, choices in {
        "e": (1, 4, 6),
        "k": (3, 5),
        "l": (1, 2, 3, 4) if block == 5 else (1, 2, 3),
        "se": (0, 1),
    }.items()
}
"""Of each block: expansion, kernel, layers, and whether it has squeeze-and-excitation."""
FPGAS = ("zcu102", "vck190")
DEVICES = ("a100", "rtx3090", "tpuv2", "tpuv3", *FPGAS)


def networks(offers: Sequence[Offer]) -> TableProblem:
    """The networks that have all of some objectives, at the price of their trainings."""
    table, rows = embedded("accel"), whole_rows(offers)
    return table_problem(
        Space(
            tuple(map(len, CHOICES.values())), tuple(CHOICES), pool=table["genes"][rows], values=tuple(CHOICES.values())
        ),
        taken(offers, rows),
        written=partial(genes_by_name, tuple(CHOICES), tuple(CHOICES.values())),
        seconds=values(table, "train_seconds")[rows],
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )


def offers(table: Table) -> dict[str, Offer]:
    """All objectives, of all rows."""
    error = values(table, "error")
    training = np.full(len(error), float(table.columns["error"].about["standard deviation of a training"]))
    found = {
        "error": Offer(Objective("error", "%"), error, noise=training),
        "macs": exact(Objective("macs", "M"), values(table, "macs")),
        "params": exact(Objective("params", "M"), values(table, "params") / 1e6),
    }
    for name in (name for name in table.columns if name.startswith(("throughput:", "latency:"))):
        kind, _, device = name.partition(":")
        noise = values(table, f"noise:{device}") if kind == "throughput" and device not in FPGAS else None
        objective = Objective(name, "ms" if kind == "latency" else "images/s", maximise=kind == "throughput")
        found[name] = Offer(objective, values(table, name), noise=noise)
    return found
