"""A problem to be checked, and what checks ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mobench.core.capabilities import Slow
from mobench.core.problem import Problem, Values
from mobench.core.space import Array
from mobench.harness.answers import addresses
from mobench.plugins.catalogue import find
from mobench.plugins.options import check_options
from mobench.plugins.plugin import as_plugin
from mobench.plugins.sources import Sources, in_use

__all__ = ["FEW", "Specimen"]

LISTED = 20_000
"""Spaces up to this size are checked whole, larger ones by a sample of as many."""
FEW = 2
"""Architectures that are asked of a problem whose answers take long; always the same, so that it can keep them."""


@dataclass(frozen=True)
class Specimen:
    """A problem to be checked.

    Attributes
    ----------
    problem : Problem
        It.
    name : str
        Its plugin; empty where another process cannot find it.
    options : mapping
        Options that it was made with.
    summary : str
        One line on it.
    sources : Sources
        What names mean, its own included.
    """

    problem: Problem
    name: str
    options: Mapping[str, Any]
    summary: str
    sources: Sources = field(default_factory=in_use)

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any], made: Any, sources: Sources) -> Specimen:
        """From a plugin's name, or from a problem or a function that makes one (`made`, else None)."""
        if made is None:
            plugin = find("problem", name, sources)
            checked = check_options(plugin, options)
            return cls(plugin(**checked), name, options, plugin.summary, sources)
        problem = made if hasattr(made, "evaluate") else as_plugin("problem", name, made)(**options)
        return cls(problem, "", options, (made.__doc__ or "").strip().partition("\n")[0])

    def rows(self, n: int) -> Array:
        """`n` architectures, always the same; the first few of them where answers take long."""
        return self.problem.space.sample(np.random.default_rng(5), min(n, FEW) if self.slow else n)

    @property
    def slow(self) -> bool:
        """Whether each answer takes long."""
        return isinstance(self.problem, Slow)

    @cached_property
    def many(self) -> Array:
        """All architectures, or a sample of them."""
        space = self.problem.space
        return space.all() if space.size <= LISTED and not self.slow else self.rows(LISTED)

    def answer(self, X: Array, *, start: int = 0, seed: int = 0, fidelity: int | None = None) -> Values:
        """Answers number `start` and on of the run with this seed."""
        return self.problem.evaluate(X.copy(), fidelity=fidelity, seeds=addresses(seed, start, len(X)))

    def score(self, X: Array) -> Array:
        """Scores of a copy."""
        return np.asarray(self.problem.score(X.copy()))
