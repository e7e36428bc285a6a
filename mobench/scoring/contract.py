"""The metric contract: which set a run delivers and how it is scored, frozen and versioned for each problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobench.core.budget import CURRENCIES
from mobench.core.capabilities import Enumerable, Published
from mobench.core.indicators import epsilon_additive, finite, hypervolume, igd_plus, log10_regret, nondominated, r2
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array
from mobench.harness.history import History, Note

__all__ = ["CONTRACTS", "Contract", "anytime", "contract_for"]

CONTRACTS: dict[str, str] = {
    "mobench-1": "ideal and nadir of the true front, reference 1.1, everything a run saw or recommended",
    "evoxbench": "published ideal and nadir, reference 1, the final population (Lu et al. 2023)",
    "modnas": "minimum and maximum of the table without errors of 90 % and more, reference 1 (Sukthanker et al. 2024)",
}


@dataclass(frozen=True)
class Contract:
    """How the fronts of one problem are compared: what comes in natural units and sign is minimised here.

    Attributes
    ----------
    name : str
        A key of `CONTRACTS`.
    objectives : tuple of Objective
        The columns of values.
    ideal, nadir : Array
        (m,) points, minimised, that become 0 and 1.
    reference : float
        The reference point, the same in every normalised objective.
    front : Array
        (k, m) true front, normalised; empty where it is unknown.
    volume : float
        Hypervolume that counts as 1: the true front's, or the whole box where the front is unknown.
    delivered : str
        ``"archive"`` or ``"population"``: the set by which a run is judged.
    """

    name: str
    objectives: tuple[Objective, ...]
    ideal: Array
    nadir: Array
    reference: float
    front: Array
    volume: float
    delivered: Literal["archive", "population"]

    def normalise(self, F: Array) -> Array:
        """(n, m) values, minimised and in units of ideal (0) and nadir (1)."""
        span = np.where(self.nadir > self.ideal, self.nadir - self.ideal, 1.0)
        return (finite(minimised(F, self.objectives)) - self.ideal) / span

    def share(self, F: Array) -> float:
        """Hypervolume of (n, m) values as a share of the true front's."""
        return hypervolume(self.normalise(F), self.reference) / self.volume

    def measures(self, F: Array) -> dict[str, float]:
        """All measures of (n, m) values; those that need the true front are absent where it is unknown."""
        N = self.normalise(F)
        share = hypervolume(N, self.reference) / self.volume
        found = {"hypervolume": share, "log10_regret": float(log10_regret(share)), "r2": r2(N, 0.0)}
        if len(self.front):
            found |= {"igd_plus": igd_plus(N, self.front), "epsilon": epsilon_additive(N, self.front)}
        return found

    def choose(self, history: History, answers: int) -> Array:
        """Architectures delivered after the first `answers` answers, chosen from what was seen, before any scoring.

        The last recommendation where there is one; else the last recorded ``population`` (contract ``evoxbench``);
        else the nondominated set of the full-fidelity answers.

        Parameters
        ----------
        history : History
            What the run saw.
        answers : int
            How many answers count.

        Returns
        -------
        Array
            (k, d) architectures, each once.
        """
        recommended = [note.content for note in history.recommended if note.answers <= answers]
        if recommended:
            return np.unique(recommended[-1], axis=0)
        candidates = np.flatnonzero(history.fidelity[:answers] == 0)
        if self.delivered == "population":
            earlier = (note.content for note in history.records if note.answers <= answers)
            populations = [content["population"] for content in earlier if "population" in content]
            if populations:
                members = set(map(tuple, populations[-1]))
                seen = map(tuple, history.X[candidates].tolist())
                candidates = candidates[[x in members for x in seen]]
        return np.unique(history.X[candidates][nondominated(history.F[candidates], self.objectives)], axis=0)


