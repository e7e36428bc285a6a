"""Operators on categorical genes: pure functions of a random stream and arrays of architectures."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mobench import Array, Space

Crossover = Literal["uniform", "two-point"]

NEAR = 4
"""Rows of a pool among which a mutant is drawn."""
STOCK = 64
"""Children whose chances are drawn at once where they are made one by one."""
_LISTED = 100_000
"""Largest space whose rows are listed to find those not yet seen."""
_MANY = 10_000
"""Where so many rows are wanted, no more are looked for than the space holds: each round draws all that are missing."""


def bounds(space: Space) -> Array:
    """Number of values of each gene; shape (d,), read-only."""
    return _genes(space.cardinalities)[0]


@functools.lru_cache(maxsize=64)
def _genes(cardinalities: tuple[int, ...]) -> tuple[Array, Array]:
    """Number of values of each gene, (d,), and the genes that can change; found once, as a child is made in no time."""
    numbers = np.array(cardinalities, dtype=np.int64)
    changeable = np.flatnonzero(numbers > 1)
    numbers.flags.writeable = changeable.flags.writeable = False
    return numbers, changeable


def cross(rng: np.random.Generator, A: Array, B: Array, *, kind: Crossover, probability: float) -> Array:
    """Exchange genes between the k parents `A` and `B`, (k, d) each, a pair at a time.

    Parameters
    ----------
    kind : {"uniform", "two-point"}
        Each gene is exchanged with probability 1/2, or the genes between two cuts are (Syswerda 1989; De Jong 1975).
    probability : float
        How likely a pair exchanges anything; the children of the other pairs are copies.

    Returns
    -------
    Array
        (2 k, d) children: the i-th and the (k + i)-th hold the genes of A[i] and B[i], no gene lost.
    """
    k, d = A.shape
    if kind == "uniform":
        swap = rng.random((k, d)) < 0.5
    else:
        cuts = np.sort(rng.integers(0, d + 1, size=(2, k, 1)), axis=0)
        swap = (cuts[0] <= np.arange(d)) & (np.arange(d) < cuts[1])
    if probability < 1.0:
        swap &= rng.random((k, 1)) < probability
    return np.concatenate([np.where(swap, B, A), np.where(swap, A, B)])


def mutate(rng: np.random.Generator, X: Array, space: Space, *, rate: float | None = None) -> Array:
    """Change each gene of (n, d) `X` with probability `rate` to a different value, all others equally likely.

    Of a space with a pool the mutants are rows of it: each is one of the `NEAR` existing ones that are the nearest to
    what it would be, as likely as the others.

    Parameters
    ----------
    rate : float, optional
        One over the number of genes that can change, when left out.

    Returns
    -------
    Array
        (n, d) mutants, some of them unchanged.
    """
    cardinalities = bounds(space)
    hits, steps, values = _hits(rng, cardinalities, len(X), rate)
    mutants = X.copy()
    genes = mutants.reshape(-1)
    genes[hits] = (genes.take(hits) + steps) % values
    return existing(rng, mutants, space)


def shifts(rng: np.random.Generator, cardinalities: Array, n: int, rate: float | None = None) -> Array:
    """What to add to genes, (n, d), modulo their (d,) `cardinalities`, so that each changes with probability `rate`."""
    found = np.zeros((n, len(cardinalities)), dtype=np.int64)
    hits, steps, _ = _hits(rng, cardinalities, n, rate)
    found.reshape(-1)[hits] = steps
    return found


def _hits(rng: np.random.Generator, cardinalities: Array, n: int, rate: float | None) -> tuple[Array, Array, Array]:
    """Which of n rows' genes change, numbered row by row, what to add to each of them, and how many values it takes."""
    rates = _rates(tuple(cardinalities.tolist()), rate)
    hits = (rng.random((n, len(rates))) < rates).ravel().nonzero()[0]
    values = cardinalities.take(hits % len(cardinalities))
    return hits, 1 + (rng.random(len(hits)) * (values - 1)).astype(np.int64), values


@functools.lru_cache(maxsize=64)
def _rates(cardinalities: tuple[int, ...], rate: float | None) -> Array:
    """How likely each gene changes, (d,): found once for all generations."""
    numbers, changeable = _genes(cardinalities)
    rates: Array = (1.0 / max(len(changeable), 1) if rate is None else rate) * (numbers > 1)
    rates.flags.writeable = False
    return rates


