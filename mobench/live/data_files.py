"""Reads labelled inputs from files that may come from anyone: images in folders, arrays in npz, idx; runs nothing."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mobench.core.space import Array
from mobench.files.tables import open_arrays

__all__ = ["Pair", "read_data", "read_idx"]

Pair = tuple[Any, Any]
"""Inputs and labels."""
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
_IDX = ("images-idx3-ubyte", "labels-idx1-ubyte")


def read_data(path: Path) -> dict[str, Pair]:
    """The parts that a folder or a file holds, ``""`` for one pool.

    Raises
    ------
    ValueError
        There is nothing that can be read; the message says what was looked for.
    """
    if path.suffix == ".npz" and path.exists():
        return _from_arrays(path)
    if path.is_dir() and ((found := _from_idx(path)) or (found := _from_folders(path))):
        return found
    raise ValueError(
        f"data: {path} is no .npz of arrays, no folder of images by class and none of idx files; name one of these"
    )


def _from_arrays(path: Path) -> dict[str, Pair]:
    try:
        with open_arrays(path) as file:
            arrays = {name: file[name] for name in file}
    except Exception as error:  # noqa: BLE001 - a damaged archive can raise anything
        raise ValueError(f"{path}: damaged ({' '.join(str(error).split())}); write it again") from None
    parts = {}
    for part, prefixes in {"": ("",), "train": ("train_",), "valid": ("valid_", "val_"), "test": ("test_",)}.items():
        for prefix in prefixes:
            if f"{prefix}images" in arrays and f"{prefix}labels" in arrays:
                images = arrays[f"{prefix}images"]
                parts[part] = _channels_first(images), arrays[f"{prefix}labels"]
    if not parts:
        raise ValueError(f"{path}: expected arrays images and labels, found {', '.join(arrays) or 'none'}")
    return parts


def _channels_first(images: Array) -> Array:
    """Images (n, channels, h, w), from (n, h, w) or (n, h, w, channels)."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[3] in (1, 3) and images.shape[1] not in (1, 3):
        return images.transpose(0, 3, 1, 2)
    return images


def _from_idx(folder: Path) -> dict[str, Pair]:
    """Idx files as MNIST's are called, packed or not; empty where there are none."""
    parts = {}
    for part, stem in (("train", "train"), ("test", "t10k")):
        paths = [_packed(folder / f"{stem}-{end}") for end in _IDX]
        if all(path.is_file() for path in paths):
            images, labels = read_idx(paths[0], (None, None)), read_idx(paths[1], ())
            parts[part] = images[:, None], labels.astype(np.int64)
    return parts


def _packed(path: Path) -> Path:
    return path if path.is_file() else path.with_name(f"{path.name}.gz")


def _from_folders(folder: Path) -> dict[str, Pair]:
    """Images in a folder a class, perhaps within a folder a part; empty where there are none."""
    inner = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}
    parts = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}
    found = {part: inner[name] for part, names in parts.items() for name in names if name in inner}
    if not {"train", "test"} <= found.keys():
        found = {"": folder}
    names = sorted({path.name for home in found.values() for path in home.iterdir() if path.is_dir()})
    return {part: pair for part, home in found.items() if (pair := _by_class(home, names))}


def _by_class(folder: Path, names: Sequence[str]) -> Pair | None:
    """The images of the folders `names` and the numbers of these; all have the size and the mode of the first."""
    from PIL import Image, UnidentifiedImageError

    images, labels, first = [], [], None
    for label, name in enumerate(names):
        for path in sorted((folder / name).glob("*")):
            if path.suffix.lower() not in IMAGES:
                continue
            try:
                with Image.open(path) as image:
                    first = first or (image.size, "L" if image.mode in ("1", "L", "I;16") else "RGB")
                    pixels = np.asarray(image.convert(first[1]).resize(first[0]))
            except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
                raise ValueError(f"{path}: cannot be read as an image ({error})") from None
            images.append(np.atleast_3d(pixels).transpose(2, 0, 1))
            labels.append(label)
    return (np.stack(images), np.array(labels)) if images else None


def read_idx(path: Path, shape: tuple[int | None, ...]) -> Array:
    """Read an idx file of bytes, gzipped or not: magic number, sizes and data, big-endian.

    Parameters
    ----------
    path : Path
    shape : tuple
        Of one entry; None is any size.

    Raises
    ------
    ValueError
        It is no such file, or it is damaged.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            head = np.frombuffer(file.read(8 + 4 * len(shape)).ljust(8 + 4 * len(shape), b"\0"), dtype=">u4")
            sizes = tuple(int(size) for size in head[2:])
            if head[0] != 0x801 + len(shape) or any(a not in (None, b) for a, b in zip(shape, sizes, strict=True)):
                wanted = "".join(f", {'...' if size is None else size}" for size in shape)
                raise ValueError(f"{path}: expected idx bytes of shape (n{wanted})")
            size = int(np.prod([int(n) for n in head[1:]], dtype=object))
            if size > 2**31:
                raise ValueError(f"{path}: {head[1]:,} images are more than any official file has")
            content = file.read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: truncated or damaged ({error}); get it again") from None
    if len(content) != size:
        raise ValueError(f"{path}: expected {size} bytes of data, found {len(content)}{'+' * (len(content) > size)}")
    return np.frombuffer(bytearray(content), dtype=np.uint8).reshape(-1, *sizes)
