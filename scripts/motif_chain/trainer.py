"""Compile `trainer.c` and train chains with it; weights and orders are drawn by address: any row can be made alone."""

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
from mobench.problems._chain.space import CHANNELS, CLASSES, HEAD, KINDS, SIZE, stages_of
from mobench.problems._chain.table import EPOCHS
from mobench.problems._images.motif import Part

BATCH, RATE = 64, 0.15
FLAGS = ("-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fPIC", "-shared")
WEIGHTS_STREAM, ORDER_STREAM = 3, 2


def tensors(genes: Array) -> list[tuple[str, tuple[int, ...], int]]:
    """List the parameters of a network in the order of its flat vector, which is that of the torch module.

    Parameters
    ----------
    genes : (4,) int array

    Returns
    -------
    list of (kind, shape, fan-in); kind is ``kernel`` (of a convolution), ``scale`` or ``shift`` (of a batch norm),
    ``weight`` (of the classifier, and its bias).
    """

    def conv(inputs: int, outputs: int, kernel: int = 1) -> list[tuple[str, tuple[int, ...], int]]:
        weight = ("kernel", (outputs, inputs, kernel, kernel), inputs * kernel * kernel)
        return [weight, ("scale", (outputs,), 0), ("shift", (outputs,), 0)]

    listed = conv(1, CHANNELS[0], 3)
    for stage, channels in enumerate(CHANNELS):
        if stage:
            listed += conv(CHANNELS[0], channels)
        for gene in (int(gene) for gene in stages_of(genes)[stage] if gene):
            kernel, expansion = KINDS[gene]
            width = channels * expansion
            listed += conv(channels, width) + conv(1, width, kernel) + conv(width, channels)
    listed += conv(CHANNELS[1], HEAD)
    return [*listed, ("weight", (CLASSES, HEAD), HEAD), ("weight", (CLASSES,), HEAD)]


def initial_weights(genes: Array, *, seed: int, row: int) -> Array:
    """Draw the initial parameters of one training, at the address [seed, 3, row]: a flat float32 vector.

    Kernels are normal with variance 2 / fan-in (He et al. 2015), the classifier uniform within 1/sqrt(fan-in).
    """
    rng = np.random.default_rng([seed, WEIGHTS_STREAM, row])
    parts = []
    for kind, shape, fan_in in tensors(genes):
        size = int(np.prod(shape))
        if kind == "kernel":
            parts.append(rng.standard_normal(size) * np.sqrt(2.0 / fan_in))
        elif kind == "weight":
            parts.append(rng.uniform(-1.0, 1.0, size=size) / np.sqrt(fan_in))
        else:
            parts.append(np.full(size, float(kind == "scale")))
    return np.concatenate(parts).astype(np.float32)


def batch_order(*, seed: int, row: int, images: int, epochs: int = EPOCHS) -> Array:
    """Draw the image numbers of every batch, (steps, 64) int32 in all, at the address [seed, 2, row]."""
    rng = np.random.default_rng([seed, ORDER_STREAM, row])
    return np.concatenate([rng.permutation(images) for _ in range(epochs)]).reshape(-1, BATCH).astype(np.int32)


def learning_rates(steps: int, rate: float = RATE) -> Array:
    """Cosine decay from the initial rate to 0, step by step: a (steps,) float64 array."""
    return rate * 0.5 * (1.0 + np.cos(np.pi * np.arange(steps) / steps))


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
        raise RuntimeError(f"the trainer needs a C compiler with GNU vector types (gcc or clang); {name!r} not found")
    source = Path(__file__).with_name("trainer.c")
    command = [name, *FLAGS, f"-DREAL={real}", f"-DBATCH={BATCH}"]
    key = sha256("\n".join([*command, source.read_text()]).encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"motif-chain-{os.getuid()}-{key}.so"
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


def _blocks(genes: Array) -> Array:
    """Kernel and expansion of each block, for C; those of a skip are 0."""
    return np.array([KINDS[int(gene)] for gene in genes], dtype=np.int32)


def gradient(genes: Array, weights: Array, images: Array, labels: Array) -> tuple[float, Array]:
    """Compute the loss of one training batch and its gradient, in the precision of `weights`.

    Parameters
    ----------
    genes : (4,) int array
    weights : (p,) float32 or float64 array
    images : (64, 8, 8) array
    labels : (64,) int array

    Returns
    -------
    mean cross entropy, and its (p,) gradient.
    """
    real = weights.dtype
    out, loss = np.empty_like(weights), ctypes.c_double()
    blocks, x = _blocks(genes), np.ascontiguousarray(images, dtype=real)
    y = np.asarray(labels, dtype=np.uint8)
    code = library(real="float" if real == np.float32 else "double").chain_gradient(
        _pointer(blocks), _pointer(weights), len(weights), _pointer(x), _pointer(y), ctypes.byref(loss), _pointer(out)
    )
    if code:
        raise ValueError(f"genes {list(genes)}: {len(weights)} parameters do not fit")
    return loss.value, out


class Task:
    """The images in the trainer's layout, for any number of trainings; double precision is for tests."""

    def __init__(self, parts: tuple[Part, Part, Part], *, real: Literal["float", "double"] = "float") -> None:
        self.real, self.dtype = real, np.float32 if real == "float" else np.float64
        train, *self.judged = parts
        self.images, self.labels = np.ascontiguousarray(train.images, dtype=self.dtype), train.labels.astype(np.uint8)
        pixels = SIZE * SIZE
        blocks = [part.images.reshape(-1, BATCH, pixels).transpose(0, 2, 1) for part in self.judged]
        self.blocks = [np.ascontiguousarray(block, dtype=self.dtype) for block in blocks]
        self.block_labels = [part.labels.astype(np.uint8) for part in self.judged]

    def train(
        self, genes: Array, *, seed: int, row: int, steps: int | None = None, epochs: int = EPOCHS, rate: float = RATE
    ) -> tuple[Array, Array, int]:
        """Train one network.

        Parameters
        ----------
        genes : (4,) int array
        seed, row : int
            The address of the initial weights and of the data order.
        steps : int, optional
            Stop after so many batches; the learning rates stay those of the full training.

        Returns
        -------
        (steps,) losses of the training batches, (epochs,) right answers on the validation images after each epoch, and
        their number on the test images at the end.
        """
        weights = initial_weights(genes, seed=seed, row=row).astype(self.dtype)
        order = batch_order(seed=seed, row=row, images=len(self.images), epochs=epochs)
        rates, period = learning_rates(len(order), rate), len(self.images) // BATCH
        steps = len(order) if steps is None else steps
        losses, valid, test = np.empty(steps), np.zeros(steps // period, dtype=np.int32), np.zeros(1, dtype=np.int32)
        blocks = _blocks(genes)
        code = library(real=self.real).chain_train(
            _pointer(blocks), _pointer(weights), len(weights), _pointer(self.images), _pointer(self.labels),
            _pointer(order), _pointer(rates), steps, period, _pointer(self.blocks[0]), _pointer(self.block_labels[0]),
            len(self.blocks[0]), _pointer(self.blocks[1]), _pointer(self.block_labels[1]), len(self.blocks[1]),
            _pointer(losses), _pointer(valid), _pointer(test),
        )  # fmt: skip
        if code:
            raise ValueError(f"genes {list(genes)}: {len(weights)} parameters do not fit")
        return losses, valid, int(test[0])
