"""BOHB for several objectives: Hyperband whose brackets begin with samples of a density of good ones (Falkner 2018)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Interval

from mobench import Array, MultiFidelity, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population import ranking as _ranking
from mobench.searchers._rungs.rungs import brackets, climb, promoted, rounds, rungs

needs = (MultiFidelity,)

NARROWEST = 1e-3
"""Least bandwidth of a gene, as in HpBandSter."""


def search(
    run: Run,
    *,
    eta: Annotated[float, Gt(1)] = 3.0,
    quota: Annotated[float, Interval(ge=0, le=1)] = 0.5,
    good: Annotated[float, Interval(gt=0, lt=1)] = 0.15,
    samples: Annotated[int, Interval(ge=1, le=10_000)] = 64,
    random_fraction: Annotated[float, Interval(ge=0, le=1)] = 1 / 3,
) -> None:
    """Go through Hyperband's brackets until the budget is spent, each begun by a model of what was answered before.

    The model is of the highest fidelity with answers enough: two densities, of the good ones and of the others. Of
    samples of the first the one whose ratio of densities is highest begins (equation 5 of Bergstra et al. 2011).

    Parameters
    ----------
    run : Run
        The problem.
    eta : float
        Of so many architectures one goes on to the next rung, which is so many times longer; 3 in the paper.
    quota : float
        Share of the places that goes to the lowest first objective; see `successive_halving`. It decides who is good,
        too.
    good : float
        Share of the answers that are good, by nondomination and spread, and one more than there are genes at least;
        0.15 in the paper.
    samples : int
        Of the density of good ones, for each architecture; 64 in the paper (4 for NAS-Bench-201 in AutoDL-Projects).
    random_fraction : float
        How often an architecture is uniform instead; 1/3 in the paper (0 in AutoDL-Projects).
    """
    steps = rungs(run.fidelities, eta)
    d, m = len(run.space.cardinalities), len(run.objectives)
    told = {step: (np.empty((0, d), dtype=np.int64), np.empty((0, m))) for step in steps}

    def begin(n: int) -> Array:
        model = next((_split(run, *told[s], good, quota) for s in reversed(steps) if len(told[s][0]) >= d + 3), None)
        anew = int(np.count_nonzero(run.rng.random(n) < random_fraction)) if model is not None else n
        nothing = np.empty(0, dtype=np.int64)
        if anew == n or model is None:
            return _genetics.sample_new(run.rng, run.space, n, nothing)
        ranked = propose(run.rng, *model, _genetics.bounds(run.space), n - anew, samples)
        ranked = _genetics.existing(run.rng, ranked.reshape(-1, d), run.space)
        keys, chosen = run.space.key(ranked).reshape(n - anew, samples).tolist(), dict[int, int]()
        for i, row in enumerate(keys):  # the best of its samples that has not begun
            place, key = next(((j, key) for j, key in enumerate(row) if key not in chosen), (0, row[0]))
            chosen.setdefault(key, i * samples + place)
        proposed = ranked[list(chosen.values())]
        uniform = _genetics.sample_new(run.rng, run.space, n - len(proposed), run.space.key(proposed))
        return np.concatenate([proposed, uniform])

    plan = brackets(len(steps), eta)
    for _ in rounds(run, steps, min(plan)[0]):
        for n, place in plan:
            for fidelity, X, F in climb(run, steps[place:], n, eta=eta, quota=quota, begin=begin):
                before = told[fidelity]
                told[fidelity] = (np.concatenate([before[0], X]), np.concatenate([before[1], F]))
                run.record(bracket=place, fidelity=fidelity, architectures=len(X))


def _split(run: Run, X: Array, F: Array, good: float, quota: float) -> tuple[Array, Array]:
    """The good ones of (k, d) architectures and the others."""
    n = max(X.shape[1] + 1, int(good * len(X)))
    beyond = _ranking.beyond_limits(F, run.objectives)
    rows = promoted(run.rng, F, n, quota=quota, beyond=beyond)
    return X[rows], np.delete(X, rows, axis=0)


def propose(
    rng: np.random.Generator, better: Array, others: Array, cardinalities: Array, n: int, samples: int
) -> Array:
    """Samples of the better ones' density, (n, samples, d), of each n the highest ratio to that of the others first.

    A sample is one of the better with each gene replaced by any value with the probability of its bandwidth.
    """
    width, wide = bandwidths(better, cardinalities), bandwidths(others, cardinalities)
    X = better[rng.integers(0, len(better), n * samples)]
    anew = (rng.random(X.shape) * cardinalities).astype(np.int64)
    X = np.where(rng.random(X.shape) < width, anew, X)
    ratio = density(X, better, width, cardinalities) - density(X, others, wide, cardinalities)
    order = np.argsort(-np.round(ratio, 9).reshape(n, samples), axis=1, kind="stable")
    return X.reshape(n, samples, -1)[np.arange(n)[:, None], order]


def bandwidths(X: Array, cardinalities: Array) -> Array:
    """The normal reference rule, 1.06 s k^(-1 / (4 + d)), for each gene of (k, d) architectures; (d,) in [1e-3, 1).

    A kind has no standard deviation: s^2 is how often two of them differ in the gene, halved, which is the variance
    where there are two values.
    """
    k, d = X.shape
    shares = [np.bincount(column, minlength=c) / max(k, 1) for column, c in zip(X.T, cardinalities, strict=True)]
    spread = np.sqrt([0.5 * (1.0 - float(share @ share)) for share in shares])
    most = np.maximum(1.0 - 1.0 / cardinalities, NARROWEST)
    found: Array = np.clip(1.06 * spread * max(k, 1) ** (-1.0 / (4 + d)), NARROWEST, most)
    return found


def density(X: Array, data: Array, width: Array, cardinalities: Array) -> Array:
    """Log of the density at (n, d) architectures of a mean of kernels at (k, d) others; (n,).

    Of a gene's kernel 1 - width is at its value and the rest even on the others (Aitchison and Aitken 1976).
    """
    if not len(data):
        return np.zeros(len(X))
    apart = np.log(width / np.maximum(cardinalities - 1, 1))
    same = np.log1p(-width)
    logs = np.full((len(X), len(data)), apart.sum())
    for column, other, gain in zip(X.T, data.T, same - apart, strict=True):
        logs += np.where(column[:, None] == other, gain, 0.0)
    top = logs.max(axis=1)
    found: Array = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
    return found
