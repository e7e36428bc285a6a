"""NAS-Bench-201 as a problem: what is seen at each fidelity, what is scored, the true front and published bounds."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mobench import Array, Cost, Objective, Space, Values, fingerprint, in_short, nondominated
from mobench.problems._cells.space import graph, to_strings
from mobench.problems._nasbench201.columns import ADD

EVOXBENCH = {
    "error": (5.626667, 90.0),
    "params": (0.073306, 1.073466),
    "flops": (7.78305, 153.27297),
    "latency:eyeriss": (1.67954, 10.5269),
}
"""EvoXBench's ideal and nadir on CIFAR-10 (Lu et al. 2023); with Eyeriss (MOP6) the nadir error is 50.98."""
HARDWARE = ("latency:edgegpu", "energy:edgegpu", "energy:eyeriss", "arithmetic_intensity:eyeriss")
"""HW-NAS-Bench's further objectives in C-10/MOP5 to 7: with them, bounds are the extremes of the true front."""


@dataclass(frozen=True, eq=False)
class View:
    """What one fidelity shows, in the rows of `all_cells`.

    Attributes
    ----------
    F : Array
        (15625, m) values; NaN where there are none.
    flops, seconds : Array or None
        (15625,) price of the training; None where it is free, or not recorded.
    trials : Array or None
        (15625, k) errors of single trainings, NaN last, where noise is wanted.
    """

    F: Array
    flops: Array | None = None
    seconds: Array | None = None
    trials: Array | None = None

    @functools.cached_property
    def whole(self) -> bool:
        """Whether every cell has values."""
        return not np.isnan(self.F).any()

    def take(self, rows: Array) -> View:
        """The view in which row i shows what row ``rows[i]`` shows here."""
        return View(self.F[rows], *(None if a is None else a[rows] for a in (self.flops, self.seconds, self.trials)))

    @property
    def parts(self) -> list[Array]:
        """The arrays there are."""
        return [array for array in (self.F, self.flops, self.seconds, self.trials) if array is not None]

    @property
    def price(self) -> Cost:
        """Mean price of an answer."""
        flops, seconds = (0.0 if a is None else float(np.nanmean(a)) for a in (self.flops, self.seconds))
        return Cost(evaluations=1, flops=flops, seconds=seconds)