def mutate_one(rng: np.random.Generator, X: Array, space: Space) -> Array:
    """Change exactly one gene of each row of (n, d) `X` to a different value; rows stay where no gene can change.

    Of a space with a pool each mutant is one of its parent's neighbours there, all as likely.
    """
    if space.pool is not None:
        around = np.stack([space.neighbours(x) for x in X])
        return _one_of(rng, around) if around.size else X.copy()
    cardinalities, genes = _genes(space.cardinalities)
    if not len(genes):
        return X.copy()
    rows, chosen = np.arange(len(X)), genes[rng.integers(0, len(genes), size=len(X))]
    others = cardinalities[chosen] - 1
    mutants = X.copy()
    steps = 1 + (rng.random(len(X)) * others).astype(np.int64)
    mutants[rows, chosen] = (X[rows, chosen] + steps) % (others + 1)
    return mutants


@dataclass(frozen=True, slots=True)
class Recipe:
    """What chance decides about one child: places of its parents in [0, 1), genes of the second, (d,), and shifts."""

    one: float
    other: float
    taken: Array
    step: Array
    cardinalities: Array

    def child(self, X: Array) -> Array:
        """The child, (d,), of two of (k, d) members, as `cross` and `mutate` make it."""
        k = len(X)
        mixed = np.where(self.taken, X[int(self.other * k)], X[int(self.one * k)])
        made: Array = (mixed + self.step) % self.cardinalities
        return made


def recipes(rng: np.random.Generator, space: Space, *, kind: Crossover, probability: float) -> Iterator[Recipe]:
    """Recipes without end, for searchers that make one child after the other, of members that change between them.

    Chance does not depend on the members, and one draw for many children takes a fraction of the time.
    """
    cardinalities = bounds(space)
    nothing = np.zeros((STOCK, len(cardinalities)), dtype=np.int64)
    while True:
        places = rng.random((STOCK, 2)).tolist()
        taken = cross(rng, nothing, nothing + 1, kind=kind, probability=probability)[:STOCK] > 0
        for (one, other), genes, step in zip(places, taken, shifts(rng, cardinalities, STOCK), strict=True):
            yield Recipe(one, other, genes, step, cardinalities)


def existing(rng: np.random.Generator, X: Array, space: Space) -> Array:
    """(n, d) genes as they are, or, of a space with a pool, one of the `NEAR` rows of it nearest to each."""
    return X if space.pool is None else _one_of(rng, space.nearest(X, min(NEAR, space.size)))


def _one_of(rng: np.random.Generator, near: Array) -> Array:
    """One of k rows, each as likely, for each of n: (n, k, d) to (n, d)."""
    n, k, _ = near.shape
    chosen: Array = near[np.arange(n), (rng.random(n) * k).astype(np.int64)]
    return chosen


def fresh(keys: Array, known: Array) -> Array:
    """Which of the (n,) `keys` are neither among the (k,) `known` nor a repeat of an earlier one; shape (n,), bool."""
    everything = np.concatenate([known, keys])
    order = np.argsort(everything, kind="stable")  # equal keys stay in order: the first of them is the original
    ordered = everything.take(order)
    first = np.empty(len(ordered), dtype=bool)
    first[order[:1]] = True
    first[order[1:]] = ordered[1:] != ordered[:-1]
    return first[len(known) :]


def sample_new(rng: np.random.Generator, space: Space, n: int, known: Array) -> Array:
    """Draw up to `n` uniform architectures, distinct and none of them known.

    Parameters
    ----------
    known : Array
        (k,) keys (`Space.key`) to avoid.

    Returns
    -------
    Array
        (n, d) rows; fewer where the space holds no more (or, in a space too large to list, none were found in 100
        rounds of drawing).
    """
    if n > _MANY:
        n = min(n, space.size)
    found = np.empty((0, len(space.cardinalities)), dtype=np.int64)
    for _ in range(0 if n >= _LISTED >= space.size else 100):
        X = space.sample(rng, n - len(found))
        keys = space.key(np.concatenate([found, X]))
        X = X[fresh(keys[len(found) :], np.concatenate([known, keys[: len(found)]]))]
        found = np.concatenate([found, X])
        if len(found) == n:
            return found
    if space.size > _LISTED:
        return found
    X = rng.permutation(space.all())
    keys = space.key(np.concatenate([found, X]))
    X = X[fresh(keys[len(found) :], np.concatenate([known, keys[: len(found)]]))]
    return np.concatenate([found, X])[:n]
