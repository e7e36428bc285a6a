"""The metric contract: how a delivered set becomes a number, frozen and versioned for each problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobench.core.capabilities import Enumerable, Published, Ranged, Slow
from mobench.core.indicators import (
    epsilon_additive,
    finite,
    hypervolume,
    hypervolumes,
    igd_plus,
    is_exact,
    log10_regret,
    nondominated,
    r2,
)
from mobench.core.limits import within
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array
from mobench.scoring.contracts import CONTRACTS, DEFAULT
from mobench.scoring.feasibility import cut_box, feasible_front, refuse_limits, refuse_unseen
from mobench.scoring.subset import largest

__all__ = ["CAPS", "Contract", "Delivered", "contract_for"]

Delivered = Literal["paid", "claimed", "population"]
"""The set by which a run is judged: what was trained; what it recommended or saw; its final population."""

CAPS = (5, 10, 20)
"""Sizes to which delivered sets are cut for comparison, by what was seen."""


@dataclass(frozen=True)
class Contract:
    """How the fronts of one problem are compared: what comes in natural units and sign is minimised here.

    Attributes
    ----------
    name : str
        A key of `CONTRACTS`.
    objectives : tuple of Objective
        The columns of values; those of ``scale="log"`` are compared by their logarithms, and what is beyond a limit
        counts nothing.
    ideal, span : Array
        (m,) the point that becomes 0, minimised, and what is 1 from there.
    reference : float
        The reference point, the same in every normalised objective.
    front : Array
        (k, m) true front within all limits, normalised; empty where it is unknown.
    volume : float
        Hypervolume that counts as 1: the true front's, or the whole box where the front is unknown.
    delivered : str
        The set by which a run is judged.
    """

    name: str
    objectives: tuple[Objective, ...]
    ideal: Array
    span: Array
    reference: float
    front: Array
    volume: float
    delivered: Delivered

    def normalise(self, F: Array) -> Array:
        """(n, m) values, minimised and in units of ideal (0) and nadir (1)."""
        return (_scaled(minimised(F, self.objectives), self.objectives) - self.ideal) / self.span

    def feasible(self, F: Array) -> Array:
        """Which rows of (n, m) values are within all limits: the others count nothing; shape (n,), bool."""
        return within(minimised(np.asarray(F), self.objectives), self.objectives)

    def share(self, F: Array) -> float:
        """Hypervolume of (n, m) values as a share of the true front's."""
        return hypervolume(self.normalise(F)[self.feasible(F)], self.reference) / self.volume

    def shares(self, F: Array, sets: Sequence[Array]) -> Array:
        """The share of each of several sets of rows of (n, m) values; (len(sets),)."""
        feasible = self.feasible(F)
        volumes = hypervolumes(self.normalise(F), [rows[feasible[rows]] for rows in sets], self.reference)
        found: Array = volumes / self.volume
        return found

    def measures(self, F: Array, seen: Array | None = None) -> dict[str, float]:
        """All measures of (n, m) values.

        Parameters
        ----------
        F : Array
            The delivered set as scored.
        seen : Array, optional
            The same as seen: what larger sets are cut by. Without it there are no measures of cut sets.

        Returns
        -------
        dict
            hypervolume (the share), log10_regret, r2, size (of the set, as far as it is within the limits), volume
            (hypervolume in the objectives' own units, logarithms where they are compared so), approximated (1 where the
            hypervolume, of the set or of the true front, is not exact, else 0); igd_plus and epsilon where the true
            front is known; and of sets cut to k members hypervolume_k.
        """
        feasible = self.feasible(F)
        every = self.normalise(F)
        N = every[feasible]
        whole = hypervolume(N, self.reference)
        share = whole / self.volume
        found = {"hypervolume": share, "log10_regret": float(log10_regret(share)), "r2": r2(N, 0.0)}
        found |= {"size": float(len(N)), "volume": whole * float(np.prod(self.span))}
        found["approximated"] = float(not all(_exact(points) for points in (N, self.front)))
        if len(self.front):
            found |= {"igd_plus": igd_plus(N, self.front), "epsilon": epsilon_additive(N, self.front)}
        if seen is not None:
            S = self.normalise(seen)
            kept = largest(S, CAPS, self.reference)
            found |= {
                f"hypervolume_{k}": hypervolume(every[kept[k][feasible[kept[k]]]], self.reference) / self.volume
                for k in CAPS
            }
        return found

    def distance(self, name: str, F: Array) -> float:
        """One of the distances of `measures` alone, of (n, m) values; infinite for no value.

        Raises
        ------
        ValueError
            `name` is none of them, or the true front that it needs is unknown.
        """
        if name == "r2":
            return r2(self.normalise(F)[self.feasible(F)], 0.0)
        if name not in ("igd_plus", "epsilon") or not len(self.front):
            raise ValueError(f"indicator: {name!r} is no distance, or needs a true front, which is not known")
        measure = igd_plus if name == "igd_plus" else epsilon_additive
        return measure(self.normalise(F)[self.feasible(F)], self.front)

    @property
    def constants(self) -> Mapping[str, object]:
        """What numbers rest on, as plain data: ideal, nadir, reference, volume, logarithms, and limits if any."""
        limits = {objective.name: objective.limit for objective in self.objectives if objective.limit is not None}
        return {
            "contract": self.name,
            "ideal": self.ideal.tolist(),
            "nadir": (self.ideal + self.span).tolist(),
            "reference": self.reference,
            "volume": self.volume,
            "log": [objective.name for objective in self.objectives if objective.scale == "log"],
            **({"limits": limits} if limits else {}),
        }


