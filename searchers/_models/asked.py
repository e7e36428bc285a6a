"""What a searcher has asked so far, each architecture once, and what it may ask next."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from mobench import Array, Run
from mobench.searchers._population import genetics as _genetics
from mobench.searchers._population.generations import generations

__all__ = ["Asked"]

NEIGHBOURS = 300
"""Neighbours of the front among the candidates, at most."""
EVOLVED, GENERATIONS = 40, 12
"""Members and generations of an evolution of candidates."""


class Asked:
    """Architectures and their answers.

    Attributes
    ----------
    X, F, keys : Array
        (n, d) architectures, (n, m) values, (n,) keys.
    """

    def __init__(self, run: Run, X: Array) -> None:
        self._run = run
        self.X, self.F, self.keys = X[:0], np.empty((0, len(run.objectives))), np.empty(0, dtype=np.int64)
        self.ask(X)

    def ask(self, X: Array) -> None:
        """Ask for (k, d) architectures that are not known yet."""
        self.F = np.concatenate([self.F, self._run.evaluate(X)])
        self.X, self.keys = np.concatenate([self.X, X]), np.concatenate([self.keys, self._run.space.key(X)])

    def unknown(self, X: Array) -> Array:
        """Those of (k, d) architectures that were not asked, each once."""
        return X[_genetics.fresh(self._run.space.key(X), self.keys)]

    def candidates(self, front: Array, n: int, judge: Callable[[Array], Array] | None = None) -> Array:
        """Architectures that may be asked next, (k, d): random ones, neighbours of good ones, what evolves from these.

        Parameters
        ----------
        front : Array
            (n,) bool, the good ones.
        n : int
            How many random ones.
        judge : callable, optional
            (k, d) architectures to the (k, m) values by which NSGA-II breeds further candidates, if given.
        """
        run, good = self._run, self.X[front]
        around = [run.space.neighbours(x) for x in good]
        near = run.rng.permutation(np.concatenate(around))[:NEIGHBOURS] if around else good
        found = [_genetics.sample_new(run.rng, run.space, n, self.keys), near]
        if judge is not None:
            found += self._evolved(good, judge)
        return self.unknown(np.concatenate(found))

    def _evolved(self, good: Array, judge: Callable[[Array], Array]) -> list[Array]:
        run, seen = self._run, list[Array]()

        def answer(X: Array) -> Array:
            seen.append(X)
            return judge(X)

        def begin() -> Array:
            some = run.rng.permutation(good)[:EVOLVED]
            more = _genetics.sample_new(run.rng, run.space, EVOLVED - len(some), run.space.key(some))
            return np.concatenate([some, more])

        for _ in itertools.islice(
            generations(run.rng, run.space, answer, population=EVOLVED, begin=begin), GENERATIONS
        ):
            pass
        return seen
