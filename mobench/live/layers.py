"""Layers of elastic size, and choices between modules: what makes a module a search space.

Every layer returns the expectation of its output over its own genes, given its input (a layer norm: with expected
statistics); at one-hot shares that is the layer of the chosen size, computed on slices of the shared weights. Masks are
on the input side, ``W (s * x)`` with s_j the probability that unit j exists: in front of a batch norm, which undoes
scales, they would be lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mobench.core.space import Array
from mobench.live.genes import Gene, Quantity, Width

__all__ = [
    "Choice",
    "Elastic",
    "ElasticBatchNorm",
    "ElasticConstant",
    "ElasticConv2d",
    "ElasticDepth",
    "ElasticLayerNorm",
    "ElasticLinear",
    "Repeat",
]


@runtime_checkable
class Elastic(Protocol):
    """A layer with sizes of its own: what it costs, and what it is in plain torch."""

    def costs(self, outputs: torch.Size | None) -> tuple[Quantity, Quantity]:
        """Multiply-adds of a call that gives this shape (None: of no call), and parameters."""
        ...

    def plain(self) -> nn.Module:
        """The layer of this pass's sizes, with its part of the weights."""
        ...


def _cut(tensor: Tensor, *sizes: int, skip: int = 0) -> Tensor:
    """The first entries along each axis, or those behind `skip` places in memory: one node in the graph, or none."""
    if tensor.shape == sizes:
        return tensor
    return tensor.as_strided(sizes, tensor.stride(), tensor.storage_offset() + skip)


