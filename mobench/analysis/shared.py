"""Which problems of a study share what they score: what is said over problems then counts it more than once."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from mobench.core.capabilities import Slow
from mobench.core.problem import Problem

__all__ = ["columns_of", "shared"]

SAMPLE = 64
"""Architectures whose scores tell columns apart."""


def columns_of(problem: Problem) -> tuple[int, ...]:
    """A checksum of what each objective scores: problems of one space with an equal one share that column.

    Empty where a score may cost a training.
    """
    if isinstance(problem, Slow):
        return ()
    scored = problem.score(problem.space.sample(np.random.default_rng(0), SAMPLE))
    space = zlib.crc32(repr(tuple(problem.space.cardinalities)).encode())
    return tuple(zlib.crc32(np.ascontiguousarray(column).tobytes(), space) for column in np.asarray(scored).T)


def shared(problems: Mapping[str, Problem]) -> list[str]:
    """A sentence for every objective that several problems share, naming them."""
    found: dict[tuple[str, int], list[str]] = {}
    for label, problem in problems.items():
        for objective, column in zip(problem.objectives, columns_of(problem), strict=False):
            found.setdefault((objective.name, column), []).append(label)
    return [
        f"{', '.join(labels)} score {name} from the same data: what is said over problems counts it {len(labels)} times"
        for (name, _), labels in found.items()
        if len(labels) > 1
    ]
