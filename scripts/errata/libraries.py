"""Numbers of docs/errata.md: what libraries do with fronts, populations and seeds."""

import importlib
from pathlib import Path

import moocore
import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.optimize import minimize
from pymoo.problems import get_problem
from scipy.stats import kendalltau

from mobench import Array, nondominated
from mobench.problems.tables.motif import problem
from mobench.scoring.contract import contract_for

SYNE_TUNE = "syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority"
THREE = np.array([[2.0, 2.0], [3.0, 3.0], [1.0, 1.0]])
"""Each dominates the one before it in the order 2, 0, 1; so their ranks are 1, 2, 0."""


def priorities(_: Path) -> dict[str, object]:
    """Syne Tune's priorities of three points, and Kendall's tau of those of random points with their ranks."""
    priority = importlib.import_module(SYNE_TUNE).NonDominatedPriority()
    rng = np.random.default_rng(0)
    draws = [rng.random((30, 2)) for _ in range(300)]
    given = [(priority(F), moocore.pareto_rank(F)) for F in draws]
    tau, places = (np.mean([kendalltau(f(p), rank).statistic for p, rank in given]) for f in (np.array, np.argsort))
    return {"given": priority(THREE).tolist(), "tau": float(tau), "places": float(places), "draws": len(draws)}


def duplicates(_: Path) -> dict[str, float]:
    """Share of Motif's front that 100 copies of its middle cell have, and that random rows have in their places."""
    motif = problem()
    contract, (X, F) = contract_for(motif), motif.front()
    middle = X[np.argsort(F[:, 0])][[len(X) // 2]]
    draws = [motif.space.sample(np.random.default_rng(seed), 99) for seed in range(20)]
    replaced = [contract.share(motif.score(np.vstack([middle, rows]))) for rows in draws]
    return {
        "front": len(X),
        "copies": contract.share(motif.score(np.repeat(middle, 100, axis=0))),
        "replaced": float(np.mean(replaced)),
        "random": float(np.mean([contract.share(motif.score(rows)) for rows in draws])),
    }


def not_finite(_: Path) -> dict[str, float]:
    """Hypervolume by moocore of the point (1, 1) with reference 2, beside another point that is not finite."""
    beside = {"nan": np.nan, "inf": np.inf, "minus_inf": -np.inf}
    return {name: float(moocore.hypervolume([[1.0, 1.0], [value, 0.0]], ref=2.0)) for name, value in beside.items()}


def equal_points(_: Path) -> dict[str, int]:
    """How many of two equal points moocore and mobench keep as nondominated."""
    two = np.ones((2, 2))
    return {"moocore": int(moocore.is_nondominated(two).sum()), "mobench": int(nondominated(two).sum())}


def misspelt(_: Path) -> dict[str, bool]:
    """Whether two runs of pymoo with the same `seed`, and with the same misspelt `sead`, are equal."""

    def run(**options: int) -> Array:
        return np.asarray(minimize(get_problem("zdt1"), NSGA2(pop_size=10), ("n_gen", 2), **options).pop.get("X"))

    return {word: bool(np.array_equal(run(**{word: 1}), run(**{word: 1}))) for word in ("seed", "sead")}
