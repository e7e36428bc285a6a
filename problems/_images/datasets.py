"""Image datasets for live training: training, validation and test images, split and normalised as NAS-Bench-201 does.

`motif` is generated, `digits` comes with scikit-learn, the others from the official files (`_dataset_files.py`).
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mobench import Array, data_folder
from mobench.live.data import SPLIT_SEED, Dataset, Part, statistics
from mobench.problems._images import motif as motif
from mobench.problems._images.files import OFFICIAL, Images, read_official, read_split

DIGITS = (1_000, 397, 400)
"""Images of scikit-learn's digits that train, validate and test."""
_STATISTICS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "motif": ((0.0,), (1.0,)),
    "cifar10": ((125.3, 123.0, 113.9), (63.0, 62.1, 66.7)),
    "cifar100": ((129.3, 124.1, 112.4), (68.2, 65.4, 70.4)),
    "ImageNet16-120": ((122.68, 116.66, 104.01), (63.22, 61.26, 65.09)),
}
"""NAS-Bench-201's mean and standard deviation of each channel, in units of 0 to 255; Motif comes normalised."""
PADDING = {"cifar10": 4, "cifar100": 4, "ImageNet16-120": 2}
"""Pixels around an image out of which NAS-Bench-201 cuts a random part."""
_SPLITS = {
    "cifar10": ("cifar-split.txt", ("train", "valid")),
    "cifar100": ("cifar100-test-split.txt", ("xvalid", "xtest")),
    "ImageNet16-120": ("imagenet-16-120-test-split.txt", ("xvalid", "xtest")),
}
"""Files of NAS-Bench-201's splits, and the names of the two parts in them."""
SHAPES: dict[str, tuple[int, int, int]] = {name: (*o.shape[:2], o.classes) for name, o in OFFICIAL.items()} | {
    "motif": (1, motif.SIZE, motif.CLASSES),
    "digits": (1, 8, 10),
}
"""Channels, size and classes of each dataset."""


def home(name: str, folder: str = "") -> Path:
    """Folder in which the official files of a dataset are looked for: `folder`, else ``datasets/NAME`` of the data."""
    return Path(folder).expanduser() if folder else data_folder() / "datasets" / name


def load_dataset(name: str, *, folder: str = "") -> Dataset:
    """Load a dataset; the last two are kept in memory.

    CIFAR-10 trains on one half of its training images and validates on the other; CIFAR-100 and ImageNet16-120 train
    on all of them and validate on one half of the test images; MNIST and Fashion-MNIST validate on 10,000 of their
    training images. Where a file of NAS-Bench-201's own split lies beside the images (``cifar-split.txt``,
    ``cifar100-test-split.txt``, ``imagenet-16-120-test-split.txt``) it is used; otherwise the parts are drawn at the
    address [201, n].

    Parameters
    ----------
    name : str
        A key of `SHAPES`.
    folder : str
        Where the official files are; ``datasets/NAME`` in the data folder when left out.

    Raises
    ------
    ValueError
        An unknown name, missing or damaged files, or scikit-learn is missing; the message says how to get them.
    """
    if name not in SHAPES:
        raise ValueError(f"dataset: expected one of {', '.join(SHAPES)}, found {name!r}")
    return _load(name, home(name, folder))


@lru_cache(maxsize=2)
def _load(name: str, folder: Path) -> Dataset:
    if name == "motif":
        arrays, split = [(part.images[:, None], part.labels) for part in motif.generate()], "official"
    else:
        arrays, split = (_digits(), "seeded") if name == "digits" else _from_files(name, folder)
    train, valid, test = (Part(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in arrays)
    mean, std = _statistics(name, train.images)
    return Dataset(name, train, valid, test, mean, std, PADDING.get(name, 0), split)


def _digits() -> list[Images]:
    try:
        found = importlib.import_module("sklearn.datasets").load_digits()
    except ImportError:
        raise ValueError(
            "dataset 'digits' needs scikit-learn, which is not installed; pip install 'mobench[live]'"
        ) from None
    images, labels = found.images[:, None].astype(np.uint8), found.target.astype(np.int64)
    cuts = np.split(_drawn(len(images)), np.cumsum(DIGITS)[:2])
    return [(images[np.sort(rows)], labels[np.sort(rows)]) for rows in cuts]


def _from_files(name: str, folder: Path) -> tuple[list[Images], str]:
    """The three parts of an official dataset, and where their split comes from."""
    (images, labels), (others, other_labels), place = read_official(name, OFFICIAL[name], folder)
    if name in ("cifar100", "ImageNet16-120"):
        valid, test, split = _split(name, place, len(others), len(others) // 2)
        scored = [(others[rows], other_labels[rows]) for rows in (valid, test)]
        return [(images, labels), *scored], split
    size = len(images) // 2 if name == "cifar10" else len(images) * 5 // 6
    train, valid, split = _split(name, place, len(images), size)
    seen = [(images[rows], labels[rows]) for rows in (train, valid)]
    return [*seen, (others, other_labels)], split


def _split(name: str, place: Path, n: int, size: int) -> tuple[Array, Array, str]:
    """NAS-Bench-201's split where its file is there, else `size` of n images drawn for the first part."""
    file, keys = _SPLITS.get(name, ("", ("", "")))
    if file and (place / file).is_file():
        return *read_split(place / file, keys, n), "official"
    drawn = _drawn(n)
    return np.sort(drawn[:size]), np.sort(drawn[size:]), "seeded"


def _drawn(n: int) -> Array:
    return np.random.default_rng([SPLIT_SEED, n]).permutation(n)


def _statistics(name: str, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (channels, 1, 1): given, else those of the training images."""
    if name in _STATISTICS:
        mean, std = (torch.tensor(values)[:, None, None] for values in _STATISTICS[name])
        return mean, std
    return statistics(images)
