"""Print the numbers of docs/problems/surrogates/ofa_mbv3.md: other models of the same networks, fronts, difficulty.

python scripts/embedded/ofa_mbv3_figures.py --shared PATH
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from _ofa_fits import fit_of, one_hot, ridge, split
from ofa_mbv3 import FLOOR, HELD_OUT, RIDGE, effects, measured, modelled, predicted
from scipy.stats import kendalltau
from sklearn.ensemble import HistGradientBoostingRegressor

import mobench
from mobench import Array, make_problem, nondominated
from mobench.core.indicators import hypervolume
from mobench.problems._ofa_mbv3.genes import CHOICES, DEEPEST, STAGES

SEEDS = range(20)
SETS = ("error,latency:note10", "error,flops", "error,latency:v100_b64", "error,latency:note10,params")


def main() -> None:
    """Read the options and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="folder of the reference data")
    folder = parser.parse_args().shared / "ofa_mbv3"
    report_models(folder)
    report_fronts()
    report_difficulty()


def report_models(folder: Path) -> None:
    """Fit of other models to the same networks, on the same held-out ones."""
    networks, errors = measured(folder)
    everything = predicted(folder, networks, 224)
    print(f"{len(networks)} networks, error {errors.min():.2f} to {errors.max():.2f} %")
    tau, off = kendalltau(everything, errors)[0], np.mean(everything - errors)
    print(f"predictor on all of them: tau {tau:.4f}, off by {off:.2f}")
    train, test = split(len(networks), HELD_OUT)
    for cut in ("all", "the outer 30 % of errors"):
        if cut != "all":
            low, high = np.quantile(errors, [0.15, 0.85])
            inside = (errors > low) & (errors < high)
            train, test = np.flatnonzero(inside), np.flatnonzero(~inside)
        answers = {
            "additive in the logarithm": modelled(networks[test], effects(networks[train], errors[train])),
            "the same without a floor": modelled(
                networks[test], effects(networks[train], errors[train], floor=0.0), floor=0.0
            ),
            "additive by depth": by_depth(networks, errors, train, test),
            "official predictor, shifted": everything[test] + np.mean(errors[train] - everything[train]),
            "gradient boosting": trees(networks, errors, train, test),
        }
        for name, answer in answers.items():
            missed = np.abs(answer - errors[test]).mean()
            print(f"{cut}: {name}: {fit_of(answer, errors[test])}, mean absolute error {missed:.3f}")


def by_depth(networks: Array, errors: Array, train: Array, test: Array) -> Array:
    """The additive model with effects of a block for each depth of its stage."""
    grid = one_hot(networks).reshape(len(networks), STAGES, DEEPEST, 3, 3)
    depth = grid.sum(axis=(2, 3, 4)).astype(np.int64)
    halves = np.concatenate([grid.sum(axis=4), grid.sum(axis=3)], axis=3)
    features = (halves[:, :, None] * (depth[:, :, None] == (2, 3, 4))[..., None, None]).reshape(len(networks), -1)
    coefficients, intercept = ridge(features[train], np.log(errors[train] - FLOOR), RIDGE)
    return FLOOR + np.exp(features[test] @ coefficients + intercept)


def trees(networks: Array, errors: Array, train: Array, test: Array) -> Array:
    """Gradient boosting on kernels and expansions, 0 where a block is absent."""
    present = networks < CHOICES
    X = np.column_stack([np.where(present, 1 + networks // 3, 0), np.where(present, 1 + networks % 3, 0)])
    model = HistGradientBoostingRegressor(max_iter=1500, learning_rate=0.03, max_leaf_nodes=15, random_state=0)
    return np.asarray(FLOOR + np.exp(model.fit(X[train], np.log(errors[train] - FLOOR)).predict(X[test])))


def report_fronts() -> None:
    """How many networks the fronts have, and what of them the weightings of three objectives find."""
    for names in SETS[:3]:
        X, F = make_problem("ofa_mbv3", {"objectives": names.split(",")}).front()
        print(f"{names}: {len(F)} on the front, by resolution {np.bincount(X[:, 0], minlength=5).tolist()}")
    for names in ("error,latency:note10,flops", "error,latency:note10,params"):
        problem = make_problem("ofa_mbv3", {"objectives": names.split(",")})
        X, totals = problem.sums.front()
        F = np.unique(problem.values(X[:, 0], totals), axis=0)
        F, found = F[nondominated(F)], problem.front()[1]
        low, high = F.min(axis=0), F.max(axis=0)
        share = hypervolume((found - low) / (high - low), 1.1) / hypervolume((F - low) / (high - low), 1.1)
        beaten = int((~nondominated(np.concatenate([found, F]))[: len(found)]).sum())
        print(f"{names}: {len(F)} on the front; weightings find {len(found)}, {share:.4f} of it, {beaten} dominated")


def report_difficulty() -> None:
    """Shares of the front's hypervolume, means and standard errors over the seeds."""
    for names in SETS:
        for searcher, budget in (*(("random_search", n) for n in (50, 200, 500, 1000)), ("nsga2", 500)):
            runs = [mobench.run(searcher, f"ofa_mbv3:objectives=[{names}]", budget=budget, seed=s) for s in SEEDS]
            shares = np.array([run.hypervolume() for run in runs])
            error = shares.std(ddof=1) / len(shares) ** 0.5
            print(f"{names}: {searcher} {budget}: {shares.mean():.4f} +- {error:.4f}")


if __name__ == "__main__":
    main()
