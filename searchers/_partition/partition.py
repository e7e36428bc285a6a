"""A space cut in two again and again by what tells good samples from bad ones, and samples drawn from a part of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mobench import Array, Space
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population.codes import one_hot

Side = Callable[[Array], Array]
"""(n, k) features to (n,) bool: whether architectures are on the good side of a cut."""

CANDIDATES = 1000
"""Uniform architectures among which those of a part are looked for."""


@dataclass(eq=False, slots=True)
class Part:
    """A part of a space, and the two that it is cut into.

    Attributes
    ----------
    rows : Array
        (k,) samples that are in it.
    path : tuple
        The cuts that bound it, and which side of each it is on.
    halves : tuple of Part
        The good and the bad half; empty where it is not cut.
    value : float
        What its samples are worth; more is better.
    visits : int
        How many there are.
    """

    rows: Array
    path: tuple[tuple[Side, bool], ...]
    halves: tuple[Part, ...] = ()
    value: float = 0.0
    visits: int = 0

    def holds(self, features: Array) -> Array:
        """Which of (n, k) `features` are in it; (n,) bool."""
        inside = np.ones(len(features), dtype=bool)
        for side, good in self.path:
            inside[inside] = side(features[inside]) == good
        return inside


def grow(
    codes: Array,
    rows: Array,
    *,
    cut: Callable[[Array, int], Side | None],
    worth: Callable[[Array], float],
    path: tuple[tuple[Side, bool], ...] = (),
) -> Part:
    """The part that `path` leads to, cut into halves as long as both hold samples.

    Parameters
    ----------
    codes : Array
        (n, k) features of all samples.
    rows : Array
        (l,) those of this part.
    cut : callable
        Rows and depth to the side of a cut; None where there is to be none.
    worth : callable
        Rows to the value of a part.
    """
    part = Part(rows, path, value=worth(rows), visits=len(rows))
    if (side := cut(rows, len(path))) is not None:
        good = side(codes[rows])
        if good.any() and not good.all():
            part.halves = tuple(
                grow(codes, rows[good == which], cut=cut, worth=worth, path=(*path, (side, which)))
                for which in (True, False)
            )
    return part


def descend(part: Part, exploration: float) -> Iterator[Part]:
    """The part and those that upper confidence bounds lead to, down to one that is not cut.

    The bound is value + 2 C_p sqrt(2 ln N / n); of equal ones the good half's counts.
    """
    yield part
    if part.halves:
        often = 2 * exploration * math.sqrt(2 * math.log(part.visits))
        yield from descend(max(part.halves, key=lambda half: half.value + often / math.sqrt(half.visits)), exploration)


def sample(rng: np.random.Generator, space: Space, part: Part, n: int, X: Array) -> Array:
    """Up to `n` new architectures of a part, (l, d), all different; none where the space holds no new one.

    Uniform ones, by rejection. Where these are too few, members of the part with one gene changed, as often as it takes
    to be new, and in the part if that is soon; of a space with a pool, all rows of it in the part. Then any new ones.

    Parameters
    ----------
    X : Array
        (k, d) the samples of the partition, which are not new; nonempty.
    """
    known = space.key(X)
    found = np.empty((0, X.shape[1]), dtype=np.int64)

    def add(made: Array, inside: bool = True) -> None:
        nonlocal found
        made = made[_genetics.fresh(space.key(made), np.concatenate([known, space.key(found)]))]
        if inside:
            made = made[part.holds(one_hot(space, made))]
        found = np.concatenate([found, made[: n - len(found)]])

    add(space.sample(rng, CANDIDATES))
    near = X[part.rows]
    for _ in space.cardinalities if space.pool is None else ():
        if len(found) == n:
            return found
        near = _genetics.mutate_one(rng, near[rng.integers(0, len(near), CANDIDATES // 10)], space)
        add(near)
    if len(found) < n:
        add(*((near, False) if space.pool is None else (rng.permutation(space.pool), True)))
    if len(found) < n:
        rest = _genetics.sample_new(rng, space, n - len(found), np.concatenate([known, space.key(found)]))
        found = np.concatenate([found, rest])
    return found
