"""The NAS-Bench-201 network as a function of weights and operation shares: mixtures, sampled paths, discrete cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mobench import Array
from mobench.live.layouts import Layout
from mobench.problems._cells.batched import is_whole, parts, whole_cell
from mobench.problems._cells.plans import CONVOLUTIONS, Plan
from mobench.problems._cells.space import CONV1, CONV3, EDGES, NONE, OPERATIONS, SKIP, Skeleton, flops, params
from mobench.problems._cells.steps import add, norm

Shares = list[list[Tensor]]
"""The entries of p, (6, 5), as scalars."""
_KERNELS = {CONV1: 1, CONV3: 3}


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

    def of(self, computed: Plan, *, partial: int = 1, share: float = 1.0) -> float:
        """Cost of a plan; with partial connections a convolution maps so many times fewer channels to fewer.

        `share` is that of the cells that are computed.
        """
        ones, threes = computed.convolutions
        convolutions = ones * float(self.operations[CONV1]) + threes * float(self.operations[CONV3])
        return self.fixed + share * convolutions / partial**2


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


def kept_values(skeleton: Skeleton, computed: Plan) -> float:
    """Values an image that a forward pass keeps for its backward pass, in round numbers.

    In units of the maps of all cells: 2 for the skeleton, 1.25 a convolution (what enters and what leaves its batch
    norm), 1 for each node whose rectified value convolutions share, 0.25 for any other operation. A gradient that
    is itself to be differentiated keeps more.
    """
    stages = range(skeleton.stages)
    maps: int = sum(skeleton.cells * skeleton.channels * 2**s * (skeleton.size // 2**s) ** 2 for s in stages)
    convolutions = sum(computed.convolutions)
    others = sum(map(len, computed.support)) - convolutions
    nodes = sum(any(op in CONVOLUTIONS for op, _ in group) for group in computed.groups)
    return maps * (2.0 + 1.25 * convolutions + nodes + 0.25 * others)


def shapes(skeleton: Skeleton, *, partial: int = 1) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights, in the order of the network; a convolution is OIHW, `scale` and `shift` (C,).

    With `partial`, the operations of an edge work on one channel of so many.
    """
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
                    conv(f"cell{cell}.{edge}.{OPERATIONS[op]}", c // partial, c // partial, _KERNELS[op])
    found["last.scale"] = found["last.shift"] = (c,)
    return found | {"classifier.weight": (skeleton.classes, c), "classifier.bias": (skeleton.classes,)}


def partial_of(weights: Mapping[str, Tensor], skeleton: Skeleton) -> int:
    """One channel of how many goes through the operations of an edge: the weights' shapes say so."""
    return skeleton.channels // len(weights[f"cell0.0.{OPERATIONS[CONV1]}.scale"])


def depth_of(weights: Mapping[str, Tensor], skeleton: Skeleton) -> int:
    """How many cells a stage has: those that the weights name."""
    return sum(f"cell{cell}.0.{OPERATIONS[CONV1]}.scale" in weights for cell in range(skeleton.cells))


def shallow(weights: Mapping[str, Tensor], skeleton: Skeleton, cells: int) -> dict[str, Tensor]:
    """The weights of a network with the first `cells` cells of each stage."""
    left = [f"cell{cell}" for cell in range(skeleton.stages * skeleton.cells) if cell % skeleton.cells >= cells]
    return {name: weight for name, weight in weights.items() if name.partition(".")[0] not in left}


def draw_weights(skeleton: Skeleton, *, seed: int, partial: int = 1) -> dict[str, Tensor]:
    """Draw float64 weights: kernels and classifier uniform within 1/sqrt(fan-in), as torch does; scales 1, shifts 0."""
    generator, weights = torch.Generator().manual_seed(seed), {}
    for name, shape in shapes(skeleton, partial=partial).items():
        kind = name.rpartition(".")[2]
        if kind in ("scale", "shift"):
            weights[name] = torch.full(shape, float(kind == "scale"), dtype=torch.float64)
        else:
            fan_in = math.prod(shape[1:]) if len(shape) > 1 else skeleton.channels * 2 ** (skeleton.stages - 1)
            drawn = torch.rand(shape, generator=generator, dtype=torch.float64)
            weights[name] = (2.0 * drawn - 1.0) / math.sqrt(fan_in)
    return weights


def morphed(weights: Mapping[str, Tensor], parent: Array, child: Array, skeleton: Skeleton) -> dict[str, Tensor]:
    """A copy of weights with which the cell `child`, (6,), computes what `parent` does, as far as operations allow.

    A network morphism (Chen et al. 2016) where an edge gets a convolution that had nothing, whose batch norm is scaled
    by 0, and where one of size 1 becomes the middle of one of size 3. One of size 3 leaves its middle behind.
    Everywhere else weights are as they were.
    """
    found = {name: weight.detach().clone() for name, weight in weights.items()}
    for edge in np.flatnonzero(parent != child).tolist():
        before, after = int(parent[edge]), int(child[edge])
        if after not in CONVOLUTIONS:
            continue
        for cell in range(skeleton.stages * skeleton.cells):
            name = f"cell{cell}.{edge}.{OPERATIONS[after]}"
            if before == NONE:
                found[f"{name}.scale"].zero_()
                found[f"{name}.shift"].zero_()
            elif before in CONVOLUTIONS:
                old = f"cell{cell}.{edge}.{OPERATIONS[before]}"
                for kind in ("scale", "shift"):
                    found[f"{name}.{kind}"].copy_(found[f"{old}.{kind}"])
                kernel = found[f"{name}.kernel"]
                if after == CONV3:
                    kernel.zero_()
                    kernel[:, :, 1, 1] = found[f"{old}.kernel"][:, :, 0, 0]
                else:
                    kernel[:, :, 0, 0] = found[f"{old}.kernel"][:, :, 1, 1]
    return found


def logits(
    weights: Mapping[str, Tensor],
    p: Tensor | None,
    images: Tensor,
    *,
    skeleton: Skeleton,
    computed: Plan,
    layout: Layout,
    batched: bool = False,
) -> Tensor:
    """Map images (n, inputs, size, size) to logits (n, classes).

    Each edge gives the sum over its operations of share times result; batch norms use the statistics of the batch.
    With partial connections (Xu et al. 2020) that is so for the first channels, a live edge carries the others over as
    they are, and a node's channels are shuffled.

    Parameters
    ----------
    weights : mapping
        Tensors by the names and of the `shapes`, which tell whether connections are partial; a stage has the cells that
        they name (`shallow`).
    p : Tensor or None
        (6, 5) shares of the operations; None where all those of the plan are one.
    computed : Plan
        The plan of p's support.
    layout : Layout
        How values lie in memory: it changes speed and rounding, nothing else.
    batched : bool
        Compute mixtures of all operations in fewer, larger steps (`batched`): this, too, changes speed and rounding.
    """
    partial = partial_of(weights, skeleton)
    whole = batched and p is not None and partial == 1 and is_whole(computed)
    network = _Pass(weights, layout, computed, *_shares(p, computed, whole), partial)
    x = network.norm(layout.conv(layout.place(images), weights["stem.kernel"], 1), "stem")
    depth = depth_of(weights, skeleton)
    for stage in range(skeleton.stages):
        if stage > 0:
            x = network.reduction(f"reduction{stage}", x)
        names = [f"cell{cell}" for cell in range(stage * skeleton.cells, stage * skeleton.cells + depth)]
        if whole:
            for given in parts(weights, network.columns, computed, names):
                x = whole_cell(x, given, network.columns, computed, layout)
            continue
        for name in names:
            x = network.cell(name, x)
    x = layout.mean(torch.relu(network.norm(x, "last")))
    return functional.linear(x, weights["classifier.weight"], weights["classifier.bias"])


def _shares(p: Tensor | None, computed: Plan, whole: bool) -> tuple[Shares, dict[tuple[int, int], Tensor]]:
    """The entries of p one by one, and as columns, (k, 1), those of groups: of convolutions, in whole cells of all."""
    if p is None:
        return [], {}
    entries = [list(row.unbind()) for row in p.unbind()]
    columns = {
        (node, op): torch.stack([entries[e][op] for e in edges])[:, None]
        for node, group in enumerate(computed.groups)
        for op, edges in group
        if whole or op in CONVOLUTIONS
    }
    return entries, columns


@dataclass(frozen=True)
class _Pass:
    """One forward pass: its weights and what its cells compute."""

    weights: Mapping[str, Tensor]
    layout: Layout
    computed: Plan
    entries: Shares
    columns: dict[tuple[int, int], Tensor]
    partial: int

    def norm(self, x: Tensor, name: str) -> Tensor:
        return norm(x, self.weights[f"{name}.scale"], self.weights[f"{name}.shift"])

    def reduction(self, name: str, x: Tensor) -> Tensor:
        """Halve the image and double the channels: the residual block between stages."""
        conv, weights = self.layout.conv, self.weights
        y = torch.relu(self.norm(conv(torch.relu(x), weights[f"{name}.a.kernel"], 2), f"{name}.a"))
        y = self.norm(conv(y, weights[f"{name}.b.kernel"], 1), f"{name}.b")
        return y + conv(self.layout.halve(x), weights[f"{name}.shortcut.kernel"], 1)

    def cell(self, name: str, x: Tensor) -> Tensor:
        """Compute node 3 from node 0."""
        nodes: list[Tensor | None] = [None] * 4
        carried: list[Tensor | None] = [None] * 4
        for node, group in enumerate(self.computed.groups):
            value = x if node == 0 else self.joined(nodes[node], carried[node])
            if value is None:
                continue
            if self.partial > 1:
                value, rest = value.tensor_split([value.shape[1] // self.partial], dim=1)
                for target in {EDGES[edge][0] for _, edges in group for edge in edges}:
                    carried[target] = add(carried[target], rest, None)
            active = torch.relu(value) if any(op in CONVOLUTIONS for op, _ in group) else value
            for op, edges in group:
                if op in CONVOLUTIONS:
                    parts = self.convolutions(name, active, node, op, edges)
                else:
                    parts = [value if op == SKIP else self.layout.pool(value)] * len(edges)
                for edge, part in zip(edges, parts, strict=True):
                    share = self.entries[edge][op] if self.entries and op not in CONVOLUTIONS else None
                    target = EDGES[edge][0]
                    nodes[target] = add(nodes[target], part, share)
        output = self.joined(nodes[3], carried[3])
        return torch.zeros_like(x) if output is None else output

    def joined(self, worked: Tensor | None, carried: Tensor | None) -> Tensor | None:
        """Put together the channels of a node that operations worked on and those carried over, and shuffle them."""
        if worked is None or carried is None:
            return worked
        y = torch.cat([worked, carried], dim=1)
        return y.view(len(y), self.partial, -1, *y.shape[2:]).transpose(1, 2).flatten(1, 2)

    def convolutions(self, name: str, x: Tensor, node: int, op: int, edges: tuple[int, ...]) -> Sequence[Tensor]:
        """Run the k convolutions of one kind and one value as one; their shares scale their batch norms."""
        kernels, scales, shifts = (
            [self.weights[f"{name}.{edge}.{OPERATIONS[op]}.{kind}"] for edge in edges]
            for kind in ("kernel", "scale", "shift")
        )
        y = self.layout.conv(x, kernels[0] if len(edges) == 1 else torch.cat(kernels), 1)
        if self.columns:
            shares = self.columns[node, op]
            scale, shift = ((torch.stack(each) * shares).flatten() for each in (scales, shifts))
        elif len(edges) == 1:
            return [norm(y, scales[0], shifts[0])]
        else:
            scale, shift = torch.cat(scales), torch.cat(shifts)
        y = norm(y, scale, shift)
        return [y] if len(edges) == 1 else y.chunk(len(edges), dim=1)
