"""Data that networks are trained on: a training, a validation and a test part, split by address, normalised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mobench.core.space import Array
from mobench.files.tables import fingerprint
from mobench.live.data_files import Pair, read_data

__all__ = ["PARTS", "SPLIT_SEED", "Dataset", "Part", "load_data", "statistics"]

PARTS = ("train", "valid", "test")
SPLIT_SEED = 201
"""Address of the splits that nobody gives."""


@dataclass(frozen=True, eq=False)
class Part:
    """Inputs of one part of a dataset.

    Attributes
    ----------
    images : Tensor
        (n, channels, height, width), uint8 or float32, before normalisation; or (n, features).
    labels : Tensor
        (n,) int64.
    """

    images: Tensor
    labels: Tensor

    def to(self, device: str) -> Part:
        """The same on a device."""
        return Part(self.images.to(device), self.labels.to(device))

    def some(self, n: int) -> Part:
        """`n` of them, drawn at the address [201, how many there are]; all where there are no more."""
        if n >= len(self.labels):
            return self
        rows = torch.from_numpy(np.sort(_drawn(len(self.labels))[:n]))
        return Part(self.images[rows], self.labels[rows])

    def scaled(self, size: int) -> Part:
        """The images at another height and width: means over the areas that become a pixel."""
        images = functional.interpolate(self.images.to(torch.float32), size=(size, size), mode="area")
        return Part(images, self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset in three parts.

    Attributes
    ----------
    name : str
    train, valid, test : Part
        What weights are trained on, what a searcher sees, what is scored.
    mean, std : Tensor
        (channels, 1, 1) float32 that normalise images; (features,) where inputs are no images.
    padding : int
        Pixels of NAS-Bench-201's random crop; 0 where it has no augmentation for these images.
    split : str
        Where the split comes from: ``official``, or ``seeded`` where the official file is absent or there is none.
    """

    name: str
    train: Part
    valid: Part
    test: Part
    mean: Tensor
    std: Tensor
    padding: int = 0
    split: str = "seeded"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input."""
        return tuple(self.train.images.shape[1:])

    @cached_property
    def classes(self) -> int:
        """One more than the largest label."""
        return 1 + max(int(part.labels.max()) for part in (self.train, self.valid, self.test))

    def normalise(self, images: Tensor) -> Tensor:
        """Give (n, ...) inputs zero mean and unit deviation, as float32."""
        return (images.to(torch.float32) - self.mean) / self.std

    def to(self, device: str) -> Dataset:
        """The same on a device."""
        return replace(self, **{name: getattr(self, name).to(device) for name in (*PARTS, "mean", "std")})

    def reduced(self, *, images: int | None = None, size: int | None = None) -> Dataset:
        """A smaller one: `images` of each part at most, at `size` x `size` pixels, normalised by what is left.

        Raises
        ------
        ValueError
            A size where inputs are no images, or less than one of either.
        """
        given = [number for number in (images, size) if number is not None]
        if min(given, default=1) < 1 or (size and len(self.shape) != 3):
            raise ValueError(f"data: expected sizes from 1, and images to scale, found {images}, {size}, {self.shape}")
        parts = {name: getattr(self, name) for name in PARTS}
        if images is not None:
            parts = {name: part.some(images) for name, part in parts.items()}
        if size is not None and self.shape[1:] != (size, size):
            parts = {name: part.scaled(size) for name, part in parts.items()}
            mean, std = statistics(parts["train"].images)
            return replace(self, **parts, mean=mean, std=std)
        return replace(self, **parts)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of all inputs and labels."""
        return fingerprint(
            *(t.cpu().numpy() for p in (self.train, self.valid, self.test) for t in (p.images, p.labels))
        )


