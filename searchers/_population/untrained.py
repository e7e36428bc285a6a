"""What zero-cost proxies do for a search: a better beginning, and the best of several children (White et al. 2021)."""

from __future__ import annotations

import numpy as np

from mobench import Array, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population.generations import Vary

COUNTED = "flops"
"""The proxy whose strata keep small networks in: nearly every other one prefers large ones."""


def begin(run: Run, n: int, proxy: str, pool: int, known: Array) -> Array:
    """Up to `n` different architectures, (k, d), of a pool of `pool` times as many: in each of n strata the best.

    Strata are equal parts of the pool, by multiply-adds: without them the pool's largest networks would be chosen.
    Where the problem does not count these, parts are as drawn.

    Parameters
    ----------
    known : Array
        (k,) keys to avoid.
    """
    X = _genetics.sample_new(run.rng, run.space, n * pool, known)
    if pool == 1 or len(X) <= n:
        return X[:n]
    counted = COUNTED in run.proxy_names
    scores = run.proxies(X, (proxy, COUNTED) if counted else proxy)
    order = np.argsort(scores[:, 1], kind="stable") if counted else np.arange(len(X))
    chosen: Array = X[[part[np.argmax(scores[part, 0])] for part in np.array_split(order, n)]]
    return chosen


def best_of(run: Run, proxy: str, proposals: int, vary: Vary) -> Vary:
    """The same variation, made so often; of the children of one pair the one of the best score."""

    def best(X: Array, A: Array, B: Array) -> Array:
        made = np.stack([vary(X, A, B) for _ in range(proposals)])
        S = run.proxies(made.reshape(-1, made.shape[-1]), proxy).reshape(made.shape[:2])
        chosen: Array = made[S.argmax(axis=0), np.arange(made.shape[1])]
        return chosen

    return vary if proposals == 1 else best
