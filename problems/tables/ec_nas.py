"""EC-NAS-Bench: NAS-Bench-101's cells with up to five vertices on CIFAR-10; error, measured training energy, params.

Bakhtiarifard, Igel and Selvan, ICASSP 2024. The tables are inside the package.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

import numpy as np

from mobench import Array, Objective, Space, Table
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import exact, values
from mobench.problems._table.problem import FidelityTable, Offer, TableProblem, View, chosen, stacked, table_problem

OPERATIONS = ("conv1x1", "conv3x3", "maxpool3x3")
EPOCHS = {4: (4, 12, 36, 108), 5: (4,)}
"""Vertices, and the lengths of the trainings that were made, ascending."""


def edges(vertices: int) -> list[tuple[int, int]]:
    """Target and source of all edges that a cell may have; 0 is its input, the last vertex its output."""
    return [(target, source) for target in range(1, vertices) for source in range(target)]


def problem(
    *,
    vertices: Literal[4, 5] = 5,
    objectives: tuple[str, ...] = ("error", "energy", "params"),
    noise: bool = False,
) -> TableProblem:
    """EC-NAS-Bench with objectives of your choice, all minimised.

    Parameters
    ----------
    vertices
        5: all 2,532 cells with up to five vertices, trained once for 4 epochs; 4: the 91 with up to four, trained three
        times for 108 epochs, with 4, 12 and 36 epochs as cheaper fidelities.
    objectives
        Any of ``error`` (%; validation is seen, test is scored), ``energy`` (kWh of a training, measured) and
        ``params`` (M); each with a limit perhaps, ``energy<=0.01``.
    noise
        Show one of the three trainings, drawn anew with each question, instead of their mean; with 4 vertices.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, or noise where nothing was trained more than once.
    """
    table, lengths = embedded(f"ec_nas_{vertices}"), EPOCHS[vertices]
    views: dict[int | None, View] = {}
    offers: list[Offer] = []
    for epochs in lengths:
        offers = chosen(_offers(table, epochs, lengths[-1], noise), objectives)
        views[epochs] = View(stacked(offers)[0], seconds=values(table, f"seconds/{epochs}").mean(axis=1))
    if noise and (vertices != 4 or all(offer.objective.name == "params" for offer in offers)):
        raise ValueError("noise: only error and energy of cells with 4 vertices have trials; leave noise out")
    full = table_problem(
        _space(vertices, table["genes"]),
        offers,
        written=_texts,
        seconds=views[lengths[-1]].seconds,
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )
    if len(lengths) == 1:
        return full
    views[None] = views[lengths[-1]]
    return FidelityTable(
        full.space,
        full.objectives,
        views,
        full.scored,
        full.noise,
        full.written,
        full.provenance,
        counted=full.counted,
    )


def _offers(table: Table, epochs: int, full: int, noise: bool) -> dict[str, Offer]:
    """All objectives, as seen after so many epochs; energies are those of a full training at that pace."""

    def trained(name: str, unit: str, seen: Array, scored: Array) -> Offer:
        k = scored.shape[1]
        spread = scored.std(axis=1, ddof=1) / math.sqrt(k) if k > 1 else np.full(len(scored), np.nan)
        return Offer(Objective(name, unit), scored.mean(axis=1), seen if noise else seen.mean(axis=1)[:, None], spread)

    energy = {length: values(table, f"energy/{length}") for length in (epochs, full)}
    valid, test = values(table, f"valid/{epochs}"), values(table, f"test/{full}")
    return {
        "error": trained("error", "%", 100.0 - valid, 100.0 - test),
        "energy": trained("energy", "kWh", energy[epochs] * (full / epochs), energy[full]),
        "params": exact(Objective("params", "M"), values(table, "params") / 1e6),
    }


def _space(vertices: int, pool: Array) -> Space:
    """A gene an edge, whether it is there, and a gene an inner vertex, which is inactive where it has no edge."""
    pairs, inner = edges(vertices), range(1, vertices - 1)
    touches = np.array([[vertex in pair for vertex in inner] for pair in pairs])
    names = (*(f"{target}<-{source}" for target, source in pairs), *(f"vertex{vertex}" for vertex in inner))
    meant = ((False, True),) * len(pairs) + (OPERATIONS,) * len(inner)
    return Space(tuple(map(len, meant)), names, inactive=partial(_inactive, touches), pool=pool, values=meant)


def _inactive(touches: Array, X: Array) -> Array:
    """Which of (n, d) genes decide nothing, by (edges, inner vertices) which touch which."""
    alone = ~((X[:, : len(touches)] == 1) @ touches)
    return np.column_stack([np.zeros((len(X), len(touches)), dtype=bool), alone])


def _texts(X: Array) -> list[str]:
    """Each vertex with its operation and the vertices that it reads: ``1 conv3x3<-0 output<-0,1``."""
    return [_text(x) for x in np.asarray(X).tolist()]


def _text(x: list[int]) -> str:
    vertices = next(v for v in EPOCHS if len(edges(v)) + v - 2 == len(x))
    read: dict[int, list[str]] = {}
    for there, (target, source) in zip(x, edges(vertices), strict=False):
        if there:
            read.setdefault(target, []).append(str(source))
    operations = x[len(edges(vertices)) :]
    names = {v: f"{v} {OPERATIONS[op]}" for v, op in enumerate(operations, start=1)} | {vertices - 1: "output"}
    return " ".join(f"{names[target]}<-{','.join(sources)}" for target, sources in sorted(read.items()))
