"""Train chains of `motif_chain` with `chain.c`; addresses decide all draws: any row can be made alone."""

import ctypes
from pathlib import Path
from typing import Literal

import numpy as np
from compiled import batch_order, compiled, drawn, pointer
from kind import Kind

from mobench import Array
from mobench.problems._chain.space import CHANNELS, CLASSES, HEAD, KINDS, SIZE, all_networks, index, stages_of
from mobench.problems._chain.table import EPOCHS, TABLE
from mobench.problems._images import motif_chain as data
from mobench.problems._images.motif import Part

SOURCE = Path(__file__).with_name("chain.c")
BATCH, RATE = 64, 0.15
TRAINING = (
    f"{EPOCHS} epochs, batch {BATCH}, SGD with Nesterov momentum 0.9, weight decay 5e-4, float32, learning rate {RATE} "
    "with cosine decay by step; weights drawn at [seed, 3, row], order at [seed, 2, row]"
)


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
    """Draw the initial parameters of one training: a flat float32 vector; see `compiled.drawn`."""
    return drawn(tensors(genes), seed=seed, row=row)


def learning_rates(steps: int, rate: float = RATE) -> Array:
    """Cosine decay from the initial rate to 0, step by step: a (steps,) float64 array."""
    return rate * 0.5 * (1.0 + np.cos(np.pi * np.arange(steps) / steps))


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
    code = compiled(SOURCE, real="float" if real == np.float32 else "double").chain_gradient(
        pointer(blocks), pointer(weights), len(weights), pointer(x), pointer(y), ctypes.byref(loss), pointer(out)
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
        order = batch_order(seed=seed, row=row, images=len(self.images), batch=BATCH, epochs=epochs)
        rates, period = learning_rates(len(order), rate), len(self.images) // BATCH
        steps = len(order) if steps is None else steps
        losses, valid, test = np.empty(steps), np.zeros(steps // period, dtype=np.int32), np.zeros(1, dtype=np.int32)
        blocks = _blocks(genes)
        code = compiled(SOURCE, real=self.real).chain_train(
            pointer(blocks), pointer(weights), len(weights), pointer(self.images), pointer(self.labels),
            pointer(order), pointer(rates), steps, period, pointer(self.blocks[0]), pointer(self.block_labels[0]),
            len(self.blocks[0]), pointer(self.blocks[1]), pointer(self.block_labels[1]), len(self.blocks[1]),
            pointer(losses), pointer(valid), pointer(test),
        )  # fmt: skip
        if code:
            raise ValueError(f"genes {list(genes)}: {len(weights)} parameters do not fit")
        return losses, valid, int(test[0])


KIND = Kind(
    name="motif_chain",
    what="chains trained on generated images; one row a network, named by `row`",
    networks=all_networks(),
    rows=index(all_networks()),
    rows_of="mobench.problems._chain.space.index",
    looks=list(range(1, EPOCHS + 1)),
    task=Task,
    images=data,
    drawn_by=(data,),
    training=TRAINING,
    batch=BATCH,
    source=SOURCE,
    table=TABLE,
)
