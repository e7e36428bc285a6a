"""Data as careless users give them: what can be read is read without loss, all else is refused with a cure."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image

from mobench.live.data import load_data

IMAGES = np.random.default_rng(0).integers(1, 200, size=(30, 1, 4, 4))
LABELS = np.arange(30) % 3


class Items(torch.utils.data.Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Endless(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(zip(IMAGES, LABELS, strict=True))


def spoilt(value):
    images = IMAGES.astype(np.float32)
    images[3, 0, 1, 2] = value
    return images


@pytest.mark.parametrize("kind", ["uint16", "uint32", "uint64", ">i2", ">f4", "float16", "float64", "longdouble"])
def test_numbers_of_every_kind_are_read(kind):
    expected = load_data((IMAGES.astype(np.float32), LABELS))
    assert load_data((IMAGES.astype(kind), LABELS)).fingerprint == expected.fingerprint
    labels = LABELS.astype(kind if "f" not in kind and kind != "longdouble" else "int8")
    assert load_data((IMAGES.astype(np.float32), labels)).fingerprint == expected.fingerprint


def test_tensors_lists_and_pictures_are_read():
    images = IMAGES.astype(np.uint8)
    expected = load_data((images, LABELS))
    tensors = torch.from_numpy(images)
    pictures = [Image.fromarray(image[0]) for image in images]
    frozen = images.copy()
    frozen.flags.writeable = False
    for given in (tensors, list(tensors), list(images), pictures, frozen, images[::-1][::-1]):
        assert load_data((given, LABELS)).fingerprint == expected.fingerprint
    assert load_data(Items(*zip(pictures, LABELS, strict=True))).fingerprint == expected.fingerprint
    coloured = pictures[0].convert("RGB").quantize()
    assert coloured.mode == "P"
    assert load_data(([coloured] * 9, LABELS[:9])).shape == (3, 4, 4)  # colours, not their places in a palette
    half = torch.from_numpy(IMAGES).to(torch.bfloat16)
    assert load_data((half, LABELS)).train.images.dtype == torch.float32


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ((spoilt(np.nan), LABELS), "1 of 480 .* not finite"),
        ((spoilt(-np.inf), LABELS), "1 of 480 .* not finite"),
        ((IMAGES * 1e300, LABELS), "480 of 480 .* not finite"),
        ((IMAGES * 1j, LABELS), "real and imaginary parts as channels"),
        ((torch.zeros(30, 2, dtype=torch.complex64).conj(), LABELS), "real numbers, found complex64"),
        ((np.zeros((30, 0)), LABELS), r"real numbers, found float64 of shape \(30, 0\)"),
        ((IMAGES.astype(str), LABELS), "real numbers"),
        ((IMAGES.astype(object), LABELS), "real numbers"),
        ({"train": (IMAGES, LABELS), "test": (IMAGES, LABELS)}, "train and test are the same inputs; give each"),
        (dict.fromkeys(("train", "valid", "test"), (IMAGES, LABELS)), "train and valid are the same inputs"),
        ((IMAGES, LABELS * 0), r"expected two classes at least to train on, found \[0\]"),
        ((IMAGES, LABELS * 5 * 10**8), "30 inputs have labels up to 1000000000; number the classes"),
        ((IMAGES, LABELS.astype(np.uint64) + np.uint64(2**63)), "number"),
        ((IMAGES, np.array(["a", "b", "c"] * 10)), "whole numbers from 0, found <U1 such as a; np.unique"),
        ((IMAGES, LABELS / 2), "whole numbers from 0, found float64"),
        ((IMAGES, LABELS - 1), "such as -1"),
        ((IMAGES, np.eye(3)[LABELS]), r"labels \(n,\), n from 3, found .* and \(30, 3\)"),
        ((IMAGES, LABELS[:-1]), r"found \(30, 1, 4, 4\) and \(29,\)"),
        (([[1, 2], [3]] * 15, LABELS), "rows of different lengths"),
        (([np.zeros((1, 4)), np.zeros((1, 5))] * 15, LABELS), r"one shape, found \(1, 4\) at 0 and \(1, 5\) at 1"),
        (Items(*((np.zeros(4 + i), i) for i in range(9))), r"\(4,\) at 0 and \(5,\) at 1.*transform of a Dataset"),
        (Items(*[(IMAGES[0], 0, 1)] * 9), r"expected items \(input, label\), found tuple at 0"),
        (Items((IMAGES[0], 0), IMAGES[0]), r"expected items \(input, label\), found ndarray at 1"),
        (Items(*[{"image": 1}] * 9), "found dict at 0"),
        (Items(*((IMAGES[0], 0.5) for _ in range(9))), "whole numbers from 0"),
        (Items(), r"n from 3, found \(0,\)"),
        (Endless(), "a torch Dataset that has a length .* found Endless"),
        (IMAGES, r"expected a pair \(inputs, labels\).*found ndarray"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(source, words):
    with pytest.raises(ValueError, match=words):
        load_data(source)


@pytest.mark.parametrize("option", ["images", "size"])
@pytest.mark.parametrize("number", [2.5, "3", True])
def test_sizes_are_whole_numbers(option, number):
    with pytest.raises(TypeError, match=f"{option}: expected a whole number from 1"):
        load_data((IMAGES, LABELS), **{option: number})


def test_only_images_are_scaled():
    with pytest.raises(ValueError, match=r"expected images .* to scale, found inputs \(16,\)"):
        load_data((IMAGES.reshape(30, 16), LABELS), size=2)


def saved(folder, **classes):
    """A folder a class, with these (h, w) or (h, w, 3) arrays as images."""
    for name, arrays in classes.items():
        (folder / name).mkdir(parents=True)
        for i, array in enumerate(arrays):
            Image.fromarray(array).save(folder / name / f"{i}.png")
    return folder


def grey(*sizes, kind=np.uint8):
    return [np.full((size, size), size, dtype=kind) for size in sizes]


def test_hidden_folders_and_files_are_no_classes(tmp_path):
    expected = load_data(saved(tmp_path / "clean", a=grey(6, 6, 6), b=grey(6, 6, 6)))
    home = saved(tmp_path / "unpacked", a=grey(6, 6, 6), b=grey(6, 6, 6), __MACOSX=grey(6), **{".thumbnails": grey(2)})
    (home / "a" / "._0.png").write_bytes(b"\0\5\26\7")
    (home / ".DS_Store").write_bytes(b"\0")
    (home / "a" / "notes.txt").write_text("taken in May")
    assert load_data(home).fingerprint == expected.fingerprint


def test_a_class_without_images_and_a_part_without_its_fellow_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"b holds no images, and a folder is a class"):
        load_data(saved(tmp_path / "empty", a=grey(6, 6, 6), b=[]))
    with pytest.raises(ValueError, match=r"expected folders train and test, .* found train, val"):
        load_data(saved(tmp_path / "parts", **{"train/a": grey(6, 6), "val/a": grey(6, 6)}))
    data = load_data(saved(tmp_path / "vehicles", train=grey(6, 6, 6), bus=grey(6, 6, 6)))
    assert data.classes == 2


def test_images_of_many_bits_keep_them(tmp_path):
    deep = [np.full((6, 6), 1000 * i, dtype=np.uint16) for i in range(1, 6)]
    data = load_data(saved(tmp_path / "deep", a=deep, b=deep))
    assert sorted({float(x) for part in (data.train, data.valid, data.test) for x in part.images.unique()}) == [
        *range(1000, 6000, 1000)
    ]
    with pytest.raises(ValueError, match="images of 8 bits and of more are mixed"):
        load_data(saved(tmp_path / "mixed", a=deep, b=grey(6, 6, 6)))


def test_grey_images_among_coloured_ones_become_coloured(tmp_path):
    colour = [np.dstack(grey(6, 6, 6)) * np.array([1, 2, 3], dtype=np.uint8)] * 3
    data = load_data(saved(tmp_path / "mixed", a=grey(6, 6, 6), b=colour))
    images = {tuple(image[:, 0, 0].tolist()) for image in data.train.images}
    assert images <= {(6, 6, 6), (6, 12, 18)}
    assert data.shape == (3, 6, 6)


def test_images_of_different_sizes_are_scaled_once_to_the_size_given(tmp_path):
    """Each from its own size: a checkerboard is grey at a quarter of its size, whatever the size of the first image."""
    fine = np.indices((16, 16)).sum(axis=0) % 2 * np.uint8(200)
    home = saved(tmp_path / "sizes", a=grey(4, 8, 12), b=[fine.astype(np.uint8)] * 3)
    with pytest.raises(ValueError, match=r"images of different sizes, 4 x 4 and 8 x 8; scale them"):
        load_data(home)
    data = load_data(home, size=4)
    assert data.shape == (1, 4, 4)
    values = {int(x) for part in (data.train, data.valid, data.test) for x in part.images.unique()}
    assert values == {4, 8, 12, 100}
    for size, kind in ((0, ValueError), (2.5, TypeError)):
        with pytest.raises(kind, match="size: expected"):
            load_data(home, size=size)


@pytest.mark.parametrize("kept", [0, 3, 8, 15])
def test_cut_off_idx_files_are_refused(tmp_path, kept):
    head = struct.pack(">4I", 0x803, 5, 2, 2)
    for stem in ("train", "t10k"):
        (tmp_path / f"{stem}-images-idx3-ubyte").write_bytes(head[:kept])
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 5) + bytes(5))
    with pytest.raises(ValueError, match=f"cut off after {kept} bytes, within its head"):
        load_data(tmp_path)


def test_idx_files_of_different_lengths_are_refused(tmp_path):
    for stem in ("train", "t10k"):
        (tmp_path / f"{stem}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, 5, 2, 2) + bytes(20))
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 6) + bytes(6))
    with pytest.raises(ValueError, match=r"train: .* found \(5, 1, 2, 2\) and \(6,\)"):
        load_data(tmp_path)