def contract_for(problem: Problem, name: str = "mobench-1") -> Contract:
    """The named contract of a problem.

    Raises
    ------
    ValueError
        No such contract, or the problem lacks what it needs (a true front, or published bounds).
    """
    if name not in CONTRACTS:
        raise ValueError(f"contract: unknown {name!r}; choose from {', '.join(CONTRACTS)}")
    m = len(problem.objectives)
    front = minimised(problem.front()[1], problem.objectives) if isinstance(problem, Enumerable) else np.empty((0, m))
    if name == "mobench-1" and len(front):
        ideal, nadir = front.min(axis=0), front.max(axis=0)
    elif isinstance(problem, Published):
        ideal, nadir = problem.bounds(name)
    else:
        raise ValueError(f"contract {name!r}: the problem gives neither a true front nor bounds for it")
    reference = 1.1 if name == "mobench-1" else 1.0
    scale = np.where(nadir > ideal, nadir - ideal, 1.0)
    normalised = (front - ideal) / scale
    volume = hypervolume(normalised, reference) if len(front) else reference**m
    if not volume > 0:
        raise ValueError(f"contract {name!r}: the true front dominates no volume within these bounds")
    delivered: Literal["archive", "population"] = "population" if name == "evoxbench" else "archive"
    return Contract(name, tuple(problem.objectives), ideal, nadir, reference, normalised, volume, delivered)


def anytime(contract: Contract, problem: Problem, history: History) -> tuple[dict[str, Array], Array]:
    """Hypervolume share of what a run would deliver, over its course.

    The set is chosen from what was seen up to each moment and only then scored, so the share can fall.

    Returns
    -------
    spent, share : dict of str to Array, Array
        The ledger, (k,) an axis, at the moments when the share changed, and the (k,) share from then on. Empty where
        nothing was answered at the full fidelity and nothing recommended.
    """
    if history.recommended:
        sets = [problem.score(np.unique(note.content, axis=0)) for note in history.recommended]
        return _positions(history.recommended), _shares(contract, sets)
    notes = [note for note in history.records if "population" in note.content and note.answers]
    if contract.delivered == "population" and notes:
        sets = [problem.score(contract.choose(history, note.answers)) for note in notes]
        return _positions(notes), _shares(contract, sets)
    scored = problem.score(history.X) if len(history.X) else history.F
    changes, members = _archives(minimised(history.F, problem.objectives), history.fidelity == 0)
    spent = {axis: amounts[changes - 1] for axis, amounts in history.spent.items()}
    return spent, _shares(contract, [scored[rows] for rows in members])


def _positions(notes: list[Note]) -> dict[str, Array]:
    return {axis: np.array([note.spent[axis] for note in notes]) for axis in CURRENCIES}


def _shares(contract: Contract, sets: list[Array]) -> Array:
    return np.array([contract.share(F) for F in sets], dtype=np.float64)


def _archives(F: Array, eligible: Array, block: int = 64) -> tuple[Array, list[Array]]:
    """Rows of the nondominated set of `F`, minimised, after each answer that changes it.

    Points that the archive already dominates are dropped a block at a time; only the rest is looked at singly.
    """
    moments, members, archive = [], [], np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(eligible)
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        best = F[archive]
        hopeful = part if not len(best) else part[~_dominated(F[part], best)]
        for row in hopeful:
            point = F[row][None]
            if len(archive) and _dominated(point, F[archive])[0]:
                continue
            archive = np.append(archive[~_dominated(F[archive], point)], row) if len(archive) else np.array([row])
            moments.append(int(row) + 1)
            members.append(archive)
    return np.array(moments, dtype=np.int64), members


def _dominated(F: Array, by: Array) -> Array:
    """Which rows of (n, m) `F` some row of (k, m) `by` dominates."""
    better = np.logical_and((by[None] <= F[:, None]).all(axis=2), (by[None] < F[:, None]).any(axis=2))
    mask: Array = np.any(better, axis=1)
    return mask
