"""Architectures as numbers for models: one-hot where values are kinds, steps where they are sizes; paths of cells."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mobench import Array, Problem, Space

__all__ = ["Encoding", "bits", "encodings", "paths"]

_EDGE = re.compile(r"(\d+)<-(\d+)")


@dataclass(frozen=True)
class Encoding:
    """Architectures as rows whose squared distances add up over genes.

    Attributes
    ----------
    gene : Array
        (p,) the gene that each of the p columns belongs to.
    encode : callable
        (n, d) architectures to (n, p) numbers.
    """

    gene: Array
    encode: Callable[[Array], Array]


def bits(space: Space) -> Encoding:
    """Each gene so that the squared distance of two of its values is 0 to 1.

    Values without an order are all 1 apart (one-hot columns over sqrt(2)). Where the space names ascending numbers,
    sizes say, their distance is that of their places, from one end to the other 1 (a column for each step between two
    of them). Genes that decide nothing in an architecture are taken at their first value; those of one value have no
    column.
    """
    names = space.values or [("",) * c for c in space.cardinalities]
    tables = [
        _steps(c) if _ordered(values) else _kinds(c) for c, values in zip(space.cardinalities, names, strict=True)
    ]
    gene = np.repeat(np.arange(len(tables)), [table.shape[1] for table in tables])

    def encode(X: Array) -> Array:
        X = space.canonical(X)
        return np.concatenate([table[column] for table, column in zip(tables, X.T, strict=True)], axis=1)

    return Encoding(gene, encode)


def _ordered(values: object) -> bool:
    """Whether values are three numbers or more, ascending."""
    given = list(values)  # type: ignore[call-overload]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)
    return len(given) > 2 and numbers and all(a < b for a, b in itertools.pairwise(given))


def _kinds(c: int) -> Array:
    """(c, c) rows 1 apart, squared; (1, 0) where there is one value."""
    rows: Array = np.eye(c)[:, : c * (c > 1)] / np.sqrt(2.0)
    return rows


def _steps(c: int) -> Array:
    """(c, c - 1) rows whose squared distances are those of c places on a line of length 1."""
    rows: Array = (np.arange(c)[:, None] > np.arange(c - 1)) / np.sqrt(c - 1.0)
    return rows


def encodings(problem: Problem) -> tuple[str, ...]:
    """What architectures of a problem can be seen as: paths need genes that are edges of a cell, ``target<-source``."""
    space = problem.space
    edges = all(map(_EDGE.fullmatch, space.names)) and len(set(space.cardinalities)) == 1
    return ("one-hot", "path") if edges else ("one-hot",)


def paths(space: Space) -> Encoding:
    """The path encoding (White et al. 2021): of each series of operations whether it leads from first to last node.

    The genes are edges of a cell: see `encodings`.
    """
    ends = [(int(edge[1]), int(edge[2])) for edge in map(_EDGE.fullmatch, space.names) if edge]
    last, c = max(target for target, _ in ends), space.cardinalities[0]
    routes = _routes(ends, last)
    offsets, total = {}, 0
    for length in sorted({len(route) for route in routes}):
        offsets[length], total = total, total + c**length

    def encode(X: Array) -> Array:
        found = np.zeros((len(X), total))
        for route in routes:
            number = X[:, route] @ c ** np.arange(len(route))[::-1]
            found[np.arange(len(X)), offsets[len(route)] + number] = 1.0
        return found

    return Encoding(np.arange(total), encode)


def _routes(ends: list[tuple[int, int]], node: int) -> list[list[int]]:
    """Genes along each route from node 0 to `node`."""
    if node == 0:
        return [[]]
    into = [(gene, source) for gene, (target, source) in enumerate(ends) if target == node]
    return [[*route, gene] for gene, source in into for route in _routes(ends, source)]
