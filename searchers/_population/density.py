"""How crowded costs are: a density over them, and choices that even it out (Elsken et al. 2019, LEMONADE)."""

from __future__ import annotations

import numpy as np

from mobench import Array


def logarithms(C: Array, seen: Array) -> Array:
    """(n, k) costs as logarithms, of those that can be zero or less as they are; (n, k).

    Parameters
    ----------
    seen : Array
        (l, k) costs that say which columns are positive.
    """
    positive = (seen > 0).all(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = np.where(positive, np.log(np.maximum(C, 1e-300)), C)
    return found


def density(C: Array, at: Array) -> Array:
    """Gaussian kernel density of (n, k) points where (l, k) others are, up to a constant; (l,).

    A dimension's bandwidth is its standard deviation times n^(-1 / (k + 4)) (Scott 1992). One without extent counts
    where points differ from it: by a thousandth of the value.
    """
    n, k = C.shape
    spread = C.std(axis=0)
    width = np.where(spread > 0, spread, 1e-3 * np.maximum(np.abs(C).max(axis=0, initial=0.0), 1e-12)) * n ** (
        -1 / (k + 4)
    )
    apart = ((at[:, None] - C) / width) ** 2
    found: Array = np.exp(-0.5 * apart.sum(axis=2)).mean(axis=1)
    return found


def rare(rng: np.random.Generator, C: Array, at: Array, n: int, *, replace: bool) -> Array:
    """Rows of `n` of (l, k) points `at`, each drawn with a probability of one over the density of (n, k) `C` there.

    Examples
    --------
    >>> C = np.array([[0.0]] * 9 + [[100.0]])
    >>> rows = rare(np.random.default_rng(0), C, C, 4000, replace=True)
    >>> bool(abs((rows == 9).mean() - 0.5) < 0.03)
    True
    """
    chances = 1.0 / np.maximum(density(C, at), 1e-12)
    chosen: Array = rng.choice(len(at), size=n, replace=replace, p=chances / chances.sum())
    return chosen
