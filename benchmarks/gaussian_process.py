"""How much less CPU time a suggestion takes with mobench's Gaussian process than with BoTorch's, at equal quality.

Both fit one process an objective to the same 200 answers, then choose four of the same candidates by the expected noisy
improvement of the hypervolume; what the processes predict of other architectures says whether they are as good.
BoTorch is not needed to see the one side.
``OMP_NUM_THREADS=1 python benchmarks/gaussian_process.py [repeats] [answers]``
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from mobench import Array, Problem, make_problem, nondominated
from mobench.searchers._models.encoding import bits
from mobench.searchers._models.gaussian import fit
from mobench.searchers._models.improvement import greedy, rays

PROBLEMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("catsum", {}),
    ("nasbench201", {"objectives": ["error", "latency:titan_rtx_32"]}),
    ("ofa_mbv3", {"objectives": ["error", "latency:note10"]}),
)
"""Name and options."""
CANDIDATES, BATCH, DRAWS, RAYS, MARGIN = 128, 4, 32, 256, 0.1
"""Architectures to choose from, how many are chosen, draws of the processes; rays and margin are those of `qnehvi`."""

Side = Callable[[Problem, Array, Array, Array, Array], tuple[Array, Array]]
"""Problem, (n, d) architectures, (n, m) values, (k, d) candidates, (l, d) others: (l, m) predictions, the chosen."""


def ours(problem: Problem, X: Array, F: Array, choices: Array, others: Array) -> tuple[Array, Array]:
    """As `qnehvi` does it, from the first fit on: a later one begins with the parameters of the one before."""
    rng, encoding = np.random.default_rng(0), bits(problem.space)
    models = [fit(encoding, X, y) for y in F.T]
    front = X[nondominated(F)]
    joint = np.stack([model.sample(rng, np.concatenate([front, choices]), DRAWS) for model in models], axis=-1)
    lines = rays(rng, RAYS, reference(F))
    lengths, k = lines.lengths(joint), len(front)
    chosen = greedy(lengths[:, :k].max(axis=1), lengths[:, k:], BATCH)
    return np.column_stack([model.predict(others)[0] for model in models]), choices[chosen]


def theirs(problem: Problem, X: Array, F: Array, choices: Array, others: Array) -> tuple[Array, Array]:
    """As docs/adapters/botorch.md does it: categorical kernel, qLogNEHVI, the best of the candidates."""
    import torch
    from botorch.acquisition.multi_objective import logei
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import MixedSingleTaskGP
    from botorch.optim import optimize_acqf_discrete
    from botorch.sampling import SobolQMCNormalSampler
    from gpytorch.mlls import ExactMarginalLogLikelihood

    vars(logei)["_load_attempted"] = True  # else it compiles a kernel of its own
    X_, Y, choices_, others_ = (torch.from_numpy(a).double() for a in (X, -F, choices, others))
    model = MixedSingleTaskGP(X_, Y, cat_dims=list(range(X.shape[1])))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    more = {"X_baseline": X_, "sampler": SobolQMCNormalSampler(torch.Size([DRAWS]), seed=0), "prune_baseline": True}
    found = choices_[:0]
    for _ in range(BATCH):
        more["X_pending"] = found if len(found) else None
        gain = logei.qLogNoisyExpectedHypervolumeImprovement(model, -torch.from_numpy(reference(F)), **more)
        found = torch.cat([found, optimize_acqf_discrete(gain, 1, choices_, X_avoid=found)[0]])
    with torch.no_grad():
        predicted = model.posterior(others_).mean
    return -predicted.numpy(), found.numpy().astype(np.int64)


def reference(F: Array) -> Array:
    """A point behind the front by `MARGIN` of its extent."""
    front = F[nondominated(F)]
    found: Array = front.max(axis=0) + MARGIN * np.ptp(front, axis=0)
    return found


def _warm_up() -> None:
    """Import what BoTorch imports when it is first used, so that no suggestion is charged for it."""
    problem = make_problem("catsum")
    X = problem.space.sample(np.random.default_rng(0), 20)
    F = problem.score(X).astype(float)
    with warnings.catch_warnings(action="ignore"):
        theirs(problem, X[:10], F[:10] / F.max(axis=0), X[10:16], X[16:])


def seconds(side: Side, *given: Any) -> tuple[float, Array, Array]:
    """CPU time of one call, and what it gave."""
    start = time.process_time()
    predicted, chosen = side(*given)
    return time.process_time() - start, predicted, chosen


def gained(problem: Problem, F: Array, chosen: Array, scale: tuple[Array, Array]) -> float:
    """How much of the hypervolume that the answers have the chosen ones add to it."""
    lines = rays(np.random.default_rng(1), 4000, reference(F))
    before = lines.lengths(F).max(axis=0)
    after = np.maximum(before, lines.lengths((problem.score(chosen) - scale[0]) / scale[1]).max(axis=0))
    return float(lines.volume(after) / lines.volume(before)) - 1.0


def main(repeats: int, answers: int) -> None:
    """Both sides take turns, and each problem gets a line a side."""
    sides: dict[str, Side] = {"mobench": ours}
    try:
        import botorch  # noqa: F401

        sides["BoTorch"] = theirs
        _warm_up()
    except ImportError:
        print("BoTorch is not installed: one side only")
    print(f"{answers} answers, {BATCH} suggestions of {CANDIDATES} candidates; medians of {repeats}")
    for name, options in PROBLEMS:
        problem = make_problem(name, options)
        found: dict[str, list[tuple[float, float, float]]] = {side: [] for side in sides}
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            X = np.unique(problem.space.sample(rng, answers + CANDIDATES + 500), axis=0)
            X = X[rng.permutation(len(X))]
            values = problem.score(X).astype(float)
            values = np.minimum(values, 2.0 * np.median(values[:answers], axis=0))  # failures say nothing of the good
            scale = values[:answers].mean(axis=0), values[:answers].std(axis=0)
            F = (values - scale[0]) / scale[1]
            choices, others = X[answers : answers + CANDIDATES], X[answers + CANDIDATES :]
            for side, suggest in sides.items():
                with warnings.catch_warnings(action="ignore"):
                    took, predicted, chosen = seconds(suggest, problem, X[:answers], F[:answers], choices, others)
                left = F[answers + CANDIDATES :] - predicted
                fit_ = float(np.mean(1.0 - left.var(axis=0) / F[answers + CANDIDATES :].var(axis=0)))
                found[side].append((1e3 * took / BATCH, fit_, gained(problem, F[:answers], chosen, scale)))
        for side, rows in found.items():
            took, fit_, gain = (statistics.median(column) for column in zip(*rows, strict=True))
            print(f"{name:12s} {side:8s} {took:8.1f} ms a suggestion, R2 {fit_:.3f}, hypervolume gained {gain:.4f}")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [5, 200][len(numbers) :]))
