"""A table as a problem: rows of genes, what a searcher sees of each and what is scored, and their prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mobench import Array, Cost, Objective, Space, Values, fingerprint, in_short, nondominated, parse_objectives

LARGEST_TRIALS = 100_000_000
"""Values of all trials that are held in memory, at most."""


@dataclass(frozen=True)
class Offer:
    """What a table of n rows has of one objective.

    Attributes
    ----------
    objective : Objective
        Its name, unit and direction.
    scored : Array
        (n,) what is reported.
    seen : Array, optional
        (n, trials) what a searcher may be told, each column as likely; what is scored, where left out.
    noise : Array, optional
        (n,) standard errors of `scored`, 0 where exact, NaN where unknown; told from the trials where left out.
    counted : bool
        Whether it is a formula of the architecture, known without a training or a measurement.
    """

    objective: Objective
    scored: Array
    seen: Array | None = None
    noise: Array | None = None
    counted: bool = False

    @property
    def trials(self) -> Array:
        """What is seen, (n, trials)."""
        return self.scored[:, None] if self.seen is None else self.seen


@dataclass(frozen=True)
class View:
    """What one fidelity shows of n rows.

    Attributes
    ----------
    seen : Array
        (n, trials, m) what a searcher may be told.
    flops, seconds : Array or float
        (n,) price of each row, in multiply-adds and in seconds, or one for all.
    """

    seen: Array
    flops: Array | float = 0.0
    seconds: Array | float = 0.0

    @property
    def price(self) -> Cost:
        """One evaluation, at the mean price of the rows."""
        return Cost(evaluations=1, flops=float(np.mean(self.flops)), seconds=float(np.mean(self.seconds)))


@dataclass(frozen=True, eq=False, repr=False)
class TableProblem:
    """A table with n rows.

    Attributes
    ----------
    space : Space
        A complete grid, whose i-th row in lexicographic order is the i-th of the table, or a pool of the table's rows.
    objectives : tuple of Objective
        The m columns of F.
    views : mapping
        Epochs to what they show; None is the full fidelity.
    scored : Array
        (n, m) what is reported.
    noise : Array
        (n, m) standard errors of `scored`; NaN where unknown.
    written : callable
        (k, d) architectures to k texts.
    provenance : str
        Where the numbers come from.
    remarks : tuple of str
        What one should know of them, rows that were left out, say.
    files : tuple of Path
        Files of users that it was read from.
    counted : tuple of bool
        (m,) which objectives are formulas of the architecture; empty: none.
    """

    space: Space
    objectives: tuple[Objective, ...]
    views: Mapping[int | None, View] = field(repr=False)
    scored: Array = field(repr=False)
    noise: Array = field(repr=False)
    written: Callable[[Array], list[str]] = field(repr=False)
    provenance: str = ""
    remarks: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    counted: tuple[bool, ...] = ()

    __repr__ = in_short

    @property
    def training(self) -> Cost:
        """One evaluation, at the mean price of the rows."""
        return self.views[None].price

    @property
    def deterministic(self) -> bool:
        """Whether every objective has one trial."""
        return bool(self.views[None].seen.shape[1] == 1)

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Answer (n, d) architectures, each with the trial that its seed draws.

        Raises
        ------
        ValueError
            The table has trials and there are no `seeds`, or a fidelity that is not on offer.
        """
        if fidelity not in self.views:
            offer = ", ".join(str(f) for f in self.views if f is not None) or "only the full one"
            raise ValueError(f"fidelity: {fidelity!r} is not on offer; this table has {offer}")
        view, rows = self.views[fidelity], self.space.key(X)
        draw: Array | int = 0
        if (trials := view.seen.shape[1]) > 1:
            if seeds is None:
                raise ValueError("seeds: expected one an architecture, as the table has trials; found None")
            draw = (np.asarray(seeds, dtype=np.uint64) % np.uint64(trials)).astype(np.int64)
        return Values(view.seen[rows, draw], *(c if isinstance(c, float) else c[rows] for c in _prices(view)))

    def score(self, X: Array) -> Array:
        """Give the scored columns of (n, d) architectures; shape (n, m)."""
        return self.scored.take(self.space.key(X), axis=0)

    def known_costs(self, X: Array) -> Array:
        """What is counted of (n, d) architectures, (n, m); NaN in what is measured."""
        known = np.array(self.counted or (False,) * len(self.objectives))
        return np.where(known, self.score(X), np.nan)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of all that is seen and scored, and of what is better: the file may change under its name."""
        better = repr([(o.name, o.maximise, o.scale) for o in self.objectives]).encode()
        rows = () if self.space.pool is None else (self.space.pool,)
        seen = [part for view in self.views.values() for part in (view.seen, *_prices(view))]
        return fingerprint(np.frombuffer(better, dtype=np.uint8), *rows, self.scored, self.noise, *seen)

    def standard_errors(self, X: Array) -> Array:
        """How far other trials would move the scores of (n, d) architectures: (n, m), NaN in a table without trials."""
        return self.noise.take(self.space.key(X), axis=0)

    @cached_property
    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest scored value of each objective, (m,) each."""
        return self.scored.min(axis=0), self.scored.max(axis=0)

    def front(self) -> tuple[Array, Array]:
        """All Pareto-optimal rows of the table, and their scored values; read-only."""
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        X = self.space.all()
        rows = np.sort(np.unique(self.space.key(X), return_index=True)[1])  # one of each architecture
        best = rows[nondominated(self.scored[rows], self.objectives)]
        X, F = X[best], self.scored[best]
        X.flags.writeable = F.flags.writeable = False
        return X, F

    def decode(self, X: Array) -> list[str]:
        """Architectures in their written form."""
        return self.written(np.asarray(X))


