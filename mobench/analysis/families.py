"""Many tests at once: Holm's correction of a family, and the groups that a family leaves together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from mobench.core.space import Array

__all__ = ["cliques", "holm"]


def holm(p_values: Sequence[float] | Array) -> Array:
    """Holm's step-down correction (1979) of (n,) p-values; shape (n,).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def cliques(order: Sequence[str], distinct: Collection[frozenset[str]]) -> list[list[str]]:
    """The bars of a critical-difference diagram: longest runs of `order` in which no pair is distinct.

    Parameters
    ----------
    order : sequence of str
        Searchers, best mean rank first.
    distinct : collection of frozenset of str
        Pairs that are told apart.

    Returns
    -------
    list of list of str
        Runs of at least two searchers, none inside another.
    """
    found: list[list[str]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not any(frozenset((order[end], s)) in distinct for s in order[start:end]):
            end += 1
        if end - start > 1 and end > reached:
            found.append(list(order[start:end]))
        reached = max(reached, end)
    return found
