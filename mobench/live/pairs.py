"""Inputs and labels of one pool, from arrays or from the items of a torch Dataset: two tensors, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mobench.core.space import Array
from mobench.live.data_files import pixels

__all__ = ["checked_pair"]


def checked_pair(pool: Any, what: str) -> tuple[Tensor, Tensor]:
    """Inputs, (n, ...) uint8 or finite float32, and labels, (n,) int64 from 0, of a pair or of a dataset of pairs.

    Parameters
    ----------
    pool
        A pair (inputs, labels) of arrays, tensors or lists; or anything with a length whose items are such pairs.
    what : str
        What the pool is called, as messages begin.

    Raises
    ------
    ValueError
        Neither, inputs that are no finite real numbers of one shape, labels that are no classes, other numbers of
        labels than of inputs, or fewer than 3; the message names the cure.
    """
    given = _halves(pool, what)
    inputs, labels = (_array(half, f"{what}: {name}") for half, name in zip(given, ("inputs", "labels"), strict=True))
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if inputs.ndim < 2 or labels.shape != inputs.shape[:1] or len(labels) < 3:
        found = f"{inputs.shape} and {labels.shape}"
        raise ValueError(f"{what}: expected inputs (n, ...) and labels (n,), n from 3, found {found}")
    return torch.from_numpy(_numbers(inputs, what)), torch.from_numpy(_classes(labels, what))


def _numbers(inputs: Array, what: str) -> Array:
    """Finite real numbers, contiguous and of this array alone."""
    if inputs.dtype.kind not in "iufb" or not inputs.size:
        cure = "; give real and imaginary parts as channels" if inputs.dtype.kind == "c" else ""
        raise ValueError(f"{what}: expected inputs of real numbers, found {inputs.dtype} of shape {inputs.shape}{cure}")
    if inputs.dtype == np.uint8:
        return np.require(inputs, requirements=["C", "W"])
    with np.errstate(over="ignore"):
        found = np.require(inputs, dtype=np.float32, requirements=["C", "W"])
    if wrong := found.size - int(np.isfinite(found).sum()):
        raise ValueError(
            f"{what}: {wrong} of {found.size} inputs' numbers are not finite as float32; drop or mend them"
        )
    return found


def _classes(labels: Array, what: str) -> Array:
    numbers = labels.astype(np.int64) if labels.dtype.kind in "iub" else np.array([-1])  # beyond 2^63: negative
    if numbers.min() < 0:
        raise ValueError(
            f"{what}: expected labels that are classes, whole numbers from 0, found {labels.dtype} such as "
            f"{labels.flat[int(numbers.argmin())]}; np.unique(labels, return_inverse=True)[1] numbers them"
        )
    return numbers


def _halves(pool: Any, what: str) -> tuple[Any, Any]:
    if isinstance(pool, tuple | list) and len(pool) == 2:
        return pool[0], pool[1]
    items = hasattr(pool, "__getitem__") and hasattr(pool, "__len__") and not isinstance(pool, np.ndarray | Tensor)
    if not items:
        raise ValueError(
            f"{what}: expected a pair (inputs, labels), a path, or a torch Dataset that has a length and items by "
            f"number, found {type(pool).__name__}"
        )
    pairs = [pool[i] for i in range(len(pool))]
    for i, item in enumerate(pairs):
        if not (isinstance(item, tuple | list) and len(item) == 2):
            raise ValueError(f"{what}: expected items (input, label), found {type(item).__name__} at {i}")
    return [x for x, _ in pairs], [y for _, y in pairs]


def _array(x: Any, what: str) -> Array:
    """An array of a tensor, of a picture, or of a list of any of these."""
    if isinstance(x, Tensor):
        x = x.detach().to_dense().cpu().resolve_conj()
        found: Array = (x.float() if x.is_floating_point() else x).numpy()  # numpy has no bfloat16
        return found
    if hasattr(x, "getbands"):  # a picture, as torchvision's datasets give without a transform
        return pixels(x)
    if isinstance(x, list | tuple) and any(
        isinstance(each, Tensor | np.ndarray) or hasattr(each, "getbands") for each in x
    ):
        return _stacked([_array(each, what) for each in x], what)
    try:
        return np.asarray(x)
    except ValueError:
        raise ValueError(f"{what}: expected one array, found rows of different lengths; make them equal") from None


def _stacked(arrays: Sequence[Array], what: str) -> Array:
    for i, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{what}: expected one shape, found {arrays[0].shape} at 0 and {array.shape} at {i}; make them equal, "
                "in the transform of a Dataset say"
            )
    return np.stack(arrays)
