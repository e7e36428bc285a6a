"""Train networks of `motif_transformer` with `transformer.c`; addresses decide all draws: any row can be made alone."""

import ctypes
from pathlib import Path
from typing import Literal

import numpy as np
from compiled import batch_order, compiled, drawn, pointer
from kind import Kind

from mobench import Array
from mobench.problems._images import motif_chain
from mobench.problems._images import motif_transformer as data
from mobench.problems._images.motif import Part
from mobench.problems._transformer.space import (
    CLASSES,
    HEAD_SIZE,
    KERNEL,
    POOLS,
    TOKENS,
    WIDTHS,
    all_networks,
    index,
    parts_of,
)
from mobench.problems._transformer.table import EPOCHS, LOOKS, TABLE

SOURCE = Path(__file__).with_name("transformer.c")
BATCH, RATE, DECAY, WARM_UP = 32, 6e-3, 0.05, 0.1
TRAINING = (
    f"{EPOCHS} epochs, batch {BATCH}, AdamW with betas 0.9 and 0.99, weight decay {DECAY} on matrices, float32, "
    f"learning rate {RATE} with a linear warm-up over the first {WARM_UP:.0%} and cosine decay by step; weights drawn "
    "at [seed, 3, row], order at [seed, 2, row]"
)


def tensors(genes: Array) -> list[tuple[str, tuple[int, ...], int]]:
    """List the parameters of a network in the order of its flat vector, which is that of the torch module.

    Parameters
    ----------
    genes : (8,) int array

    Returns
    -------
    list of (kind, shape, fan-in); kinds are those of `compiled.drawn`.
    """

    def linear(inputs: int, outputs: int) -> list[tuple[str, tuple[int, ...], int]]:
        return [("weight", (outputs, inputs), inputs), ("weight", (outputs,), inputs)]

    width = WIDTHS[int(genes[0])]
    norm = [("scale", (width,), 0), ("shift", (width,), 0)]
    listed = [*linear(KERNEL**2, width), ("position", (TOKENS, width), 0)]
    for heads, hidden in parts_of(genes):
        inner = heads * HEAD_SIZE or hidden
        listed += norm + linear(width, inner) * (3 if heads else 1) + linear(inner, width)
    return [*listed, *norm, *linear(width, CLASSES)]


def initial_weights(genes: Array, *, seed: int, row: int) -> Array:
    """Draw the initial parameters of one training: a flat float32 vector; see `compiled.drawn`."""
    return drawn(tensors(genes), seed=seed, row=row)


def decays(genes: Array) -> Array:
    """Tell the parameters that decay: 1 for those in tensors of two dimensions, else 0; flat, float32."""
    shapes = [shape for _, shape, _ in tensors(genes)]
    return np.concatenate([np.full(np.prod(shape), float(len(shape) > 1), np.float32) for shape in shapes])


def learning_rates(steps: int) -> Array:
    """Cosine decay, and a linear warm-up over a tenth of the steps: a (steps,) float64 array."""
    done = np.arange(1, steps + 1) / (steps + 1)
    return RATE * 0.5 * (1.0 + np.cos(np.pi * done)) * np.minimum(1.0, done / WARM_UP)


def gradient(genes: Array, weights: Array, images: Array, labels: Array) -> tuple[float, Array]:
    """Compute the loss of one training batch and its gradient, in the precision of `weights`.

    Parameters
    ----------
    genes : (8,) int array
    weights : (p,) float32 or float64 array
    images : (batch, 8, 8) array
    labels : (batch,) int array

    Returns
    -------
    mean cross entropy, and its (p,) gradient.
    """
    real = weights.dtype
    out, loss = np.empty_like(weights), ctypes.c_double()
    parts, x = _parts(genes), np.ascontiguousarray(images, dtype=real)
    y = np.asarray(labels, dtype=np.uint8)
    library = compiled(SOURCE, real="float" if real == np.float32 else "double", batch=BATCH)
    code = library.transformer_gradient(
        *_network(genes), pointer(parts), len(parts), pointer(weights), len(weights), pointer(x), pointer(y),
        ctypes.byref(loss), pointer(out),
    )  # fmt: skip
    if code:
        raise ValueError(f"genes {list(genes)}: {len(weights)} parameters do not fit")
    return loss.value, out


def _network(genes: Array) -> tuple[int, int]:
    """Width, and whether features are the largest of the tokens, for C."""
    return WIDTHS[int(genes[0])], int(POOLS[int(genes[-1])] == "max")


def _parts(genes: Array) -> Array:
    """Heads and hidden width of each part, for C."""
    return np.array(parts_of(genes), dtype=np.int32).reshape(-1, 2)


class Task:
    """The images, for any number of trainings; double precision is for tests."""

    def __init__(self, parts: tuple[Part, Part, Part], *, real: Literal["float", "double"] = "float") -> None:
        self.real, self.dtype = real, np.float32 if real == "float" else np.float64
        self.images = [np.ascontiguousarray(part.images, dtype=self.dtype) for part in parts]
        self.labels = [part.labels.astype(np.uint8) for part in parts]

    def train(self, genes: Array, *, seed: int, row: int, steps: int | None = None) -> tuple[Array, Array, int]:
        """Train one network.

        Parameters
        ----------
        genes : (8,) int array
        seed, row : int
            The address of the initial weights and of the data order.
        steps : int, optional
            Stop after so many batches; the learning rates stay those of the full training.

        Returns
        -------
        (steps,) losses of the training batches, right answers on the validation images after each look, and their
        number on the test images at the end.
        """
        weights = initial_weights(genes, seed=seed, row=row).astype(self.dtype)
        decaying = decays(genes).astype(self.dtype)
        order = batch_order(seed=seed, row=row, images=len(self.images[0]), batch=BATCH, epochs=EPOCHS)
        rates, period = learning_rates(len(order)), len(order) // LOOKS
        steps = len(order) if steps is None else steps
        losses, valid, test = np.empty(steps), np.zeros(steps // period, dtype=np.int32), np.zeros(1, dtype=np.int32)
        parts = _parts(genes)
        (images, valid_images, test_images), (labels, valid_labels, test_labels) = self.images, self.labels
        code = compiled(SOURCE, real=self.real, batch=BATCH).transformer_train(
            *_network(genes), pointer(parts), len(parts), pointer(weights), len(weights), pointer(decaying),
            ctypes.c_double(DECAY), pointer(images), pointer(labels), pointer(order), pointer(rates), steps, period,
            pointer(valid_images), pointer(valid_labels), len(valid_labels) // BATCH,
            pointer(test_images), pointer(test_labels), len(test_labels) // BATCH,
            pointer(losses), pointer(valid), pointer(test),
        )  # fmt: skip
        if code:
            raise ValueError(f"genes {list(genes)}: {len(weights)} parameters do not fit")
        return losses, valid, int(test[0])


KIND = Kind(
    name="motif_transformer",
    what="vision transformers trained on generated images; one row a network, named by `row`",
    networks=all_networks(),
    rows=index(all_networks()),
    rows_of="mobench.problems._transformer.space.index",
    looks=[EPOCHS * (look + 1) / LOOKS for look in range(LOOKS)],
    task=Task,
    images=data,
    drawn_by=(data, motif_chain),
    training=TRAINING,
    batch=BATCH,
    source=SOURCE,
    table=TABLE,
)
