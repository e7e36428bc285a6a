"""BANANAS for several objectives: Thompson samples of an ensemble choose among mutants (White et al. 2021)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval

from mobench import ArchitectureFile, Array, Offered, Run
from mobench.searchers._models.asked import Asked
from mobench.searchers._models.encoding import bits, encodings, paths
from mobench.searchers._models.ensemble import train
from mobench.searchers._models.improvement import rays
from mobench.searchers._models.values import CUT, comparable, units_of
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._population import starts as _starts

MARGIN = 1.0
"""How far the reference point is behind the worst of the front, in extents of the front."""
RAYS = 256
"""Rays along which hypervolumes are seen; another set each time."""
HIDDEN = (20, 20)
"""Units of the hidden layers of a member."""


def search(
    run: Run,
    *,
    initial: Annotated[int, Interval(ge=2, le=1_000_000)] = 20,
    batch: Annotated[int, Interval(ge=1, le=1_000_000)] = 4,
    parents: Annotated[int, Interval(ge=1, le=1_000_000)] = 8,
    candidates: Annotated[int, Interval(ge=1, le=10_000)] = 100,
    members: Annotated[int, Interval(ge=2, le=10_000)] = 5,
    epochs: Annotated[int, Interval(ge=1, le=1_000_000)] = 80,
    rate: Annotated[float, Interval(gt=0, le=1000)] = 0.1,
    encoding: Annotated[Literal["one-hot", "path"], Offered(encodings)] = "one-hot",
    acquisition: Literal["thompson", "none"] = "thompson",
    start: ArchitectureFile | None = None,
) -> None:
    """Ask for `initial` architectures, then for `batch` mutants of the best at a time, until nothing new is left.

    Objectives that are formulas (`Run.known_costs`) are taken as they are; of each other one there is an ensemble. For
    each pick one member of it is drawn, and taken at its word: the mutant that adds most to the hypervolume is asked
    for, and counts as answered for the picks that follow.

    Parameters
    ----------
    run : Run
        The problem.
    initial, batch, parents : int
        Architectures before the first model, answers between two models, and the best by rank and crowding distance
        that are mutated: 20, 4 and 8, as in multi-obj-baselines (Izquierdo et al. 2021).
    candidates : int
        Mutants, of one gene each, among which is chosen; 100 as in the paper.
    members, epochs, rate
        Networks of an ensemble, 5 as in the paper, of two layers of 20 units, trained for 80 epochs with Adam's step of
        0.1, as in multi-obj-baselines: on tables here they rank as well as the paper's ten layers for an eighth of the
        CPU.
    encoding : {"one-hot", "path"}
        What networks see: genes, or which series of operations lead through a cell, as in the paper; the latter needs
        genes named as edges of a cell.
    acquisition : {"thompson", "none"}
        With "none" mutants are drawn at random: what is gained beside "mutate the best" (White et al. 2021b).
    start : Path, optional
        A log or a CSV with architectures to begin with, as many as `initial`; uniform ones make up the rest, and all
        are paid for (docs/warm-start.md).
    """
    rng, space = run.rng, run.space
    seen_as = (paths if encoding == "path" else bits)(space)
    asked = Asked(run, _starts.first(run, initial, start))
    while True:
        beyond = _ranking.beyond_limits(asked.F, run.objectives)
        best = asked.X[_ranking.best(rng, asked.F, parents, beyond)]
        mutants = _genetics.mutate_one(rng, best[rng.integers(0, len(best), candidates)], space)
        choices = asked.unknown(mutants)
        if not len(choices):
            choices = _genetics.sample_new(rng, space, candidates, asked.keys)
        if not len(choices):
            return
        if acquisition == "none":
            asked.ask(choices[:batch])
            continue
        units, front = units_of(asked.F, run.objectives, MARGIN)
        G = np.minimum(units(comparable(asked.F, run.objectives)), CUT)
        known = units(comparable(run.known_costs(choices), run.objectives))
        U, V = seen_as.encode(asked.X), seen_as.encode(choices)
        believed = np.repeat(known[None], members, axis=0)
        for j in np.flatnonzero(np.isnan(known[0])).tolist():
            model = train(rng, U, G[:, j], members=members, widths=HIDDEN, epochs=epochs, rate=rate)
            believed[:, :, j] = model(V)
        lines = rays(rng, RAYS, units.reference)
        asked.ask(choices[thompson(rng, lines.lengths(G[front]).max(axis=0), lines.lengths(believed), batch)])


def thompson(rng: np.random.Generator, front: Array, lengths: Array, n: int) -> list[int]:
    """Up to `n` different candidates: each adds most by what a member drawn for it believes, given those before it.

    Parameters
    ----------
    front : Array
        (l,) how far the front reaches along each ray.
    lengths : Array
        (members, k, l) how far members believe that each of k candidates does.
    """
    now, chosen = front, list[int]()
    for _ in range(min(n, lengths.shape[1])):
        drawn = lengths[rng.integers(len(lengths))]
        gain = np.maximum(drawn - now, 0.0).sum(axis=1)
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
        now = np.maximum(now, drawn[chosen[-1]])
    return chosen