def load_data(source: Any, *, name: str = "", images: int | None = None, size: int | None = None) -> Dataset:
    """Data in three parts, from whatever holds them.

    Where there is one pool of inputs, 60 % of them train, 20 % are what searchers see and 20 % score, drawn at the
    address [201, n]; where only the test part is apart, a sixth of the others validates. Inputs are normalised by mean
    and deviation of each channel of the training part.

    Parameters
    ----------
    source
        A `Dataset`; inputs (n, ...) and labels (n,) as arrays or tensors; a `torch.utils.data.Dataset` of such pairs;
        a mapping of ``train``, ``test`` and perhaps ``valid`` to any of these; or a path: a folder of images by class
        (within folders of the parts' names perhaps), a folder of idx files, or an ``.npz`` of arrays ``images`` and
        ``labels`` (``train_images``, ... by part).
    name : str
        What to call it; the file's or the folder's name when left out.
    images : int, optional
        How many of each part to keep at most.
    size : int, optional
        Height and width to scale images to.

    Raises
    ------
    ValueError
        Nothing that can be read as data, inputs and labels of different numbers, or labels that are no classes.
    """
    if isinstance(source, Dataset):
        return source.reduced(images=images, size=size)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        source, name = read_data(path), name or path.stem
    pools = source if isinstance(source, Mapping) else {"": source}
    if not pools.keys() <= {"", *PARTS} or not ({"train", "test"} <= pools.keys() or pools.keys() == {""}):
        raise ValueError(f"data: expected one pool, or parts train, test and perhaps valid, found {', '.join(pools)}")
    parts = _split({part: _pair(pool, part or "data") for part, pool in pools.items()})
    mean, std = statistics(parts["train"].images)
    made = Dataset(name or "data", parts["train"], parts["valid"], parts["test"], mean, std)
    if len({part.images.shape[1:] for part in parts.values()}) > 1:
        raise ValueError(f"data: inputs of different shapes, {[tuple(p.images.shape) for p in parts.values()]}")
    return made.reduced(images=images, size=size)


def statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (channels, 1, 1), or of each feature; 1 where nothing varies."""
    x, dims = images.to(torch.float32), [d for d in range(images.ndim) if d != 1]
    mean, std = x.mean(dim=dims, keepdim=True)[0], x.std(dim=dims, correction=0, keepdim=True)[0]
    return mean, torch.where(std > 0, std, 1.0)


def _drawn(n: int) -> Array:
    return np.random.default_rng([SPLIT_SEED, n]).permutation(n)


def _pair(pool: Any, what: str) -> Part:
    """Inputs and labels as tensors, checked."""
    if not isinstance(pool, Part):
        pool = Part(*map(_tensor, _stacked(pool, what)))
    images, labels = pool.images, pool.labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if images.ndim < 2 or labels.shape != images.shape[:1] or len(labels) < 3:
        found = f"{tuple(images.shape)} and {tuple(labels.shape)}"
        raise ValueError(f"{what}: expected inputs (n, ...) and labels (n,), n from 3, found {found}")
    if labels.is_floating_point() or int(labels.min()) < 0:
        raise ValueError(f"{what}: expected labels that are classes, whole numbers from 0, found {labels.dtype}")
    return Part(images if images.dtype == torch.uint8 else images.to(torch.float32), labels.to(torch.int64))


def _stacked(pool: Any, what: str) -> Pair:
    """Inputs and labels of a pair, or of a map-style dataset of such pairs."""
    if isinstance(pool, tuple | list) and len(pool) == 2:
        return pool[0], pool[1]
    if not (hasattr(pool, "__getitem__") and hasattr(pool, "__len__")):
        raise ValueError(f"{what}: expected a pair (inputs, labels), a torch Dataset or a path, found {pool!r}")
    items = [pool[i] for i in range(len(pool))]
    return torch.stack([_tensor(x) for x, _ in items]), np.array([int(y) for _, y in items])


def _tensor(x: Any) -> Tensor:
    """A tensor of an array or an image (height, width, channels)."""
    if isinstance(x, Tensor):
        return x.detach().cpu()
    if hasattr(x, "getbands"):  # a picture, as torchvision's datasets give without a transform
        pixels = np.asarray(x)
        return torch.from_numpy(np.ascontiguousarray(np.atleast_3d(pixels).transpose(2, 0, 1)))
    return torch.from_numpy(np.ascontiguousarray(x))


def _split(pools: Mapping[str, Part]) -> dict[str, Part]:
    """The three parts of what is given."""
    if set(pools) == set(PARTS):
        return dict(pools)
    whole = pools.get("", pools.get("train"))
    assert whole is not None
    n = len(whole.labels)
    ends = [n * 5 // 6] if "test" in pools else [n * 3 // 5, n * 4 // 5]
    drawn = [torch.from_numpy(np.sort(rows)) for rows in np.split(_drawn(n), ends)]
    made = [Part(whole.images[rows], whole.labels[rows]) for rows in drawn]
    return dict(zip(PARTS, [*made, *([pools["test"]] if "test" in pools else [])], strict=True))
