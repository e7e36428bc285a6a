"""The NAS-Bench-201 network as a function of weights and operation shares: mixtures, sampled paths, discrete cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mobench import Array

from .._cell import CONV1, CONV3, EDGES, NONE, OPERATIONS, POOL, SKIP, Skeleton, flops, params

Shares = list[list[Tensor]]
"""The entries of p, (6, 5), as scalars."""
Support = tuple[tuple[int, ...], ...]
"""Operations with a nonzero share, for each edge."""
CONVOLUTIONS = (CONV1, CONV3)
_KERNELS = {CONV1: 1, CONV3: 3}


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


def support_of(p: Tensor) -> Support:
    """Operations with a nonzero share of a (6, 5) p; on a GPU this waits for p."""
    return tuple(tuple(op for op, share in enumerate(row) if share != 0.0) for row in p.detach().tolist())


@dataclass(frozen=True)
class Prices:
    """Cost of the skeleton and of one edge's operations in all cells, in multiply-adds an image or in parameters.

    Attributes
    ----------
    fixed : float
    operations : Array
        (5,) cost of each operation.
    """

    fixed: float
    operations: Array

    def of(self, computed: Plan) -> float:
        """Cost of a plan."""
        ones, threes = computed.convolutions
        return self.fixed + ones * float(self.operations[CONV1]) + threes * float(self.operations[CONV3])


def prices(skeleton: Skeleton, *, name: str) -> Prices:
    """Take the prices from `_cell.flops` (`name` "flops") or `_cell.params` ("params")."""
    cells = np.zeros((len(OPERATIONS), len(EDGES)), dtype=np.int64)
    cells[:, 0] = np.arange(len(OPERATIONS))
    totals = (flops if name == "flops" else params)(cells, skeleton=skeleton).astype(np.float64)
    return Prices(float(totals[NONE]), totals - totals[NONE])


def expected_cost(p: Tensor, price: Prices, *, dead: bool) -> Tensor:
    """Expected cost of a cell whose operations are drawn from p, (6, 5), edge by edge: exact and differentiable.

    With `dead`, convolutions on dead edges count. Without, an edge counts only where it is live: whether its source is
    reached depends on earlier edges only, whether its target is useful on later ones only, so the product of the two
    probabilities is exact.
    """
    cost = p @ torch.as_tensor(price.operations, dtype=p.dtype, device=p.device)
    if not dead:
        a10, a20, a21, a30, a31, a32 = (1.0 - p[:, NONE]).unbind()
        reach1, use2 = a10, a32
        reach2 = 1.0 - (1.0 - a20) * (1.0 - a21 * reach1)
        use1 = 1.0 - (1.0 - a31) * (1.0 - a21 * use2)
        one = torch.ones_like(a30)
        cost = cost * torch.stack([use1, use2, reach1 * use2, one, reach1, reach2])
    return price.fixed + cost.sum()


def shapes(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights, in the order of the network; a convolution is OIHW, `scale` and `shift` (C,)."""
    found: dict[str, tuple[int, ...]] = {}

    def conv(name: str, outputs: int, inputs: int, kernel: int) -> None:
        found[f"{name}.kernel"] = (outputs, inputs, kernel, kernel)
        found[f"{name}.scale"] = found[f"{name}.shift"] = (outputs,)

    c = skeleton.channels
    conv("stem", c, skeleton.inputs, 3)
    for stage in range(skeleton.stages):
        if stage > 0:
            c *= 2
            conv(f"reduction{stage}.a", c, c // 2, 3)
            conv(f"reduction{stage}.b", c, c, 3)
            found[f"reduction{stage}.shortcut.kernel"] = (c, c // 2, 1, 1)
        for cell in range(stage * skeleton.cells, (stage + 1) * skeleton.cells):
            for edge in range(len(EDGES)):
                for op in CONVOLUTIONS:
                    conv(f"cell{cell}.{edge}.{OPERATIONS[op]}", c, c, _KERNELS[op])
    found["last.scale"] = found["last.shift"] = (c,)
    return found | {"classifier.weight": (skeleton.classes, c), "classifier.bias": (skeleton.classes,)}


def draw_weights(skeleton: Skeleton, *, seed: int) -> dict[str, Tensor]:
    """Draw float64 weights: kernels and classifier uniform within 1/sqrt(fan-in), as torch does; scales 1, shifts 0."""
    generator, weights = torch.Generator().manual_seed(seed), {}
    for name, shape in shapes(skeleton).items():
        kind = name.rpartition(".")[2]
        if kind in ("scale", "shift"):
            weights[name] = torch.full(shape, float(kind == "scale"), dtype=torch.float64)
        else:
            fan_in = math.prod(shape[1:]) if len(shape) > 1 else skeleton.channels * 2 ** (skeleton.stages - 1)
            drawn = torch.rand(shape, generator=generator, dtype=torch.float64)
            weights[name] = (2.0 * drawn - 1.0) / math.sqrt(fan_in)
    return weights


def logits(weights: Mapping[str, Tensor], p: Tensor, images: Tensor, *, skeleton: Skeleton, computed: Plan) -> Tensor:
    """Map images (n, inputs, size, size) to logits (n, classes).

    Each edge gives the sum over its operations of share times result; batch norms use the statistics of the batch.

    Parameters
    ----------
    weights : mapping
        Tensors by the names of `shapes`.
    p : Tensor
        (6, 5) shares of the operations.
    computed : Plan
        The plan of p's support.
    """
    entries = [list(row.unbind()) for row in p.unbind()]
    columns = {
        (node, op): torch.stack([entries[e][op] for e in edges])[:, None]
        for node, group in enumerate(computed.groups)
        for op, edges in group
        if op in CONVOLUTIONS
    }
    x = _norm(
        functional.conv2d(images, weights["stem.kernel"], padding=1), weights["stem.scale"], weights["stem.shift"]
    )
    for stage in range(skeleton.stages):
        if stage > 0:
            x = _reduction(weights, f"reduction{stage}", x)
        for cell in range(stage * skeleton.cells, (stage + 1) * skeleton.cells):
            x = _cell(weights, f"cell{cell}", x, entries, columns, computed)
    x = functional.relu(_norm(x, weights["last.scale"], weights["last.shift"])).mean(dim=(2, 3))
    return functional.linear(x, weights["classifier.weight"], weights["classifier.bias"])


def _norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return functional.batch_norm(x, None, None, scale, shift, training=True)


def _reduction(weights: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Halve the image and double the channels: the residual block between stages."""
    a, b, shortcut = f"{name}.a", f"{name}.b", weights[f"{name}.shortcut.kernel"]
    y = functional.conv2d(functional.relu(x), weights[f"{a}.kernel"], stride=2, padding=1)
    y = functional.relu(_norm(y, weights[f"{a}.scale"], weights[f"{a}.shift"]))
    y = _norm(functional.conv2d(y, weights[f"{b}.kernel"], padding=1), weights[f"{b}.scale"], weights[f"{b}.shift"])
    return y + functional.conv2d(functional.avg_pool2d(x, 2, stride=2), shortcut)


def _cell(
    weights: Mapping[str, Tensor], name: str, x: Tensor, entries: Shares, columns: dict[Any, Tensor], computed: Plan
) -> Tensor:
    """Compute node 3 from node 0, (n, c, h, w)."""
    nodes: list[Tensor | None] = [x, None, None, None]

    def add(edge: int, term: Tensor) -> None:
        rest = nodes[EDGES[edge][0]]
        nodes[EDGES[edge][0]] = term if rest is None else rest + term

    for node, group in enumerate(computed.groups):
        value = nodes[node]
        if value is None:
            continue
        active = functional.relu(value) if any(op in CONVOLUTIONS for op, _ in group) else value
        for op, edges in group:
            if op in CONVOLUTIONS:
                parts = _convolutions(
                    weights, [f"{name}.{e}.{OPERATIONS[op]}" for e in edges], active, columns[node, op]
                )
            else:
                result = value if op == SKIP else functional.avg_pool2d(value, 3, 1, 1, count_include_pad=False)
                parts = [entries[e][op] * result for e in edges]
            for edge, part in zip(edges, parts, strict=True):
                add(edge, part)
    return torch.zeros_like(x) if nodes[3] is None else nodes[3]


def _convolutions(weights: Mapping[str, Tensor], names: list[str], x: Tensor, shares: Tensor) -> list[Tensor]:
    """Run k equal convolutions of one value as one; `shares`, (k, 1), scale their batch norms: k times (n, c, h, w)."""
    kernel = torch.cat([weights[f"{name}.kernel"] for name in names])
    scale = (torch.stack([weights[f"{name}.scale"] for name in names]) * shares).flatten()
    shift = (torch.stack([weights[f"{name}.shift"] for name in names]) * shares).flatten()
    y = _norm(functional.conv2d(x, kernel, padding=kernel.shape[-1] // 2), scale, shift)
    return list(y.chunk(len(names), dim=1))