@dataclass(frozen=True, eq=False, repr=False)
class Cells:
    """NAS-Bench-201 with one fidelity; every answer is one gather.

    Attributes
    ----------
    views : mapping
        Epochs to what they show; None is the full fidelity.
    scored : Array
        (15625, m) reported values: mean test error of the longest training there is, and exact costs.
    noise : Array
        (15625,) standard error of the reported error, NaN where no trials tell it.
    about : mapping
        ``dataset``, and the epochs ``seen`` and ``scored`` (0 where no objective needs training).
    formulas : tuple of str
        Objectives that are formulas of the cell.
    """

    space: Space
    objectives: tuple[Objective, ...]
    training: Cost
    deterministic: bool
    views: Mapping[int | None, View]
    scored: Array
    noise: Array
    about: Mapping[str, Any]
    formulas: tuple[str, ...]

    __repr__ = in_short

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation view of (n, 6) cells at `fidelity` epochs: one recorded trial with noise, else their mean.

        Raises
        ------
        ValueError
            An unknown fidelity, or a cell without values (it is named).
        """
        if fidelity not in self.views:
            offer = ", ".join(str(f) for f in self.views if f is not None) or "only the full one"
            raise ValueError(f"fidelity: {fidelity!r} is not on offer; this problem has {offer}")
        view, rows = self.views[fidelity], self.space.index(X)
        F = view.F.take(rows, axis=0)  # 8 times as fast as F[rows]
        if not view.whole:
            self._refuse_missing(F, X, view.F)
        if view.trials is not None:
            if seeds is None:
                raise ValueError("seeds: needed, one a row of X, to draw a trial")
            F[:, self._column("error")] = _draw(view.trials[rows], seeds)
        return Values(F, *(0.0 if price is None else price.take(rows) for price in (view.flops, view.seconds)))

    def score(self, X: Array) -> Array:
        """Reported values of (n, 6) cells: test error and costs, (n, m); ValueError for a cell without values."""
        F = self.scored.take(self.space.index(X), axis=0)
        self._refuse_missing(F, X, self.scored)
        return F

    def known_costs(self, X: Array) -> Array:
        """Params and FLOPs of (n, 6) cells where they are those of the formulas, (n, m); NaN in what is measured."""
        known = np.array([objective.name in self.formulas for objective in self.objectives])
        return np.where(known, self.scored.take(self.space.index(X), axis=0), np.nan)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored: further imports can change it."""
        parts = [view.parts for view in self.views.values()]
        return fingerprint(self.scored, *(array for arrays in parts for array in arrays))

    def standard_errors(self, X: Array) -> Array:
        """How far other trainings would move the error of (n, 6) cells, NaN if unknown; costs are taken as exact."""
        moves = np.zeros((len(X), len(self.objectives)))
        for column, objective in enumerate(self.objectives):
            if objective.name == "error":
                moves[:, column] = self.noise.take(self.space.index(X))
        return moves

    @functools.cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest reported value of each objective, (m,) each, of the cells that have one."""
        return np.nanmin(self.scored, axis=0), np.nanmax(self.scored, axis=0)

    def front(self) -> tuple[Array, Array]:
        """All cells whose reported values are nondominated (one of each class of equal cells), and these values.

        Raises
        ------
        ValueError
            Some cells have no values, so that the front is unknown.
        """
        X = self.space.all()
        X = X[np.unique(self.space.key(X))] if self.space.classes else X
        F = self.score(X)
        best = nondominated(F)
        return X[best], F[best]

    def decode(self, X: Array) -> list[str]:
        """Architecture strings, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        return to_strings(X)

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """The live edges of one cell, (6,), as source node, target node, operation."""
        return graph(x)

    def seen_as(self, name: str, values: Array) -> Cells:
        """The problem in which a searcher sees (15625,) `values` in place of an objective's own; scores stay."""
        column, views = self._column(name), {}
        for fidelity, view in self.views.items():
            F = view.F.copy()
            F[:, column] = values
            views[fidelity] = replace(view, F=F)
        return replace(self, views=views)

    def bounds(self, contract: str) -> tuple[Array, Array]:
        """Ideal and nadir of ``"modnas"`` and ``"evoxbench"``, (m,) each, on CIFAR-10.

        `modnas`: CIFAR-10 error and one device's latency, minimum and maximum over all cells with error below 90 %.
        `evoxbench`: any of error, params, flops and latency:eyeriss, the constants of the paper's code; with further
        objectives of C-10/MOP5 to 7, minimum and maximum over the true front, which is how its code finds them.

        Raises
        ------
        ValueError
            The paper has no bounds for this dataset and these objectives.
        """
        names = [objective.name for objective in self.objectives]
        if self.about["dataset"] == "cifar10" and contract == "modnas":
            if len(names) == 2 and "error" in names and any(name.startswith("latency:") for name in names):
                F = self.score(self.space.all())
                F = F[F[:, self._column("error")] < 90.0]
                return F.min(axis=0), F.max(axis=0)
        elif self.about["dataset"] == "cifar10" and contract == "evoxbench" and set(names) <= set(EVOXBENCH):
            nadir = {name: high for name, (_, high) in EVOXBENCH.items()}
            nadir["error"] = 50.98 if "latency:eyeriss" in names else 90.0
            return np.array([EVOXBENCH[name][0] for name in names]), np.array([nadir[name] for name in names])
        elif self.about["dataset"] == "cifar10" and contract == "evoxbench" and set(names) <= {*EVOXBENCH, *HARDWARE}:
            F = self.front()[1]
            return F.min(axis=0), F.max(axis=0)
        known = ", ".join((*EVOXBENCH, *HARDWARE))
        offer = {"modnas": "error and one latency:<device>", "evoxbench": f"any of {known}"}
        cure = f"; it has them for dataset cifar10 and {offer[contract]}" if contract in offer else ""
        raise ValueError(f"contract {contract!r}: no bounds for {self.about['dataset']} and {', '.join(names)}{cure}")

    def _column(self, name: str) -> int:
        return next(i for i, objective in enumerate(self.objectives) if objective.name == name)

    def _refuse_missing(self, F: Array, X: Array, table: Array) -> None:
        bad = np.isnan(F)
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            have = int((~np.isnan(table).any(axis=1)).sum())
            raise ValueError(
                f"{to_strings(X[[row]])[0]}: no {self.objectives[column].name} imported ({have:,} of 15,625 cells have "
                f"it); import the whole source with {ADD}"
            )


def _draw(trials: Array, seeds: Array) -> Array:
    """One of the trials that exist in each row of (n, k), by the row's seed; shape (n,)."""
    exist = (~np.isnan(trials)).sum(axis=1).astype(np.uint64)
    chosen = (np.asarray(seeds, dtype=np.uint64) % exist).astype(np.int64)
    drawn: Array = trials[np.arange(len(trials)), chosen]
    return drawn


@dataclass(frozen=True, eq=False, repr=False)
class FidelityCells(Cells):
    """NAS-Bench-201 with 12 and 200 epochs."""

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer, ascending."""
        return tuple(sorted(epochs for epochs in self.views if epochs is not None))