def _exact(F: Array) -> bool:
    """Whether the hypervolume of (n, m) points, dominated ones among them, is exact."""
    n, m = F.shape
    return is_exact(n, m) or is_exact(int(nondominated(F).sum()), m)


def _scaled(F: Array, objectives: tuple[Objective, ...]) -> Array:
    """Minimised values, with logarithms where objectives are compared by them."""
    F = finite(F)
    logs = [j for j, objective in enumerate(objectives) if objective.scale == "log"]
    if not logs:
        return F
    F = F.copy()
    for j in logs:
        sign = -1.0 if objectives[j].maximise else 1.0
        values = sign * F[:, j]
        if len(values) and not (values > 0).all():
            raise ValueError(
                f"objective {objectives[j].name!r}: scale 'log' needs positive values, found {values.min()}"
            )
        F[:, j] = sign * np.log(values)
    return F


def contract_for(problem: Problem, name: str = DEFAULT) -> Contract:
    """The named contract of a problem.

    Raises
    ------
    ValueError
        No such contract, or the problem lacks what it needs (a true front or published bounds; `ranges` where the front
        has no extent), or no architecture is within its limits. The older contracts know no limits and refuse them.
    """
    if name not in CONTRACTS:
        raise ValueError(f"contract: unknown {name!r}; choose from {', '.join(CONTRACTS)}")
    objectives = tuple(problem.objectives)
    if name != "mobench-2":  # the older ones knew no logarithms and no limits
        refuse_limits(name, objectives)
        objectives = tuple(Objective(o.name, o.unit, o.maximise) for o in objectives)
    m, ours = len(objectives), name.startswith("mobench")
    values = problem.front()[1] if isinstance(problem, Enumerable) else np.empty((0, m))
    if name == "modnas":
        errors = [j for j, objective in enumerate(objectives) if objective.name == "error"]
        values = values[(values[:, errors] < MODNAS_ERROR).all(axis=1)]
    front = _scaled(feasible_front(minimised(values, objectives), objectives), objectives)
    if ours and len(front):
        ideal, nadir = front.min(axis=0), front.max(axis=0)
    elif isinstance(problem, Published):
        ideal, nadir = (np.asarray(point, dtype=np.float64) for point in problem.bounds(name))
        nadir = cut_box(ideal, nadir, objectives)
    else:
        raise ValueError(
            f"contract {name!r}: the problem gives neither a true front nor bounds for it; "
            "write its front() or bounds()"
        )
    refuse_unseen(problem, objectives)
    reference = 1.1 if ours else 1.0
    span = nadir - ideal
    if (flat := span <= 0).any():
        span = np.where(flat, _extent(problem, objectives) if name == "mobench-2" else 1.0, span)
    normalised = (front - ideal) / span
    volume = hypervolume(normalised, reference) if len(front) else reference**m
    if not volume > 0:
        raise ValueError(f"contract {name!r}: the true front dominates no volume within these bounds")
    rules: dict[str, Delivered] = {"mobench-2": "paid", "evoxbench": "population"}
    return Contract(name, objectives, ideal, span, reference, normalised, volume, rules.get(name, "claimed"))


MODNAS_ERROR = 90.0
"""Per cent: architectures of that error and more are left out of MODNAS's fronts and bounds."""

LISTED = 1_000_000
"""So many architectures are scored to see what they reach."""


def _extent(problem: Problem, objectives: tuple[Objective, ...]) -> Array:
    """What counts as 1 in objectives in which the front has no extent, (m,): that of all architectures.

    Where they all have one value any number does, as every share is the same.

    Raises
    ------
    ValueError
        The problem does not know it, and has too many architectures to look, or slow ones.
    """
    if isinstance(problem, Ranged):
        ends = np.stack(problem.ranges)
    elif problem.space.size <= LISTED and not isinstance(problem, Slow):
        F = problem.score(problem.space.all())
        ends = np.stack([F.min(axis=0), F.max(axis=0)])
    else:
        raise ValueError(
            "the true front has one value only in an objective, and what all architectures reach is not known: give "
            "the problem `ranges`, the least and the greatest scored value of each objective"
        )
    scaled = _scaled(minimised(ends, objectives), objectives)
    extent: Array = np.abs(scaled[1] - scaled[0])
    return np.where(extent > 0, extent, 1.0)