def _centred(values: Array, top: int) -> Array:
    """0/1 masks (..., top, top) of square kernels of the sizes `values` in the middle of the largest."""
    near = 2 * np.abs(np.arange(top) - top // 2) < values[..., None]
    return np.logical_and(near[..., :, None], near[..., None, :])


def _filled(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """A plain module with copies of these tensors for its parameters."""
    with torch.no_grad():
        for name, tensor in tensors.items():
            if tensor is not None:
                getattr(module, name).copy_(tensor)
    return module


class ElasticLinear(nn.Linear):
    """``y = W[:o, :i] (s * x) + b[:o]``: s, the share of each input, counts it as often as it exists."""

    def __init__(self, inputs: Width, outputs: Width, *, bias: bool = True) -> None:
        self.sizes = Quantity.of(inputs).rounded, Quantity.of(outputs).rounded
        super().__init__(self.sizes[0].largest, self.sizes[1].largest, bias)

    def _cuts(self) -> tuple[Tensor, Tensor | None]:
        (i, o), w, b = map(int, self.sizes), self.weight, self.bias
        return _cut(w, o, i), None if b is None else _cut(b, o)

    def forward(self, input: Tensor) -> Tensor:
        """Map (..., i) to (..., o)."""
        (w, b), s = self._cuts(), self.sizes[0].mask(input)
        return functional.linear(input, w if s is None else w * s, b)

    def costs(self, outputs: torch.Size | None) -> tuple[Quantity, Quantity]:
        """See `Elastic`."""
        i, o = self.sizes
        return i * o * (math.prod(outputs[:-1]) if outputs else 0), i * o + (o if self.bias is not None else 0)

    def plain(self) -> nn.Module:
        """See `Elastic`."""
        (w, b), (i, o) = self._cuts(), map(int, self.sizes)
        return _filled(nn.Linear(i, o, bias=b is not None), weight=w, bias=b)


class ElasticConv2d(nn.Conv2d):
    """A convolution of elastic widths and odd square kernel with "same" padding: ``W * s_i * sum_k p_k centred_k``.

    Where `outputs` is left out it is depthwise: each channel is on its own, and no share of a channel enters.

    Raises
    ------
    ValueError
        An even kernel, or a width or stride below 1.
    """

    def __init__(
        self, inputs: Width, outputs: Width | None = None, *, kernel: Width = 1, stride: int = 1, bias: bool = False
    ) -> None:
        self.depthwise = outputs is None
        self.sizes = Quantity.of(inputs).rounded, Quantity.of(inputs if outputs is None else outputs).rounded
        self.kernel = Quantity.of(kernel).rounded
        if not (self.kernel.table % 2).all():
            raise ValueError(f"kernel: expected odd sizes, found {self.kernel.table.tolist()}")
        if not isinstance(stride, Integral) or stride < 1:
            raise ValueError(f"stride: expected a whole number from 1, found {stride!r}")
        i, o, k = (size.largest for size in (*self.sizes, self.kernel))
        super().__init__(i, o, k, stride=stride, padding=k // 2, groups=i if self.depthwise else 1, bias=bias)

    def _cuts(self) -> tuple[Tensor, Tensor | None]:
        (i, o, k), w, b = map(int, (*self.sizes, self.kernel)), self.weight, self.bias
        edge = (w.shape[-1] - k) // 2 * (w.stride(2) + w.stride(3))
        return _cut(w, o, 1 if self.depthwise else i, k, k, skip=edge), None if b is None else _cut(b, o)

    def forward(self, input: Tensor) -> Tensor:
        """Map (n, i, h, w) to (n, o, h', w')."""
        (w, b), k = self._cuts(), self.kernel.mask(input, _centred)
        s = None if self.depthwise else self.sizes[0].mask(input)
        w = w if k is None else w * k
        w = w if s is None else w * s[:, None, None]
        return functional.conv2d(input, w, b, self.stride, w.shape[-1] // 2, 1, len(w) if self.depthwise else 1)

    def costs(self, outputs: torch.Size | None) -> tuple[Quantity, Quantity]:
        """See `Elastic`."""
        i, o = self.sizes
        weights = (o if self.depthwise else i * o) * self.kernel * self.kernel
        places = outputs[0] * math.prod(outputs[2:]) if outputs else 0
        return weights * places, weights + (o if self.bias is not None else 0)

    def plain(self) -> nn.Module:
        """See `Elastic`."""
        (w, b), (i, o, k) = self._cuts(), map(int, (*self.sizes, self.kernel))
        groups = i if self.depthwise else 1
        stride = (self.stride[0], self.stride[1])
        made = nn.Conv2d(i, o, k, stride=stride, padding=k // 2, groups=groups, bias=b is not None)
        return _filled(made, weight=w, bias=b)


class _ElasticNorm(nn.Module):
    """Scale and shift of an elastic width, one a channel."""

    def __init__(self, width: Width, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.width, self.eps = Quantity.of(width).rounded, eps
        self.weight, self.bias = (nn.Parameter(f(self.width.largest)) for f in (torch.ones, torch.zeros))

    def _cuts(self) -> tuple[Tensor, Tensor]:
        n = int(self.width)
        return _cut(self.weight, n), _cut(self.bias, n)

    def costs(self, outputs: torch.Size | None) -> tuple[Quantity, Quantity]:
        """See `Elastic`: no multiply-adds by the usual count, and two parameters a channel."""
        return Quantity.of(0), self.width * 2


class ElasticBatchNorm(_ElasticNorm):
    """Batch norm of an elastic width, by the statistics of the batch, channel by channel; no mask enters.

    Shared weights have no running statistics, which would be those of no network. A stand-alone network has its own:
    `torch.nn.BatchNorm2d`, or `torch.nn.BatchNorm1d` where `dims` is 1, inputs (n, c).

    Raises
    ------
    ValueError
        Other `dims` than 1 and 2, or a width below 1.
    """

    def __init__(self, width: Width, *, dims: int = 2, eps: float = 1e-5) -> None:
        super().__init__(width, eps=eps)
        if dims not in (1, 2):
            raise ValueError(f"dims: expected 2 for images or 1 for rows of features, found {dims!r}")
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c, ...) to the same shape."""
        w, b = self._cuts()
        return functional.batch_norm(x, None, None, w, b, True, 0.0, self.eps)

    def plain(self) -> nn.Module:
        """See `Elastic`; running statistics are fresh."""
        (w, b), n = self._cuts(), int(self.width)
        made = nn.BatchNorm2d(n, eps=self.eps) if self.dims == 2 else nn.BatchNorm1d(n, eps=self.eps)
        return _filled(made, weight=w, bias=b)


class ElasticLayerNorm(_ElasticNorm):
    """Layer norm of an elastic width that counts each channel by its share s.

    The mean is ``sum(s x) / sum(s)``, the variance ``sum(s (x - mean)^2) / sum(s)``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., c) to the same shape."""
        (w, b), s = self._cuts(), self.width.mask(x)
        if s is None:
            return functional.layer_norm(x, (len(w),), w, b, self.eps)
        s = s / s.sum()
        x = x - (x @ s)[..., None]
        return x * torch.rsqrt((x * x) @ s + self.eps)[..., None] * w + b

    def plain(self) -> nn.Module:
        """See `Elastic`."""
        w, b = self._cuts()
        return _filled(nn.LayerNorm(len(w), eps=self.eps), weight=w, bias=b)


class Constant(nn.Module):
    """A tensor that is learned, of small normal numbers (0.02) at first: positions, class tokens."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(sizes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw it anew."""
        nn.init.normal_(self.weight, std=0.02)

    def forward(self) -> Tensor:
        """The tensor."""
        return self.weight


class ElasticConstant(Constant):
    """A learned tensor of elastic sizes; calling it gives the slice: ``x + self.positions()``."""

    def __init__(self, *sizes: Width) -> None:
        self.sizes = tuple(Quantity.of(size).rounded for size in sizes)
        super().__init__(*(size.largest for size in self.sizes))

    def forward(self) -> Tensor:
        """The first entries along each axis."""
        return _cut(self.weight, *map(int, self.sizes))

    def costs(self, outputs: torch.Size | None) -> tuple[Quantity, Quantity]:
        """See `Elastic`: no multiply-adds, and the product of the sizes."""
        return Quantity.of(0), math.prod(self.sizes, start=Quantity.of(1))

    def plain(self) -> nn.Module:
        """See `Elastic`."""
        return _filled(Constant(*map(int, self.sizes)), weight=self())


class Choice(nn.ModuleDict):
    """One of several named modules of one output shape and any cost: ``y = sum_k p_k f_k(x)``, those with a share.

    ``Choice("block1", conv=Block(...), skip=nn.Identity())``; choices that share a `Gene` are made together.

    Raises
    ------
    ValueError
        The alternatives are not the options of the gene given.
    """

    def __init__(self, name: str | Gene, /, **alternatives: nn.Module) -> None:
        if taken := [key for key in alternatives if hasattr(nn.ModuleDict, key) or key in ("gene", "training")]:
            raise ValueError(f"choice: an alternative cannot be called {taken[0]!r}, as modules have one; rename it")
        super().__init__(alternatives)
        self.gene = name if isinstance(name, Gene) else Gene(name, *alternatives)
        if self.gene.options != tuple(alternatives):
            raise ValueError(f"{self.gene.name}: expected the alternatives {self.gene.options}, in this order")

    def forward(self, x: Tensor) -> Tensor:
        """The mean of the alternatives."""
        (support, p), parts = self.gene.shares, list(self.values())
        first: Tensor = parts[support[0]](x)
        return first if p is None else _mean([(p[k], first if k == support[0] else parts[k](x)) for k in support])

    def exists(self, k: int) -> Array:
        """For which of the gene's options the k-th alternative is computed."""
        found: Array = np.arange(len(self.gene.options)) == k
        return found


class ElasticDepth(nn.Sequential):
    """The first n of some blocks that keep the shape: ``y = sum_k p_k h_{n_k}``, h_n what n blocks make of x.

    Raises
    ------
    ValueError
        Another number of blocks than the largest depth.
    """

    def __init__(self, depth: Gene, *blocks: nn.Module) -> None:
        super().__init__(*blocks)
        _check_depths(depth)
        if max(depth.options) != len(blocks):
            raise ValueError(f"{depth.name}: expected {max(depth.options)} blocks, found {len(blocks)}")
        self.gene = depth

    def forward(self, input: Tensor) -> Tensor:
        """The mean of the depths' outputs."""
        support, p = self.gene.shares
        wanted, x, ends = {self.gene.options[k]: k for k in support}, input, []
        for n in range(max(wanted) + 1):
            x = self[n - 1](x) if n else x
            if n in wanted:
                ends.append((None if p is None else p[wanted[n]], x))
        return x if p is None else _mean(ends)

    def exists(self, k: int) -> Array:
        """For which of the gene's options the k-th block is computed."""
        found: Array = np.array(self.gene.options) > k
        return found


class Repeat(ElasticDepth):
    """Elastic depth over blocks that ``make(i)`` makes, i from 0: ``Repeat(Gene("depth", 1, 2, 3), make)``."""

    def __init__(self, depth: Gene, make: Callable[[int], nn.Module]) -> None:
        _check_depths(depth)
        blocks = [make(i) for i in range(max(depth.options))]
        if wrong := [type(block).__name__ for block in blocks if not isinstance(block, nn.Module)]:
            raise TypeError(f"{depth.name}: expected a module for each block, found {wrong[0]}; return it")
        super().__init__(depth, *blocks)


def _check_depths(depth: Gene) -> None:
    if not isinstance(depth, Gene) or not all(isinstance(n, Integral) and int(n) >= 0 for n in depth.options):
        raise ValueError(f"depth: expected a Gene of whole numbers from 0, found {depth!r}")


def _mean(terms: Sequence[tuple[Any, Tensor]]) -> Tensor:
    total: Tensor = terms[0][0].to(terms[0][1]) * terms[0][1]
    for share, term in terms[1:]:
        total = torch.addcmul(total, share.to(term), term)
    return total
