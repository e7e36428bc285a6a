"""Makes the problem from a table and a choice: what is seen at each fidelity, what is scored, and at which price."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from mobench import Array, Objective, Space, Table, parse_objectives
from mobench.problems._cells.space import EDGE_NAMES, OPERATIONS, functional_classes, index, isomorphism_classes
from mobench.problems._nasbench201 import columns as columns
from mobench.problems._nasbench201.cells import Cells, FidelityCells, View

__all__ = ["Choice", "make_cells"]


@dataclass(frozen=True)
class Choice:
    """What is asked of a table; `nasbench201` explains each.

    Attributes
    ----------
    objectives : tuple of str
        Names, each with a limit perhaps.
    stored : bool
        Params and FLOPs as the official file stores them.
    """

    dataset: str
    objectives: tuple[str, ...]
    epochs: int | None = None
    keys: str = "genotype"
    noise: bool = False
    stored: bool = False

    def __post_init__(self) -> None:
        if self.noise and "error" not in self.names:
            raise ValueError("noise: only the objective 'error' is noisy; add it, or leave noise out")

    @functools.cached_property
    def chosen(self) -> tuple[Objective, ...]:
        """The objectives with their units and limits; whether the table has them is not asked."""
        return parse_objectives(self.objectives, lambda name: columns.UNITS.get(name.partition(":")[0], ""))

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(objective.name for objective in self.chosen)


def make_cells(table: Table, choice: Choice) -> Cells:
    """The problem that a choice describes.

    Raises
    ------
    ValueError
        An unknown objective, or the table lacks what is asked; the message says which source has it.
    """
    dataset, names = choice.dataset, choice.names
    shown = {name: columns.cost(table, dataset, name, stored=choice.stored) for name in {*names} - {"error"}}
    seen: tuple[int, ...] = (0,)
    scored = 0
    if "error" in names:
        seen = columns.seen_epochs(table, dataset, choice.epochs, noise=choice.noise)
        scored = columns.scored_epochs(table, dataset)
        shown["error"] = columns.error(table, dataset, scored, "test")
    row = _first_of_class(choice.keys)
    F = np.column_stack([shown[name] for name in names])
    views: dict[int | None, View] = {}
    for length in seen:
        views[None] = view = _view(table, choice, length, F).take(row)
        if length:
            views[length] = view
    return (FidelityCells if len(seen) > 1 else Cells)(
        space=_space(choice.keys),
        objectives=choice.chosen,
        training=views[None].price,
        deterministic=not choice.noise,
        views=views,
        scored=F[row],
        noise=columns.test_noise(table, dataset, scored)[row],
        about={"dataset": dataset, "seen": seen[-1], "scored": scored},
        formulas=() if choice.stored else ("params", "flops"),
    )


def _view(table: Table, choice: Choice, epochs: int, F: Array) -> View:
    """What a searcher sees after `epochs` epochs: `F` with the validation error in place of the test error."""
    if not epochs:
        return View(F)
    F = F.copy()
    F[:, choice.names.index("error")] = columns.seen_error(table, choice.dataset, epochs, noise=choice.noise)
    trials = columns.trials(table, choice.dataset, epochs) if choice.noise else None
    known = np.flatnonzero(np.isfinite(F).all(axis=1))
    return View(F, *columns.price(table, choice.dataset, epochs, known), trials)


def _first_of_class(keys: str) -> Array:
    """Row of the first member of each cell's class, (15625,)."""
    classes = {"isomorphic": isomorphism_classes, "functional": functional_classes}
    return classes[keys]() if keys in classes else np.arange(columns.ROWS)


def _space(keys: str) -> Space:
    classes = None if keys == "genotype" else functools.partial(_key, _first_of_class(keys))
    return Space((len(OPERATIONS),) * len(EDGE_NAMES), EDGE_NAMES, classes, values=(OPERATIONS,) * len(EDGE_NAMES))


def _key(first: Array, X: Array) -> Array:
    keys: Array = first[index(X)]
    return keys
