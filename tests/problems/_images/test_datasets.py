"""Image datasets: small files in the official formats come back as images, and what is no such file is refused."""

import dataclasses
import gzip
import io
import json
import os
import pickle
import struct
import sys

import numpy as np
import pytest
import torch

from mobench.problems._images import datasets
from mobench.problems._images import files as files
from mobench.problems._images import motif as _motif_data

SIZES = {"cifar10": (50, 10), "cifar100": (30, 12), "mnist": (60, 10), "fashion_mnist": (60, 10)}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """As few images as the tests write, instead of the official numbers."""
    for name, sizes in SIZES.items():
        own = tuple(folder for folder in files.OFFICIAL[name].folders if not folder.startswith("/"))  # no package's
        monkeypatch.setitem(files.OFFICIAL, name, dataclasses.replace(files.OFFICIAL[name], images=sizes, folders=own))
    datasets._load.cache_clear()
    yield
    datasets._load.cache_clear()


class Python2Pickler(pickle._Pickler):
    """Writes strings and array data as Python 2 did: as byte strings without an encoding."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_string(self, text):
        content = text.encode("latin1") if isinstance(text, str) else text
        self.write(b"T" + struct.pack("<i", len(content)) + content)
        self.memoize(text)

    dispatch[str] = dispatch[bytes] = save_string


def python2(content):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(content)
    return file.getvalue()


def draw(n, width, classes, seed=0):
    rng = np.random.default_rng([seed, n])
    return rng.integers(256, size=(n, width), dtype=np.uint8), rng.integers(classes, size=n)


def write_cifar10(folder, *, per_batch=10):
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for i, name in enumerate([*(f"data_batch_{b}" for b in range(1, 6)), "test_batch"]):
        pixels, labels = draw(per_batch, 3072, 10, seed=i)
        (folder / name).write_bytes(python2({"data": pixels, "labels": labels.tolist(), "batch_label": "b"}))
        parts.append((pixels, labels))
    return parts


def write_idx(folder, *, packed, sizes=(60, 10), rows=28):
    folder.mkdir(parents=True, exist_ok=True)
    for stem, n in zip(("train", "t10k"), sizes, strict=True):
        pixels, labels = draw(n, rows * 28, 10)
        images = struct.pack(">4I", 0x803, n, rows, 28) + pixels.tobytes()
        classes = struct.pack(">2I", 0x801, n) + labels.astype(np.uint8).tobytes()
        for name, content in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", classes)):
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(content) if packed else content)


def together(data):
    return [torch.cat([getattr(part, kind) for part in (data.train, data.valid)]) for kind in ("images", "labels")]


def same_images(found, expected):
    """Whether two sets of images, uint8, are the same whatever their order."""
    flat = [np.sort(np.asarray(images).reshape(len(images), -1).view("V3072").ravel()) for images in (found, expected)]
    return np.array_equal(*flat)


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-py"])
def test_cifar10_as_python_2_pickled_it(tmp_path, inner):
    parts = write_cifar10(tmp_path / inner)
    data = datasets.load_dataset("cifar10", folder=str(tmp_path))
    assert [len(part.labels) for part in (data.train, data.valid, data.test)] == [25, 25, 10]
    assert data.test.images.dtype == torch.uint8
    np.testing.assert_array_equal(data.test.images.numpy(), parts[5][0].reshape(10, 3, 32, 32))
    np.testing.assert_array_equal(data.test.labels.numpy(), parts[5][1])
    images, labels = together(data)
    everything = np.concatenate([pixels for pixels, _ in parts[:5]])
    assert same_images(images, everything)
    of = {
        pixels.tobytes(): label
        for pixels, label in zip(everything, np.concatenate([p[1] for p in parts]), strict=False)
    }
    assert [of[image.tobytes()] for image in images.numpy()] == labels.tolist()
    assert (data.split, data.padding) == ("seeded", 4)


def test_equal_splits_every_time(tmp_path):
    write_cifar10(tmp_path)
    first = datasets.load_dataset("cifar10", folder=str(tmp_path))
    datasets._load.cache_clear()
    again = datasets.load_dataset("cifar10", folder=str(tmp_path))
    assert torch.equal(first.train.images, again.train.images)
    assert torch.equal(first.valid.labels, again.valid.labels)


def test_the_official_split_is_used_where_its_file_is(tmp_path):
    parts = write_cifar10(tmp_path)
    order = np.random.default_rng(5).permutation(50)
    numbers = {"train": ["int", [str(i) for i in order[:20]]], "valid": ["int", [str(i) for i in order[20:]]]}
    (tmp_path / "cifar-split.txt").write_text(json.dumps(numbers))
    data = datasets.load_dataset("cifar10", folder=str(tmp_path))
    labels = np.concatenate([labels for _, labels in parts])
    assert data.split == "official"
    np.testing.assert_array_equal(data.train.labels.numpy(), labels[order[:20]])
    np.testing.assert_array_equal(data.valid.labels.numpy(), labels[order[20:]])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"train": ["int", ["0"]]}',
        json.dumps({"train": ["int", [0] * 25], "valid": ["int", [1] * 25]}),
        json.dumps({"train": ["int", list(range(25))], "valid": ["int", list(range(25, 51))]}),
        json.dumps({"train": ["int", list(range(25))], "valid": ["int", ["x"] * 25]}),
        json.dumps({"train": ["int", [10**30]], "valid": ["int", [2]]}),
    ],
)
def test_a_file_that_is_no_split_is_refused(tmp_path, text):
    write_cifar10(tmp_path)
    (tmp_path / "cifar-split.txt").write_text(text)
    with pytest.raises(ValueError, match=r"cifar-split.txt: expected train and valid, which share out 50 images"):
        datasets.load_dataset("cifar10", folder=str(tmp_path))


def test_pixels_are_normalised_as_nasbench201_does(tmp_path):
    write_cifar10(tmp_path)
    data = datasets.load_dataset("cifar10", folder=str(tmp_path))
    images = data.test.images
    found = data.normalise(images)
    mean, std = (np.array(v)[:, None, None] / 255 for v in ([125.3, 123.0, 113.9], [63.0, 62.1, 66.7]))
    np.testing.assert_allclose(found.numpy(), (images.numpy() / 255 - mean) / std, rtol=1e-5, atol=1e-5)
    assert found.dtype == torch.float32


@pytest.mark.parametrize("binary", [False, True])
def test_cifar100_has_fine_labels_and_halves_the_test_images(tmp_path, binary):
    home = tmp_path / ("cifar-100-binary" if binary else "cifar-100-python")
    home.mkdir()
    for name, n in (("train", 30), ("test", 12)):
        pixels, fine = draw(n, 3072, 100)
        coarse = fine // 5
        if binary:
            rows = np.column_stack([coarse, fine, pixels]).astype(np.uint8)
            (home / f"{name}.bin").write_bytes(rows.tobytes())
        else:
            content = {"data": pixels, "fine_labels": fine.tolist(), "coarse_labels": coarse.tolist()}
            (home / name).write_bytes(python2(content))
    data = datasets.load_dataset("cifar100", folder=str(tmp_path))
    pixels, fine = draw(30, 3072, 100)
    np.testing.assert_array_equal(data.train.images.numpy().reshape(30, -1), pixels)
    np.testing.assert_array_equal(data.train.labels.numpy(), fine)
    assert (len(data.valid.labels), len(data.test.labels)) == (6, 6)
    scored = torch.cat([data.valid.images, data.test.images])
    assert same_images(scored, draw(12, 3072, 100)[0])


def test_cifar10_in_binary(tmp_path):
    for i, name in enumerate([*(f"data_batch_{b}.bin" for b in range(1, 6)), "test_batch.bin"]):
        pixels, labels = draw(10, 3072, 10, seed=i)
        (tmp_path / name).write_bytes(np.column_stack([labels.astype(np.uint8), pixels]).tobytes())
    data = datasets.load_dataset("cifar10", folder=str(tmp_path))
    pixels, labels = draw(10, 3072, 10, seed=5)
    np.testing.assert_array_equal(data.test.images.numpy().reshape(10, -1), pixels)
    np.testing.assert_array_equal(data.test.labels.numpy(), labels)


@pytest.mark.parametrize(("name", "inner"), [("mnist", "MNIST/raw"), ("fashion_mnist", "FashionMNIST/raw")])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_packed_or_not(tmp_path, name, inner, packed):
    write_idx(tmp_path / inner, packed=packed)
    data = datasets.load_dataset(name, folder=str(tmp_path))
    assert [tuple(part.images.shape) for part in (data.train, data.valid)] == [(50, 1, 28, 28), (10, 1, 28, 28)]
    pixels, labels = draw(10, 784, 10)
    np.testing.assert_array_equal(data.test.images.numpy().reshape(10, -1), pixels)
    np.testing.assert_array_equal(data.test.labels.numpy(), labels)
    normal = data.normalise(data.train.images)
    assert float(normal.mean()) == pytest.approx(0, abs=1e-4)
    assert float(normal.std(correction=0)) == pytest.approx(1, abs=1e-4)
    assert data.padding == 0


def test_imagenet16_keeps_its_first_120_classes_counted_from_1(tmp_path, monkeypatch):
    kept = []
    for i, name in enumerate([*(f"train_data_batch_{b}" for b in range(1, 11)), "val_data"]):
        pixels, labels = draw(40, 768, 300, seed=i)
        labels += 1
        content = {"data": pixels, "labels": labels.tolist(), "mean": np.zeros(768)}
        (tmp_path / name).write_bytes(pickle.dumps(content, protocol=2) if i % 2 else python2(content))
        kept.append((pixels[labels <= 120], labels[labels <= 120] - 1))
    counts = (sum(len(labels) for _, labels in kept[:10]), len(kept[10][1]))
    changed = dataclasses.replace(files.OFFICIAL["ImageNet16-120"], images=counts)
    monkeypatch.setitem(files.OFFICIAL, "ImageNet16-120", changed)
    data = datasets.load_dataset("ImageNet16-120", folder=str(tmp_path))
    np.testing.assert_array_equal(data.train.labels.numpy(), np.concatenate([labels for _, labels in kept[:10]]))
    np.testing.assert_array_equal(
        data.train.images.numpy().reshape(counts[0], -1), np.concatenate([p for p, _ in kept[:10]])
    )
    assert len(data.valid.labels) + len(data.test.labels) == counts[1]


def test_digits_come_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.datasets")
    data = datasets.load_dataset("digits")
    assert [len(part.labels) for part in (data.train, data.valid, data.test)] == [1000, 397, 400]
    everything = torch.cat([part.images for part in (data.train, data.valid, data.test)])[:, 0].numpy()
    assert everything.sum() == sklearn.load_digits().images.sum()
    assert float(data.normalise(data.train.images).std(correction=0)) == pytest.approx(1, abs=1e-4)


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ValueError, match="needs scikit-learn, which is not installed; pip install"):
        datasets.load_dataset("digits")


def test_motif_is_as_its_table_was_made():
    data = datasets.load_dataset("motif")
    for part, made in zip((data.train, data.valid, data.test), _motif_data.generate(), strict=True):
        np.testing.assert_array_equal(data.normalise(part.images)[:, 0].numpy(), made.images)
        np.testing.assert_array_equal(part.labels.numpy(), made.labels)


@pytest.mark.parametrize("name", files.OFFICIAL)
def test_missing_files_are_named_with_where_from_and_where_to(name, own_data):
    with pytest.raises(ValueError) as caught:
        datasets.load_dataset(name)
    said = str(caught.value)
    assert said.startswith(f"{name}: ")
    assert files.OFFICIAL[name].forms[0][0][0] in said
    assert str(own_data / "datasets" / name) in said
    assert files.OFFICIAL[name].source in said
    assert "data=FOLDER" in said
    assert "\n" not in said


def test_one_missing_file_is_named_alone(tmp_path):
    home = tmp_path / "cifar-10-batches-py"
    write_cifar10(home)
    (home / "data_batch_3").unlink()
    with pytest.raises(ValueError, match=f"cifar10: data_batch_3 is missing in {home};"):
        datasets.load_dataset("cifar10", folder=str(tmp_path))


def test_an_unknown_dataset_is_refused():
    with pytest.raises(ValueError, match=r"expected one of cifar10, .*found 'svhn'"):
        datasets.load_dataset("svhn")


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_hostile_pickle_is_refused_and_not_executed(tmp_path):
    home, trap = tmp_path / "files", tmp_path / "trap"
    write_cifar10(home)
    (home / "data_batch_2").write_bytes(pickle.dumps({"data": Hostile(trap), "labels": []}))
    with pytest.raises(ValueError, match=r"data_batch_2: refused or damaged pickle: .*mkdir"):
        datasets.load_dataset("cifar10", folder=str(home))
    assert not trap.exists()


def pixels_of(width=3072, dtype=np.uint8, n=10):
    return np.zeros((n, width), dtype=dtype)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "expected 'data' of uint8 and shape"),
        ({"labels": [0] * 10}, "found NoneType"),
        ({"data": pixels_of(3071), "labels": [0] * 10}, r"found uint8 \(10, 3071\)"),
        ({"data": pixels_of(dtype=np.float32), "labels": [0] * 10}, "found float32"),
        ({"data": pixels_of()}, "expected 10 whole numbers in 'labels'"),
        ({"data": pixels_of(), "labels": [0] * 9}, "expected 10 whole numbers"),
        ({"data": pixels_of(), "labels": [0.5] * 10}, "expected 10 whole numbers"),
        ({"data": pixels_of(), "labels": [[0], [0, 1]]}, "expected 10 whole numbers"),
        ({"data": pixels_of(), "labels": [10] * 10}, "expected training labels 0 to 9, found 0 to 10"),
        ({"data": pixels_of(n=9), "labels": [0] * 9}, "expected 50 training images of cifar10, found 49"),
    ],
)
def test_batches_of_another_content_are_refused(tmp_path, content, said):
    write_cifar10(tmp_path)
    (tmp_path / "data_batch_4").write_bytes(python2(content))
    with pytest.raises(ValueError, match=said):
        datasets.load_dataset("cifar10", folder=str(tmp_path))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_truncated_files_are_refused(tmp_path, share):
    write_cifar10(tmp_path / "pickled")
    write_idx(tmp_path / "idx", packed=False)
    write_idx(tmp_path / "packed", packed=True)
    (tmp_path / "binary").mkdir()
    for name in (*(f"data_batch_{b}.bin" for b in range(1, 6)), "test_batch.bin"):
        (tmp_path / "binary" / name).write_bytes(bytes(3073 * 10))
    for file, dataset in (
        ("pickled/data_batch_1", "cifar10"),
        ("binary/test_batch.bin", "cifar10"),
        ("idx/train-images-idx3-ubyte", "mnist"),
        ("idx/t10k-labels-idx1-ubyte", "mnist"),
        ("packed/train-images-idx3-ubyte.gz", "mnist"),
    ):
        path = tmp_path / file
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=path.parent.name):
            datasets.load_dataset(dataset, folder=str(path.parent))
        path.write_bytes(content)
        datasets.load_dataset(dataset, folder=str(path.parent))
        datasets._load.cache_clear()


def test_idx_files_of_another_shape_or_too_long_are_refused(tmp_path):
    write_idx(tmp_path, packed=False, rows=27)
    with pytest.raises(ValueError, match=r"expected idx bytes of shape \(n, 28, 28\)"):
        datasets.load_dataset("mnist", folder=str(tmp_path))
    write_idx(tmp_path, packed=False)
    labels = tmp_path / "train-labels-idx1-ubyte"
    whole = labels.read_bytes()
    labels.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match=r"expected 60 bytes of data, found 61\+"):
        datasets.load_dataset("mnist", folder=str(tmp_path))
    labels.write_bytes(struct.pack(">2I", 0x801, 59) + whole[8:-1])
    with pytest.raises(ValueError, match="60 images, but 59 labels"):
        datasets.load_dataset("mnist", folder=str(tmp_path))
