"""The nouns of a search problem: objectives, spaces of architectures, answers, and the problem itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from mobench.core.budget import Cost
from mobench.core.space import Array, Space

__all__ = ["Objective", "Problem", "Values", "in_short", "minimised"]


@dataclass(frozen=True, slots=True)
class Objective:
    """One column of F. Values keep their unit and sign; direction travels as `maximise`.

    With ``scale="log"``, for values over several decades, differences count by their ratio when fronts are compared.
    A value is within its `limit`, in natural units, where it is at most as much, or at least where it is maximised; an
    architecture is feasible where all its values are.
    """

    name: str
    unit: str = ""
    maximise: bool = False
    scale: Literal["linear", "log"] = "linear"
    limit: float | None = None

    def __repr__(self) -> str:
        said = [
            f"{field.name}={value!r}"
            for field in fields(self)[1:]
            if (value := getattr(self, field.name)) != field.default
        ]
        return f"Objective({', '.join([repr(self.name), *said])})"

    @property
    def label(self) -> str:
        """Name and unit, as a figure's axis shows them."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @property
    def bound(self) -> str:
        """Its limit in words, ``latency <= 5 ms``; empty where it has none."""
        if self.limit is None:
            return ""
        number = repr(float(self.limit)).removesuffix(".0")
        return f"{self.name} {'>=' if self.maximise else '<='} {number} {self.unit}".rstrip()


def minimised(F: Array, objectives: Sequence[Objective]) -> Array:
    """F of shape (..., m) with the columns to maximise negated, so that less is better everywhere; twice, F itself."""
    signs = [-1.0 if objective.maximise else 1.0 for objective in objectives]
    return F * np.array(signs) if -1.0 in signs else F


@dataclass(frozen=True, slots=True)
class Values:
    """What a problem answers: objective values in natural units and sign, and the price of each row.

    Attributes
    ----------
    F : Array
        (n, m) objective values.
    flops, seconds : Array or float
        (n,) prices, or one price for all: training multiply-adds and seconds.
    """

    F: Array
    flops: Array | float = 0.0
    seconds: Array | float = 0.0


@runtime_checkable
class Problem(Protocol):
    """A multi-objective problem over a space of architectures.

    `evaluate` is what a searcher may see (validation, noisy, priced); `score` is what is reported (test, noise-free):
    a searcher never reaches it.
    """

    @property
    def space(self) -> Space:
        """The architectures."""
        ...

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The columns of F."""
        ...

    @property
    def training(self) -> Cost:
        """What one full training costs on average: the unit of ``trainings`` budgets."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether an architecture always gets the same answer; a noisy one is drawn anew and charged again."""
        ...

    def evaluate(self, X: Array, *, fidelity: int | None, seeds: npt.NDArray[np.uint64]) -> Values:
        """Answer (n, d) architectures at `fidelity` (None: full); answer i may use only seeds[i] as randomness."""
        ...

    def score(self, X: Array) -> Array:
        """Noise-free reported values, (n, m); rows without a known truth raise ValueError."""
        ...


def in_short(problem: Problem) -> str:
    """A problem in a line, as `repr` shows it: ``__repr__ = in_short`` in its class."""
    size = f"{problem.space.size:,}" if problem.space.size < 10**9 else f"{float(problem.space.size):.3g}"
    objectives = ", ".join(f"{one.label}{' (more is better)' * one.maximise}" for one in problem.objectives)
    return f"<{type(problem).__name__}: {size} architectures, {objectives}>"
