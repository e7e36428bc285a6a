"""Data from wherever they lie: the same parts at the same addresses, normalised, and what is no data is refused."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from mobench.live.data import Dataset, load_data
from mobench.problems._images.datasets import load_dataset

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def drawn(n=50, channels=1, size=6, classes=3):
    rng = np.random.default_rng(n)
    return rng.integers(256, size=(n, channels, size, size), dtype=np.uint8), np.arange(n) % classes


def same(a, b):
    assert a.fingerprint == b.fingerprint
    torch.testing.assert_close(a.mean, b.mean)


def test_one_pool_is_split_by_address_and_normalised():
    images, labels = drawn()
    data = load_data((images, labels))
    assert [len(part.labels) for part in (data.train, data.valid, data.test)] == [30, 10, 10]
    rows = np.random.default_rng([201, 50]).permutation(50)
    np.testing.assert_array_equal(data.train.images.numpy(), images[np.sort(rows[:30])])
    x = data.normalise(data.train.images)
    assert float(x.mean()) == pytest.approx(0, abs=1e-6)
    assert float(x.std(correction=0)) == pytest.approx(1, abs=1e-6)
    assert (data.classes, data.shape) == (3, (1, 6, 6))
    same(data, load_data((torch.from_numpy(images), torch.from_numpy(labels))))


class Pairs(torch.utils.data.Dataset):
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.from_numpy(self.images[i]), int(self.labels[i])


def test_a_torch_dataset_and_a_mapping_of_parts_are_data():
    pool = drawn()
    same(load_data(Pairs(*pool)), load_data(pool))
    parts = load_data({"train": Pairs(*drawn(60)), "test": drawn(20)})
    assert [len(part.labels) for part in (parts.train, parts.valid, parts.test)] == [50, 10, 20]


def test_arrays_in_npz(tmp_path):
    images, labels = drawn()
    np.savez(tmp_path / "mine.npz", images=images[:, 0], labels=labels[:, None])
    data = load_data(tmp_path / "mine.npz")
    same(data, load_data((images, labels)))
    assert data.name == "mine"
    train, val, test = drawn(40, 3), drawn(20, 3), drawn(25, 3)
    names = {"train_images": train[0].transpose(0, 2, 3, 1), "train_labels": train[1], "val_images": val[0]}
    np.savez(tmp_path / "parts.npz", **names, val_labels=val[1], test_images=test[0], test_labels=test[1])
    same(load_data(tmp_path / "parts.npz"), load_data({"train": train, "valid": val, "test": test}))


def test_a_folder_of_images_by_class(tmp_path):
    from PIL import Image

    images, labels = drawn(30, 3)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        home = tmp_path / "by_class" / f"class{label}"
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(home / f"{i:03}.png")
    order = np.argsort(labels, kind="stable")
    same(load_data(tmp_path / "by_class"), load_data((images[order], labels[order])))
    (tmp_path / "by_class" / "class0" / "zzz.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"zzz.png: cannot be read as an image"):
        load_data(tmp_path / "by_class")


def test_idx_files(tmp_path):
    parts = {"train": drawn(60), "t10k": drawn(12)}
    for stem, (images, labels) in parts.items():
        content = struct.pack(">4I", 0x803, len(images), 6, 6) + images.tobytes()
        (tmp_path / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(content))
        content = struct.pack(">2I", 0x801, len(labels)) + labels.astype(np.uint8).tobytes()
        (tmp_path / f"{stem}-labels-idx1-ubyte").write_bytes(content)
    same(load_data(tmp_path), load_data({"train": parts["train"], "test": parts["t10k"]}))


def test_subsets_and_smaller_images():
    data = load_data(drawn(500, 1, 8), images=40, size=4)
    assert [len(part.labels) for part in (data.train, data.valid, data.test)] == [40, 40, 40]
    assert data.shape == (1, 4, 4)
    whole = load_data(drawn(500, 1, 8))
    kept = whole.reduced(images=40)
    torch.testing.assert_close(
        data.train.images, kept.train.images.float().unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean(dim=(3, 5))
    )
    assert float(data.normalise(data.train.images).mean()) == pytest.approx(0, abs=1e-6)
    assert isinstance(load_data(whole), Dataset)


def test_features_are_data_too():
    rng = np.random.default_rng(0)
    data = load_data((rng.standard_normal((40, 5)) * [1, 2, 3, 4, 0], np.arange(40) % 2))
    assert data.mean.shape == (5,)
    assert torch.isfinite(data.normalise(data.test.images)).all()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ((np.zeros((5, 1, 2, 2)), np.zeros(4, int)), "expected inputs"),
        ((np.zeros((5, 1, 2, 2)), np.zeros(5)), "labels that are classes"),
        ((np.zeros((5, 1, 2, 2)), -np.ones(5, int)), "labels that are classes"),
        ({"train": drawn()}, "expected one pool, or parts"),
        ({"train": drawn(), "test": drawn(size=5)}, "different shapes"),
        (3, "expected a pair"),
        ("/nowhere", "is no .npz of arrays"),
    ],
)
def test_what_is_no_data_is_refused(source, words):
    with pytest.raises(ValueError, match=words):
        load_data(source)


@pytest.mark.parametrize("options", [{"images": 0}, {"size": 0}])
def test_impossible_sizes_are_refused(options):
    with pytest.raises(ValueError, match="expected a whole number from 1"):
        load_data(drawn(), **options)


def test_damaged_and_pickled_arrays_are_refused(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(ValueError, match="damaged"):
        load_data(tmp_path / "x.npz")
    np.savez(tmp_path / "y.npz", images=np.array([{}], dtype=object), labels=np.zeros(1, int))
    with pytest.raises(ValueError, match="damaged"):
        load_data(tmp_path / "y.npz")
    np.savez(tmp_path / "z.npz", a=np.zeros(3))
    with pytest.raises(ValueError, match="expected arrays images and labels, found a"):
        load_data(tmp_path / "z.npz")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="no dataset-fashion-mnist here: apt-get install dataset-fashion-mnist")
def test_fashion_mnist_is_read_where_debian_puts_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MOBENCH_DATA", str(tmp_path))
    data = load_dataset("fashion_mnist")
    assert [len(part.labels) for part in (data.train, data.valid, data.test)] == [50_000, 10_000, 10_000]
    assert float(data.mean) == pytest.approx(0.2860 * 255, rel=2e-3)  # the numbers that everybody copies
    assert float(data.std) == pytest.approx(0.3530 * 255, rel=2e-3)
    same(load_data(DEBIAN), data)
    small = data.reduced(images=1000, size=14)
    assert small.train.images.shape == (1000, 1, 14, 14)
