"""What a pass through the cell network computes: the operations that are wanted, without those on dead edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from mobench.problems._cells.space import CONV1, CONV3, EDGES, NONE, OPERATIONS, POOL, SKIP

Support = tuple[tuple[int, ...], ...]
"""Operations with a nonzero share, for each edge."""
CONVOLUTIONS = (CONV1, CONV3)


@dataclass(frozen=True)
class Plan:
    """What is computed for a support: operations on dead edges are not.

    Attributes
    ----------
    support : Support
        Operations computed on each edge, without `none`; empty where the edge is dead.
    groups : tuple
        For each source node, (operation, edges) pairs: convolutions of one value that run as one.
    convolutions : (2,) tuple of int
        How many 1x1 and 3x3 convolutions a cell computes.
    """

    support: Support
    groups: tuple[tuple[tuple[int, tuple[int, ...]], ...], ...]
    convolutions: tuple[int, int]


@lru_cache(maxsize=65536)
def plan(support: Support) -> Plan:
    """Drop `none` and the edges that the input does not reach or that do not reach the output."""
    kept = [tuple(op for op in ops if op != NONE) for ops in support]
    reached, useful = {0}, {3}
    for (target, source), ops in zip(EDGES, kept, strict=True):
        if ops and source in reached:
            reached.add(target)
    for (target, source), ops in reversed(list(zip(EDGES, kept, strict=True))):
        if ops and target in useful:
            useful.add(source)
    live = tuple(
        ops if source in reached and target in useful else () for (target, source), ops in zip(EDGES, kept, strict=True)
    )
    groups = tuple(
        tuple(
            (op, edges)
            for op in (CONV1, CONV3, SKIP, POOL)
            if (edges := tuple(e for e, (_, source) in enumerate(EDGES) if source == node and op in live[e]))
        )
        for node in range(3)
    )
    counts = [sum(op in ops for ops in live) for op in CONVOLUTIONS]
    return Plan(live, groups, (counts[0], counts[1]))


def support_of(p: Tensor) -> tuple[Support, bool]:
    """Operations with a nonzero share of a (6, 5) p, and whether all these are one; on a GPU this waits for p."""
    rows = p.detach().tolist()
    support = tuple(tuple(op for op, share in enumerate(row) if share != 0.0) for row in rows)
    return support, all(share in (0.0, 1.0) for row in rows for share in row)


def with_computed(support: Support, computed: Tensor) -> Support:
    """The support, and the operations that a (6, 5) mask names.

    Raises
    ------
    ValueError
        A mask of another shape.
    """
    if tuple(computed.shape) != (len(EDGES), len(OPERATIONS)):
        expected = (len(EDGES), len(OPERATIONS))
        raise ValueError(f"computed: expected a mask of shape {expected}, found {tuple(computed.shape)}")
    return tuple(
        tuple(op for op, wanted in enumerate(row) if wanted or op in ops)
        for ops, row in zip(support, computed.tolist(), strict=True)
    )
