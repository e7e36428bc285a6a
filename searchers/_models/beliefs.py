"""What is believed of all objectives: formulas are known, and of each other one there is a Gaussian process."""

from __future__ import annotations

import numpy as np

from mobench import Array, Run
from mobench.searchers._models.encoding import Encoding
from mobench.searchers._models.gaussian import GaussianProcess, fit
from mobench.searchers._models.values import CUT, Units, comparable

__all__ = ["Beliefs"]

FIRST, LATER = 30, 8
"""Iterations of the first fit of a process, and of later ones, which begin where the one before ended."""


class Beliefs:
    """Models of the objectives of a run, in units of its front.

    Parameters
    ----------
    run : Run
        The problem; it says which costs are known.
    encoding : Encoding
        Of its architectures.
    """

    def __init__(self, run: Run, encoding: Encoding) -> None:
        self._run, self._encoding = run, encoding
        self.models: dict[int, GaussianProcess] = {}
        self._units: Units | None = None

    def learn(self, X: Array, F: Array, units: Units) -> None:
        """Fit the processes to (n, m) answers, in units of the front, those far behind it cut.

        How bad a bad architecture is tells nothing of the good ones: 100 answers of NAS-Bench-201 rank others with a
        tau of .6 if errors are cut so, and of .4 if not.
        """
        self._units = units
        known = ~np.isnan(self._run.known_costs(X[:1]))[0]
        G = np.minimum(units(comparable(F, self._run.objectives)), CUT)
        for j in np.flatnonzero(~known).tolist():
            before = self.models.get(j)
            self.models[j] = fit(
                self._encoding,
                X,
                G[:, j],
                start=None if before is None else before.theta,
                steps=FIRST if before is None else LATER,
            )

    def _known(self, X: Array) -> Array:
        """(k, m) values of what is known, in units of the front; NaN elsewhere."""
        assert self._units is not None  # learnt before it is asked
        return self._units(comparable(self._run.known_costs(X), self._run.objectives))

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Means and standard deviations of (k, d) architectures, (k, m) each; 0 of what is known."""
        mean = self._known(X)
        deviation = np.zeros_like(mean)
        for j, model in self.models.items():
            mean[:, j], deviation[:, j] = model.predict(X)
        return mean, deviation

    def sample(self, rng: np.random.Generator, X: Array, n: int) -> Array:
        """`n` joint draws for (k, d) architectures, (n, k, m); of what is known, n times the same."""
        found = np.repeat(self._known(X)[None], n, axis=0)
        for j, model in self.models.items():
            found[:, :, j] = model.sample(rng, X, n)
        return found
