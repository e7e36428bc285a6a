"""Data that networks are trained on: a training, a validation and a test part, split by address, normalised."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mobench.core.space import Array
from mobench.files.tables import fingerprint
from mobench.live.data_files import read_data
from mobench.live.pairs import checked_pair

__all__ = ["PARTS", "SPLIT_SEED", "Dataset", "Part", "check_sizes", "load_data", "statistics"]

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
        """A smaller one: `images` of each part at most, at `size` x `size` pixels, normalised anew where these change.

        Raises
        ------
        ValueError
            A size where inputs are no images, or less than one of either.
        TypeError
            What is no whole number.
        """
        check_sizes(images=images, size=size)
        if size and len(self.shape) != 3:
            raise ValueError(f"size: expected images (channels, height, width) to scale, found inputs {self.shape}")
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
        Height and width to scale images to; images of a folder that differ in size need it.

    Raises
    ------
    ValueError
        Nothing that can be read as data, inputs that are no finite numbers of one shape, inputs and labels of different
        numbers, labels that are no classes, one class alone, or a part that is another once more.
    TypeError
        `images` or `size` is no whole number.
    """
    check_sizes(images=images, size=size)
    if isinstance(source, Dataset):
        return _checked(source, images, size)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        source, name = read_data(path, size), name or path.stem
    name = name or "data"
    pools = source if isinstance(source, Mapping) else {"": source}
    if not pools.keys() <= {"", *PARTS} or not ({"train", "test"} <= pools.keys() or pools.keys() == {""}):
        raise ValueError(
            f"{name}: expected one pool, or parts train, test and perhaps valid, found {', '.join(map(str, pools))}"
        )
    given = {part: Part(*checked_pair(pool, f"{name} {part}".strip())) for part, pool in pools.items()}
    if len({part.images.shape[1:] for part in given.values()}) > 1:
        raise ValueError(f"{name}: inputs of different shapes, {[tuple(p.images.shape) for p in given.values()]}")
    _check_apart(name, given)
    parts = _split(given)
    mean, std = statistics(parts["train"].images)
    return _checked(Dataset(name, parts["train"], parts["valid"], parts["test"], mean, std), images, size)


def _checked(whole: Dataset, images: int | None, size: int | None) -> Dataset:
    """The dataset reduced, if it has classes to tell apart, and no more of them than inputs."""
    inputs = sum(len(part.labels) for part in (whole.train, whole.valid, whole.test))
    if whole.classes > inputs:
        raise ValueError(
            f"{whole.name}: {inputs} inputs have labels up to {whole.classes - 1}; number the classes from 0, "
            "np.unique(labels, return_inverse=True)[1]"
        )
    _check_apart(whole.name, {part: getattr(whole, part) for part in PARTS})
    made = whole.reduced(images=images, size=size)
    if len(found := np.unique(made.train.labels.cpu().numpy())) < 2:
        raise ValueError(f"{whole.name}: expected two classes at least to train on, found {found.tolist()}")
    return made


def _check_apart(name: str, parts: Mapping[str, Part]) -> None:
    for (first, one), (second, other) in itertools.combinations(parts.items(), 2):
        if torch.equal(one.labels, other.labels) and torch.equal(one.images, other.images):
            raise ValueError(f"{name}: {first} and {second} are the same inputs; give each part its own")


def check_sizes(**sizes: int | None) -> None:
    """Refuse given numbers that are no whole numbers from 1: TypeError or ValueError, by name."""
    for name, size in sizes.items():
        wrong = isinstance(size, bool) or not isinstance(size, Integral | None)
        if wrong or (size is not None and size < 1):
            raise (TypeError if wrong else ValueError)(f"{name}: expected a whole number from 1, found {size!r}")


def statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (channels, 1, 1), or of each feature; 1 where nothing varies."""
    x, dims = images.to(torch.float32), [d for d in range(images.ndim) if d != 1]
    mean, std = x.mean(dim=dims, keepdim=True)[0], x.std(dim=dims, correction=0, keepdim=True)[0]
    return mean, torch.where(std > 0, std, 1.0)


def _drawn(n: int) -> Array:
    return np.random.default_rng([SPLIT_SEED, n]).permutation(n)


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
