"""How the supernet lays out its values, and the convolutions and poolings that go with it.

Images first, (n, c, h, w), is torch's own. Images last, (1, c, h, w, n), is for images so small that a convolution is
best written as a matrix product with its zeros: on a CPU and 8x8 images that takes a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

LARGEST = 8
"""Height of the largest images that are best laid out last, on a CPU."""
_DENSE = 16
"""Pixels up to which a 3x3 convolution is one matrix over all pixels; above, three over columns of pixels."""


@dataclass(frozen=True)
class Layout:
    """Operations on values of one layout; channels are the second dimension in both.

    Attributes
    ----------
    place : callable
        Images (n, c, h, w) -> values.
    conv : callable
        (values, kernel OIHW, stride) -> values, zero padding of half the kernel.
    pool, halve : callable
        Mean over 3x3 pixels at stride 1, padding left out; mean over 2x2 pixels at stride 2.
    mean : callable
        Values -> (n, c), the mean over pixels.
    """

    place: Callable[[Tensor], Tensor]
    conv: Callable[[Tensor, Tensor, int], Tensor]
    pool: Callable[[Tensor], Tensor]
    halve: Callable[[Tensor], Tensor]
    mean: Callable[[Tensor], Tensor]


def _conv(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    return functional.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)


@lru_cache(maxsize=64)
def _means(size: int, dtype: torch.dtype) -> Tensor:
    """Means over three neighbours, fewer at the ends, as a matrix (size, size)."""
    bands = torch.ones(size, size, dtype=dtype).triu(-1).tril(1)
    return bands / bands.sum(dim=1, keepdim=True)


def average(x: Tensor) -> Tensor:
    """Mean over 3x3 pixels of square images (n, c, h, h) at stride 1, padding left out.

    Of large images on a CPU it is a product from the left and from the right: a fraction of what the kernel takes.
    """
    if x.device.type != "cpu" or x.shape[-1] <= LARGEST:
        return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    means = _means(x.shape[-1], x.dtype)
    return means @ (x @ means.T)


IMAGES_FIRST = Layout(
    place=lambda images: images,
    conv=_conv,
    pool=average,
    halve=lambda x: functional.avg_pool2d(x, 2, 2),
    mean=lambda x: x.mean(dim=(2, 3)),
)


def _pixels(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Every image of one bright pixel, (size^2, 1, size, size): a linear map of these is its transposed matrix."""
    return torch.eye(size * size, dtype=dtype, device=device).view(-1, 1, size, size)


@lru_cache(maxsize=64)
def _taps(size: int, kernel: int, stride: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrices of the convolutions with one nonzero tap, (kernel^2, pixels', pixels)."""
    found = _conv(_pixels(size, dtype, device), _pixels(kernel, dtype, device), stride)
    return found.flatten(2).permute(1, 2, 0).contiguous()


@lru_cache(maxsize=64)
def _bands(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Matrices of the three taps of a column, (3, size, size)."""
    return torch.stack([torch.diag(torch.ones(size - abs(k), dtype=dtype, device=device), k) for k in (-1, 0, 1)])


@lru_cache(maxsize=64)
def _pooling(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return IMAGES_FIRST.pool(_pixels(size, dtype, device)).flatten(1).T.contiguous()


@lru_cache(maxsize=64)
def _halving(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return IMAGES_FIRST.halve(_pixels(size, dtype, device)).flatten(1).T.contiguous()


def _conv_last(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    _, inputs, h, w, n = x.shape
    if kernel.shape[-1] == 1:
        return (kernel.flatten(1) @ x.reshape(inputs, -1)).view(1, -1, h, w, n)
    if stride > 1 or h * w <= _DENSE:
        return _conv_dense(x, kernel, stride)
    return _conv_columns(x, kernel)


def _conv_dense(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """One matrix from all input pixels to all output pixels."""
    _, inputs, h, w, n = x.shape
    taps = _taps(h, kernel.shape[-1], stride, x.dtype, x.device)
    matrix = (kernel.reshape(-1, len(taps)) @ taps.flatten(1)).view(-1, inputs, *taps.shape[1:])
    matrix = matrix.transpose(1, 2).reshape(-1, inputs * h * w)
    return (matrix @ x.reshape(-1, n)).view(1, -1, h // stride, w // stride, n)


def _conv_columns(x: Tensor, kernel: Tensor) -> Tensor:
    """One matrix from three neighbouring columns of input pixels to a column of output pixels."""
    _, inputs, h, w, n = x.shape
    bands = _bands(h, x.dtype, x.device)
    matrix = (kernel.transpose(2, 3).reshape(-1, 3) @ bands.flatten(1)).view(-1, inputs, 3, h, h)
    matrix = matrix.permute(0, 3, 2, 1, 4).reshape(-1, 3 * inputs * h)
    middle = x.reshape(inputs * h, w * n)
    outside = middle.new_zeros(inputs * h, n)
    left = torch.cat([outside, middle[:, :-n]], dim=1)
    right = torch.cat([middle[:, n:], outside], dim=1)
    return (matrix @ torch.cat([left, middle, right])).view(1, -1, h, w, n)


def _average(x: Tensor, matrix: Tensor, height: int) -> Tensor:
    """Apply a (pixels', pixels) matrix to every channel."""
    return (matrix @ x.flatten(2, 3)[0]).view(1, x.shape[1], height, -1, x.shape[-1])


IMAGES_LAST = Layout(
    place=lambda images: images.permute(1, 2, 3, 0).contiguous()[None],
    conv=_conv_last,
    pool=lambda x: _average(x, _pooling(x.shape[2], x.dtype, x.device), x.shape[2]),
    halve=lambda x: _average(x, _halving(x.shape[2], x.dtype, x.device), x.shape[2] // 2),
    mean=lambda x: x.mean(dim=(2, 3))[0].T,
)
