"""A mixture of all operations on all edges in fewer, larger steps: for devices on which each step costs its launch.

The weights of a stage are put together once, not cell by cell, and what a node gives to all later nodes is one tensor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mobench.live.layouts import Layout
from mobench.problems._cells.plans import CONVOLUTIONS, Plan
from mobench.problems._cells.space import OPERATIONS, SKIP
from mobench.problems._cells.steps import add, norm

Columns = Mapping[tuple[int, int], Tensor]
"""Shares, (k, 1), of the k edges that begin at a node, by node and operation."""
Parts = Mapping[tuple[int, int], tuple[Tensor, Tensor, Tensor]]
"""Kernels (k c, c, h, h), scales and shifts (k c,) of the convolutions of k edges, by node and operation."""


def is_whole(computed: Plan) -> bool:
    """Whether every edge has all operations."""
    return all(len(ops) == len(OPERATIONS) - 1 for ops in computed.support)


def parts(weights: Mapping[str, Tensor], columns: Columns, computed: Plan, cells: Sequence[str]) -> list[Parts]:
    """The weights of some cells of one width, their norms times the shares; one `Parts` a cell, in their order."""
    found: list[dict[tuple[int, int], tuple[Tensor, Tensor, Tensor]]] = [{} for _ in cells]
    for node, group in enumerate(computed.groups):
        for op, edges in group:
            if op in CONVOLUTIONS:
                kernels, scales, shifts = (
                    torch.stack([weights[f"{cell}.{edge}.{OPERATIONS[op]}.{kind}"] for cell in cells for edge in edges])
                    for kind in ("kernel", "scale", "shift")
                )
                shares = columns[node, op].repeat(len(cells), 1)
                split = (each.flatten(0, 1).chunk(len(cells)) for each in (kernels, scales * shares, shifts * shares))
                for cell, each in zip(found, zip(*split, strict=True), strict=True):
                    cell[node, op] = each
    return list(found)


def whole_cell(x: Tensor, given: Parts, columns: Columns, computed: Plan, layout: Layout) -> Tensor:
    """Compute node 3 from node 0, both (n, c, ...); sums of later nodes lie side by side, (n, nodes, c, ...)."""
    sums: Tensor | None = None
    for node, group in enumerate(computed.groups):
        value = x if sums is None else sums[:, 0]
        sums = None if sums is None else sums[:, 1:]
        active = torch.relu(value)
        for op, edges in group:
            if op in CONVOLUTIONS:
                kernel, scale, shift = given[node, op]
                terms = norm(layout.conv(active, kernel, 1), scale, shift)
                sums = add(sums, terms.view(len(terms), len(edges), -1, *terms.shape[2:]), None)
            else:
                part = value if op == SKIP else layout.pool(value)
                sums = add(sums, part[:, None], columns[node, op].view(-1, *(1,) * (part.ndim - 1)))
    assert sums is not None
    return sums[:, 0]
