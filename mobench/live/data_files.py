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


def read_data(path: Path, size: int | None = None) -> dict[str, Pair]:
    """The parts that a folder or a file holds, ``""`` for one pool; images of a folder at `size` where it is given.

    Raises
    ------
    ValueError
        There is nothing that can be read, or a folder of images that are not alike; the message says what was expected.
    """
    if path.suffix == ".npz" and path.exists():
        return _from_arrays(path)
    if path.is_dir() and ((found := _from_idx(path)) or (found := _from_folders(path, size))):
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


def _from_folders(folder: Path, size: int | None) -> dict[str, Pair]:
    """Images in a folder a class, perhaps within a folder a part; empty where there are none."""
    inner = {path.name: path for path in _shown(folder) if path.is_dir()}
    parts = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}
    found = {part: inner[name] for part, names in parts.items() for name in names if name in inner}
    if not {"train", "test"} <= found.keys():
        if found and len(found) == len(inner):
            raise ValueError(f"{folder}: expected folders train and test, or one a class, found {', '.join(inner)}")
        found = {"": folder}
    names = sorted({path.name for home in found.values() for path in _shown(home) if path.is_dir()})
    files = {
        part: [(path, label) for label, name in enumerate(names) for path in _shown(home / name) if _is_image(path)]
        for part, home in found.items()
    }
    filled = {label for pairs in files.values() for _, label in pairs}
    if empty := [name for label, name in enumerate(names) if label not in filled]:
        if not filled:
            return {}
        raise ValueError(f"{folder}: {empty[0]} holds no images, and a folder is a class; fill it or take it away")
    return {part: _read_images(pairs, size) for part, pairs in files.items() if pairs}


def _shown(folder: Path) -> list[Path]:
    """What a folder holds, in order, without what systems hide in it: ``.git``, ``._a.png``, ``__MACOSX``."""
    return sorted(path for path in folder.glob("*") if not path.name.startswith((".", "__")))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGES


def _read_images(files: Sequence[tuple[Path, int]], size: int | None) -> Pair:
    """Images, all of one size and kind, and their labels; grey ones among coloured ones become coloured."""
    images = [_read_image(path, size) for path, _ in files]
    for (path, _), image in zip(files, images, strict=True):
        if image.shape[1:] != images[0].shape[1:]:
            sizes = " and ".join(f"{w} x {h}" for _, h, w in (images[0].shape, image.shape))
            raise ValueError(f"{path}: images of different sizes, {sizes}; scale them, size=32 say")
        if image.dtype != images[0].dtype:
            raise ValueError(f"{path}: images of 8 bits and of more are mixed; store them alike")
    channels = max(len(image) for image in images)
    stacked = np.stack([np.broadcast_to(image, (channels, *image.shape[1:])) for image in images])
    return stacked, np.array([label for _, label in files])


def _read_image(path: Path, size: int | None) -> Array:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return pixels(image, size)
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: cannot be read as an image ({error})") from None


def pixels(image: Any, size: int | None = None) -> Array:
    """A picture of Pillow, (channels, height, width): grey or RGB of 8 bits, float32 where a pixel has more of them.

    Where `size` is given it is scaled to it, each pixel the mean over its area.
    """
    grey = {"1": "L", "L": "L"} | dict.fromkeys(("I", "F", "I;16", "I;16L", "I;16B", "I;16N"), "F")
    image = image.convert(grey.get(image.mode, "RGB"))
    if size is not None:
        image = image.resize((size, size), 4)  # Image.Resampling.BOX
    found: Array = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
    return found


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
            read = file.read(8 + 4 * len(shape))
            if len(read) < 8 + 4 * len(shape):
                raise ValueError(f"{path}: cut off after {len(read)} bytes, within its head; get it again")
            head = np.frombuffer(read, dtype=">u4")
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
    return np.frombuffer(bytearray(content), dtype=np.uint8).reshape(int(head[1]), *sizes)
