"""Motif's trainer: `trainer.c`, compiled on first use, and the initial weights and data order of every training."""

import ctypes
import sys
from pathlib import Path
from typing import Literal

import numpy as np

from mobench import Array
from mobench.problems._cells.space import CONV1, CONV3, Skeleton
from mobench.problems._images.motif import TEST, Part, generate
from mobench.problems._motif.table import EPOCHS, SKELETON

sys.path.append(str(Path(__file__).parents[1] / "trained"))  # behind this folder: both have scripts of the same names
import compiled
from compiled import compiled_by, drawn, pointer, processor

__all__ = [
    "BATCH", "EPOCHS", "FLAGS", "RATE", "SKELETON", "Task", "batch_order", "compiled_by", "gradient", "initial_weights",
    "learning_rates", "library", "processor", "tensors",
]  # fmt: skip

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
    return drawn(tensors(genes), seed=seed, row=row)


def batch_order(*, seed: int, row: int, images: int, epochs: int = EPOCHS) -> Array:
    """Draw the image numbers of every batch, (steps, 64) int32 in all, at the address [seed, 2, row]."""
    return compiled.batch_order(seed=seed, row=row, images=images, batch=BATCH, epochs=epochs)


def learning_rates(steps: int) -> Array:
    """Cosine decay from 0.1 to 0, step by step: a (steps,) float64 array."""
    return RATE * 0.5 * (1.0 + np.cos(np.pi * np.arange(steps) / steps))


def library(*, real: str = "float") -> ctypes.CDLL:
    """`trainer.c`, compiled for this processor; RuntimeError where it cannot be."""
    return compiled.compiled(Path(__file__).with_name("trainer.c"), real=real, batch=BATCH, flags=FLAGS)


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
        pointer(genes), pointer(weights), len(weights), pointer(x), pointer(y), ctypes.byref(loss), pointer(out)
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
            pointer(genes), pointer(weights), len(weights), pointer(self.images), pointer(self.labels),
            pointer(order), pointer(rates), steps, period, pointer(self.blocks), pointer(self.block_labels),
            pointer(self.ends), 3, 2, pointer(losses), pointer(scores),
        )  # fmt: skip
        if code:
            raise ValueError(f"genes {genes.tolist()}: {len(weights)} parameters do not fit")
        if steps < period:
            return losses, scores[:, :2], np.full(2, np.nan)
        early, late = scores[-1, 1], scores[-1, 2]
        share = EARLY / TEST
        final = np.array([share * early[0] + (1 - share) * late[0], early[1] + late[1]])
        return losses, scores[:, :2], final
