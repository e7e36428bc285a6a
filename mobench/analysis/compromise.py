"""One architecture of a front: its knee, or the one that preference weights ask for; chosen by what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mobench.analysis.pooled import answers_of, one_problem
from mobench.core.capabilities import Decodable
from mobench.core.indicators import nondominated
from mobench.core.messages import check_known
from mobench.core.problem import Objective, Problem, minimised
from mobench.core.space import Array
from mobench.files.documents import FORMAT, write_document
from mobench.scoring.result import Result

__all__ = ["Choice", "choose", "knee", "nearest_weights"]


@dataclass(frozen=True)
class Choice:
    """An architecture that was chosen.

    Attributes
    ----------
    problem : Problem
        Which it is of.
    x : Array
        (d,) its genes.
    seen, score : mapping of str to float
        Objective to the value that it was chosen by, and the one that it is reported with; natural units.
    rule : str
        Why this one, in words.
    candidates : int
        How many it was chosen from: delivered, and nondominated as seen.
    """

    problem: Problem
    x: Array
    seen: Mapping[str, float]
    score: Mapping[str, float]
    rule: str
    candidates: int

    @property
    def text(self) -> str:
        """The architecture's written form, where the problem has one; else its genes."""
        return self.problem.decode(self.x[None])[0] if isinstance(self.problem, Decodable) else str(self.x.tolist())

    @property
    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        units = {objective.name: objective.unit for objective in self.problem.objectives}
        genes = dict(zip(self.problem.space.names, self.x.tolist(), strict=True))
        return {"format": FORMAT, "genes": genes, "architecture": self.text, "rule": self.rule} | {
            "candidates": self.candidates,
            "seen": dict(self.seen),
            "score": dict(self.score),
            "units": units,
        }

    def write(self, path: str | Path) -> Path:
        """Write it as a JSON document; a file of that name is replaced."""
        write_document(Path(path), self.document)
        return Path(path)


def choose(results: Result | Sequence[Result], *, weights: Mapping[str, float] | None = None) -> Choice:
    """Choose one architecture of the fronts that runs deliver.

    All that they deliver is taken together, an architecture's values are the mean of its answers, and what is dominated
    by them is left out. The choice is by these values, which searchers saw; scores are looked at afterwards.

    Parameters
    ----------
    results : Result or sequence of Result
        Runs on one problem.
    weights : mapping of str to number, optional
        Objective to how much it matters, from 0, not all 0; what is left out has 0. The knee is chosen without them.

    Raises
    ------
    ValueError
        The runs are on different problems or deliver nothing, or the weights are none.

    Examples
    --------
    >>> import mobench
    >>> run = mobench.run("nsga2", "lotz", budget=400)
    >>> choose(run).candidates, choose(run, weights={"leading ones": 1}).seen["leading ones"]
    (9, 8.0)
    """
    runs, problem = one_problem(results)
    shares = None if weights is None else _shares(weights, problem.objectives)
    X, F = answers_of(runs)
    delivered = np.concatenate([run.delivered() for run in runs])
    kept = np.isin(problem.space.key(X), problem.space.key(delivered))
    X, F = X[kept], F[kept]
    best = nondominated(F, problem.objectives)
    X, F = X[best], F[best]
    if not len(X):
        raise ValueError("choose: these runs deliver nothing that could be chosen")
    M = minimised(F, problem.objectives)
    row = knee(M) if shares is None else nearest_weights(M, shares)
    names = [objective.name for objective in problem.objectives]
    rule = (
        "knee" if shares is None else "weights " + ", ".join(f"{n} {w:.3g}" for n, w in zip(names, shares, strict=True))
    )
    return Choice(
        problem=problem,
        x=X[row],
        seen=dict(zip(names, F[row].tolist(), strict=True)),
        score=dict(zip(names, problem.score(X[[row]])[0].tolist(), strict=True)),
        rule=rule,
        candidates=len(X),
    )


def knee(F: Array) -> int:
    """The row of a front, (n, m) minimised, that bulges most: farthest below the plane through its ends (Das 1999).

    In units of the front's own range the plane is where coordinates sum to 1, so it is the row with the least sum.
    An objective without range counts nothing. Of equals the first.

    Examples
    --------
    >>> knee(np.array([[0.0, 10.0], [1.0, 2.0], [4.0, 0.0]]))
    1
    """
    return int(_unit(F).sum(axis=1).argmin())


def nearest_weights(F: Array, weights: Array) -> int:
    """The row of a front, (n, m) minimised, whose pseudo-weights (Deb 2001) are the nearest to (m,) `weights`.

    A row's pseudo-weights say how far each objective is from its worst, as shares that sum to 1: (1, 0) is the best
    first objective. They are places on the front, not factors of a weighted sum, which would miss what is not convex.

    Examples
    --------
    >>> front = np.array([[0.0, 10.0], [1.0, 2.0], [4.0, 0.0]])
    >>> [nearest_weights(front, np.array(w)) for w in ([1.0, 0.0], [0.5, 0.5], [0.0, 1.0])]
    [0, 1, 2]
    """
    goodness = 1.0 - _unit(F)
    total = goodness.sum(axis=1, keepdims=True)
    shares = np.divide(goodness, total, out=np.full_like(goodness, 1 / F.shape[1]), where=total > 0)
    return int(np.abs(shares - weights).sum(axis=1).argmin())


def _unit(F: Array) -> Array:
    """Objectives in units of the front: 0 the best of it, 1 the worst; 1 where there is no range."""
    low, high = F.min(axis=0), F.max(axis=0)
    unit: Array = np.divide(F - low, high - low, out=np.ones_like(F, dtype=np.float64), where=high > low)
    return unit


def _shares(weights: Mapping[str, float], objectives: Sequence[Objective]) -> Array:
    """Weights in the order of the objectives, summing to 1."""
    names = [objective.name for objective in objectives]
    check_known("objective", weights, names)
    found = np.array([float(weights.get(name, 0.0)) for name in names])
    if not (np.isfinite(found).all() and (found >= 0).all() and found.sum() > 0):
        raise ValueError(f"weights: expected numbers from 0, not all 0, found {dict(weights)!r}")
    shares: Array = found / found.sum()
    return shares
