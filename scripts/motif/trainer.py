"""Motif's trainer: `trainer.c`, compiled on first use, and the initial weights and data order of every training."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np

from mobench import Array
from mobench.problems._cells.space import CONV1, CONV3, Skeleton
from mobench.problems._images.motif import TEST, Part, generate
from mobench.problems._motif.table import EPOCHS, SKELETON

BATCH, RATE = 64, 0.1
FLAGS = (
    "-O3",
    "-march=native",
    "-ffast-math",
    "-mprefer-vector-width=512",
    "-fno-tree-reassoc",
    "-fno-tree-pre",
    "-fPIC",
    "-shared",
)
WEIGHTS_STREAM, ORDER_STREAM = 3, 2
EARLY = 2048
"""The first test images, on which every epoch is scored; the last epoch is scored on all."""


def tensors(genes: Array, *, skeleton: Skeleton = SKELETON) -> list[tuple[str, tuple[int, ...], int]]:
    """List the parameters of a network in the order of its flat vector, which is that of the torch module.

    Parameters
    ----------
    genes : (6,) int array

    Returns
    -------
    list of (kind, shape, fan-in); kind is ``weight`` (of a convolution or the classifier, and the latter's bias),
    ``scale`` or ``shift`` (of a batch norm).
    """

    def conv(kernel: int, inputs: int, outputs: int, *, norm: bool = True) -> list[tuple[str, tuple[int, ...], int]]:
        weight = ("weight", (outputs, inputs, kernel, kernel), inputs * kernel * kernel)
        return [weight, ("scale", (outputs,), 0), ("shift", (outputs,), 0)] if norm else [weight]

    c = skeleton.channels
    listed = conv(3, skeleton.inputs, c)
    for stage in range(skeleton.stages):
        if stage > 0:
            c *= 2
            listed += conv(3, c // 2, c) + conv(3, c, c) + conv(1, c // 2, c, norm=False)
        kernels = [{CONV1: 1, CONV3: 3}[int(op)] for op in genes if op in (CONV1, CONV3)]
        listed += [tensor for kernel in kernels * skeleton.cells for tensor in conv(kernel, c, c)]
    listed += [("scale", (c,), 0), ("shift", (c,), 0)]
    return [*listed, ("weight", (skeleton.classes, c), c), ("weight", (skeleton.classes,), c)]


def initial_weights(genes: Array, *, seed: int, row: int) -> Array:
    """Draw the initial parameters of one training, at the address [seed, 3, row]: a flat float32 vector.

    Weights are uniform within 1/sqrt(fan-in), as torch initialises convolutions and linear layers.
    """
    rng = np.random.default_rng([seed, WEIGHTS_STREAM, row])
    parts = []
    for kind, shape, fan_in in tensors(genes):
        size = int(np.prod(shape))
        if kind == "weight":
            parts.append(rng.uniform(-1.0, 1.0, size=size) / np.sqrt(fan_in))
        else:
            parts.append(np.full(size, float(kind == "scale")))
    return np.concatenate(parts).astype(np.float32)


def batch_order(*, seed: int, row: int, images: int, epochs: int = EPOCHS) -> Array:
    """Draw the image numbers of every batch, (steps, 64) int32 in all, at the address [seed, 2, row]."""
    rng = np.random.default_rng([seed, ORDER_STREAM, row])
    return np.concatenate([rng.permutation(images) for _ in range(epochs)]).reshape(-1, BATCH).astype(np.int32)


def learning_rates(steps: int) -> Array:
    """Cosine decay from 0.1 to 0, step by step: a (steps,) float64 array."""
    return RATE * 0.5 * (1.0 + np.cos(np.pi * np.arange(steps) / steps))


@cache
def library(*, real: str = "float", compiler: str | None = None) -> ctypes.CDLL:
    """Compile `trainer.c` for this processor, or find it compiled, and load it.

    Raises
    ------
    RuntimeError
        If there is no C compiler (`cc`, or the one named by the variable CC) or it fails.
    """
    name = compiler or os.environ.get("CC") or "cc"
    if shutil.which(name) is None:
        raise RuntimeError(
            f"Motif's trainer needs a C compiler with GNU vector types (gcc or clang); {name!r} not found"
        )
    source = Path(__file__).with_name("trainer.c")
    command = [name, *FLAGS, f"-DREAL={real}"]
    key = sha256("\n".join([*command, source.read_text()]).encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"motif-{os.getuid()}-{key}.so"
    if not target.exists():
        part = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run([*command, "-o", str(part), str(source), "-lm"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[:2000]}")
        part.replace(target)
    return ctypes.CDLL(str(target))


def _pointer(array: Array) -> ctypes.c_void_p:
    """Address of a contiguous array, for C."""
    return ctypes.c_void_p(array.ctypes.data)


def gradient(genes: Array, weights: Array, images: Array, labels: Array) -> tuple[float, Array]:
    """Compute the loss of one training batch and its gradient, in the precision of `weights`.

    Parameters
    ----------
    genes : (6,) int array
        Without dead edges.
    weights : (p,) float32 or float64 array
    images : (64, 8, 8) array
    labels : (64,) int array

    Returns
    -------
    mean cross entropy, and its (p,) gradient.
    """
    real = weights.dtype
    out, loss = np.empty_like(weights), ctypes.c_double()
    genes, x = np.asarray(genes, dtype=np.int32), np.ascontiguousarray(images, dtype=real)
    y = np.asarray(labels, dtype=np.uint8)
    code = library(real="float" if real == np.float32 else "double").motif_gradient(
        _pointer(genes), _pointer(weights), len(weights), _pointer(x), _pointer(y), ctypes.byref(loss), _pointer(out)
    )
    if code:
        raise ValueError(f"genes {genes.tolist()}: {len(weights)} parameters do not fit")
    return loss.value, out


class Task:
    """Motif's images in the trainer's layout, for any number of trainings; double precision is for tests."""

    def __init__(self, *, real: Literal["float", "double"] = "float") -> None:
        train, valid, test = generate()
        self.real, self.dtype = real, np.float32 if real == "float" else np.float64
        self.images, self.labels = np.ascontiguousarray(train.images, dtype=self.dtype), train.labels.astype(np.uint8)
        sets = [valid, Part(test.images[:EARLY], test.labels[:EARLY]), Part(test.images[EARLY:], test.labels[EARLY:])]
        blocks = [part.images.reshape(-1, BATCH, 64).transpose(0, 2, 1) for part in sets]
        self.blocks = np.ascontiguousarray(np.concatenate(blocks), dtype=self.dtype)
        self.block_labels = np.concatenate([part.labels for part in sets]).astype(np.uint8)
        self.ends = np.cumsum([len(block) for block in blocks]).astype(np.int32)

    def train(self, genes: Array, *, seed: int, row: int, steps: int | None = None) -> tuple[Array, Array, Array]:
        """Train one network.

        Parameters
        ----------
        genes : (6,) int array
            Without dead edges.
        seed, row : int
            The address of the initial weights and of the data order.
        steps : int, optional
            Stop after so many batches; the learning rates stay those of the full training.

        Returns
        -------
        (steps,) losses of the training batches; (epochs, 2, 2) scores after each epoch on the validation images and on
        the first 2,048 test images: mean cross entropy and number of right answers; (2,) scores at the end on all test
        images.
        """
        weights = initial_weights(genes, seed=seed, row=row).astype(self.dtype)
        order = batch_order(seed=seed, row=row, images=len(self.images))
        rates, period = learning_rates(len(order)), len(self.images) // BATCH
        steps = len(order) if steps is None else steps
        losses, scores = np.empty(steps), np.zeros((steps // period, 3, 2))
        genes = np.asarray(genes, dtype=np.int32)
        code = library(real=self.real).motif_train(
            _pointer(genes), _pointer(weights), len(weights), _pointer(self.images), _pointer(self.labels),
            _pointer(order), _pointer(rates), steps, period, _pointer(self.blocks), _pointer(self.block_labels),
            _pointer(self.ends), 3, 2, _pointer(losses), _pointer(scores),
        )  # fmt: skip
        if code:
            raise ValueError(f"genes {genes.tolist()}: {len(weights)} parameters do not fit")
        if steps < period:
            return losses, scores[:, :2], np.full(2, np.nan)
        early, late = scores[-1, 1], scores[-1, 2]
        share = EARLY / TEST
        final = np.array([share * early[0] + (1 - share) * late[0], early[1] + late[1]])
        return losses, scores[:, :2], final
