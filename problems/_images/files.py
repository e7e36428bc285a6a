"""Reads image datasets from their official files (pickled batches, binary batches, idx); executes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from mobench import Array, load_pickle
from mobench.live.data_files import read_idx as idx

Images = tuple[Array, Array]
"""Pixels (n, channels, size, size), uint8, and labels (n,), int64."""
Shape = tuple[int, int, int]
Read = Callable[[Sequence[Path], Shape], Images]


@dataclass(frozen=True)
class Official:
    """A dataset as its authors give it away.

    Attributes
    ----------
    shape : (3,) tuple of int
        Channels, height and width.
    classes : int
    images : (2,) tuple of int
        How many images train, and how many are left for scoring.
    folders : tuple of str
        Names that the unpacked archive or torchvision gives to the folder.
    source : str
        Where the files come from.
    forms : tuple of (training files, other files, reader)
        Ways in which the files come; a file may be gzipped where its reader says so.
    """

    shape: Shape
    classes: int
    images: tuple[int, int]
    folders: tuple[str, ...]
    source: str
    forms: tuple[tuple[tuple[str, ...], tuple[str, ...], Read], ...]


def read_official(name: str, official: Official, folder: Path) -> tuple[Images, Images, Path]:
    """Read the training images, the other images, and say in which folder they were.

    Raises
    ------
    ValueError
        Files that are missing (the message says which, where they come from and where they go), damaged, hostile, or
        of another size than the official ones.
    """
    home, (train, rest, read) = _find(name, official, folder)
    parts = [read([_path(home, file) for file in files], official.shape) for files in (train, rest)]
    for (images, labels), expected, what in zip(parts, official.images, ("training", "test"), strict=True):
        if len(images) != expected:
            raise ValueError(f"{home}: expected {expected:,} {what} images of {name}, found {len(images):,}")
        if labels.min() < 0 or labels.max() >= official.classes:
            raise ValueError(
                f"{home}: expected {what} labels 0 to {official.classes - 1}, found {labels.min()} to {labels.max()}"
            )
    return parts[0], parts[1], home


def _find(name: str, official: Official, folder: Path) -> tuple[Path, tuple[tuple[str, ...], tuple[str, ...], Read]]:
    """The folder and the form in which all files are there."""
    homes = [folder, *(folder / inner for inner in official.folders)]
    lacking = []
    for home in homes:
        for form in official.forms:
            missing = [file for file in (*form[0], *form[1]) if not _path(home, file).is_file()]
            if not missing:
                return home, form
            lacking.append((len(missing) - len(form[0] + form[1]), missing, home))
    found, missing, home = min(lacking, key=lambda entry: entry[0])
    raise ValueError(
        f"{name}: {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing in {home if found else folder}; "
        f"get the files from {official.source}, unpack them there or name their folder with data=FOLDER"
    )


def _path(home: Path, file: str) -> Path:
    """The file, or where it is not there and can be packed, the packed one."""
    packed = home / f"{file}.gz"
    return packed if file.endswith("-ubyte") and not (home / file).is_file() else home / file


def _each(read: Callable[[Path, Shape], Images]) -> Read:
    """A reader of one file made a reader of several."""

    def read_all(paths: Sequence[Path], shape: Shape) -> Images:
        parts = [read(path, shape) for path in paths]
        return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])

    return read_all


def read_pickled(path: Path, shape: Shape, *, labels: str = "labels") -> Images:
    """Read a pickled batch: a dict of ``data``, (n, channels x height x width) uint8, and a list of labels."""
    content = load_pickle(path, encoding="latin1")
    pixels = content.get("data") if isinstance(content, dict) else None
    width = int(np.prod(shape))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (width,):
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise ValueError(f"{path}: expected 'data' of uint8 and shape (n, {width}), found {found}")
    given = content.get(labels)
    flat = not isinstance(given, list) or all(isinstance(label, int) for label in given)
    classes = np.array(given if flat else [])
    if classes.shape != pixels.shape[:1] or classes.dtype.kind not in "iu":
        raise ValueError(f"{path}: expected {len(pixels)} whole numbers in {labels!r}, one an image")
    return pixels.reshape(-1, *shape), classes.astype(np.int64)


def read_pickled_fine(path: Path, shape: Shape) -> Images:
    """Read a pickled batch of CIFAR-100, by its fine labels."""
    return read_pickled(path, shape, labels="fine_labels")


def read_pickled_120(path: Path, shape: Shape) -> Images:
    """Read a pickled batch of ImageNet16, labels 1 to 1000, and keep the first 120 classes as NAS-Bench-201 does."""
    images, labels = read_pickled(path, shape)
    kept = (labels >= 1) & (labels <= 120)
    return images[kept], labels[kept] - 1


def read_binary(path: Path, shape: Shape, *, labels: int = 1) -> Images:
    """Read a binary batch: records of `labels` bytes, of which the last is the label, and of pixels."""
    record = labels + int(np.prod(shape))
    content = np.fromfile(path, dtype=np.uint8)
    if not len(content) or len(content) % record:
        raise ValueError(f"{path}: expected records of {record} bytes, found {len(content)} bytes; it is truncated")
    rows = content.reshape(-1, record)
    return rows[:, labels:].reshape(-1, *shape), rows[:, labels - 1].astype(np.int64)


def read_binary_fine(path: Path, shape: Shape) -> Images:
    """Read a binary batch of CIFAR-100, whose records begin with the coarse label and the fine one."""
    return read_binary(path, shape, labels=2)


def read_idx(paths: Sequence[Path], shape: Shape) -> Images:
    """Read idx images and idx labels, gzipped or not."""
    images, labels = (idx(path, inner) for path, inner in zip(paths, (shape[1:], ()), strict=True))
    if len(images) != len(labels):
        raise ValueError(f"{paths[0]}: {len(images)} images, but {len(labels)} labels in {paths[1].name}")
    return images[:, None], labels.astype(np.int64)


def read_split(path: Path, keys: tuple[str, str], n: int) -> tuple[Array, Array]:
    """Read NAS-Bench-201's split of n images: JSON of two lists of numbers, which must share out all images.

    Raises
    ------
    ValueError
        The file is damaged, or its lists are no split of n images.
    """
    try:
        content = orjson.loads(path.read_bytes())
        first, second = (np.array(content[key][1], dtype=np.int64) for key in keys)
        whole = np.array_equal(np.sort(np.concatenate([first, second])), np.arange(n))
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise ValueError(f"{path}: expected {' and '.join(keys)}, which share out {n:,} images; get it again")
    return first, second


def _numbered(stem: str, count: int, end: str = "") -> tuple[str, ...]:
    return tuple(f"{stem}{i}{end}" for i in range(1, count + 1))


_TORONTO = "https://www.cs.toronto.edu/~kriz/cifar.html"
_IDX = (
    (
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        read_idx,
    ),
)

OFFICIAL = {
    "cifar10": Official(
        (3, 32, 32),
        10,
        (50_000, 10_000),
        ("cifar-10-batches-py", "cifar-10-batches-bin"),
        _TORONTO,
        (
            (_numbered("data_batch_", 5), ("test_batch",), _each(read_pickled)),
            (_numbered("data_batch_", 5, ".bin"), ("test_batch.bin",), _each(read_binary)),
        ),
    ),
    "cifar100": Official(
        (3, 32, 32),
        100,
        (50_000, 10_000),
        ("cifar-100-python", "cifar-100-binary"),
        _TORONTO,
        ((("train",), ("test",), _each(read_pickled_fine)), (("train.bin",), ("test.bin",), _each(read_binary_fine))),
    ),
    "mnist": Official((1, 28, 28), 10, (60_000, 10_000), ("MNIST/raw",), "http://yann.lecun.com/exdb/mnist", _IDX),
    "fashion_mnist": Official(
        (1, 28, 28),
        10,
        (60_000, 10_000),
        ("FashionMNIST/raw", "/usr/share/datasets/fashion-mnist"),  # the last one: Debian's dataset-fashion-mnist
        "https://github.com/zalandoresearch/fashion-mnist",
        _IDX,
    ),
    "ImageNet16-120": Official(
        (3, 16, 16),
        120,
        (151_700, 6_000),
        ("ImageNet16",),
        "https://image-net.org/download-images (downsampled, 16x16)",
        ((_numbered("train_data_batch_", 10), ("val_data",), _each(read_pickled_120)),),
    ),
}