def _prices(view: View) -> tuple[Array | float, Array | float]:
    return view.flops, view.seconds


@dataclass(frozen=True, eq=False, repr=False)
class FidelityTable(TableProblem):
    """A table that shows shorter trainings, too."""

    @property
    def fidelities(self) -> tuple[int, ...]:
        """Epochs on offer, ascending."""
        return tuple(sorted(epochs for epochs in self.views if epochs is not None))


def chosen(offers: Mapping[str, Offer], names: Sequence[str]) -> list[Offer]:
    """Those of a table's offers that are named as objectives, ``latency`` or with a limit ``latency<=5``, in order.

    Raises
    ------
    ValueError
        None is named, one twice, one that the table does not have (the nearest is offered), or a limit of another form.
    """
    objectives = parse_objectives(names, {name: offer.objective for name, offer in offers.items()})
    return [replace(offers[objective.name], objective=objective) for objective in objectives]


def stacked(offers: Sequence[Offer]) -> tuple[Array, Array, Array]:
    """What is seen, (n, trials, m), what is scored, (n, m), and how sure that is, (n, m).

    An objective with fewer trials than another repeats them, so that each is drawn equally often, and objectives with
    equally many are drawn together, as results of one training.

    Raises
    ------
    ValueError
        So many trials would have to be repeated that they do not fit into memory.
    """
    counts = [offer.trials.shape[1] for offer in offers]
    most, n = math.lcm(*counts), len(offers[0].scored)
    if most * len(counts) * n > LARGEST_TRIALS:
        raise ValueError(
            f"objectives: {most:,} trials are the least that {counts} share; use equally many columns each"
        )
    seen = np.stack([np.tile(o.trials, (1, most // k)) for o, k in zip(offers, counts, strict=True)], axis=2)
    noise = [_noise(offer, alone=0.0 if most > 1 else np.nan) for offer in offers]
    return seen, np.column_stack([offer.scored for offer in offers]), np.column_stack(noise)


def _noise(offer: Offer, *, alone: float) -> Array:
    """Standard errors of what is scored: `alone` where there is one trial."""
    if offer.noise is not None:
        return offer.noise
    k = offer.trials.shape[1]
    if k == 1:
        return np.full(len(offer.scored), alone)
    noise: Array = offer.trials.std(axis=1, ddof=1) / math.sqrt(k)
    return noise


def table_problem(
    space: Space,
    offers: Sequence[Offer],
    *,
    written: Callable[[Array], list[str]],
    flops: Array | float = 0.0,
    seconds: Array | float = 0.0,
    provenance: str = "",
) -> TableProblem:
    """A table with one fidelity.

    Parameters
    ----------
    space, written, provenance
        See `TableProblem`.
    offers : sequence of Offer
        The objectives, over the rows of the table in the order of the space (see `TableProblem`).
    flops, seconds : Array or float
        (n,) price of each row, or one for all.
    """
    seen, scored, noise = stacked(offers)
    objectives = tuple(offer.objective for offer in offers)
    return TableProblem(
        space,
        objectives,
        {None: View(seen, flops, seconds)},
        scored,
        noise,
        written,
        provenance,
        counted=tuple(offer.counted for offer in offers),
    )


def genes_by_name(names: Sequence[str], choices: Sequence[Sequence[object]], X: Array) -> list[str]:
    """Genes by name and value, ``kernel=3 width=64``, of (k, d) architectures."""
    return [" ".join(f"{n}={values[i]}" for n, values, i in zip(names, choices, x, strict=True)) for x in X.tolist()]
