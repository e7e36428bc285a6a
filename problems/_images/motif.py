"""Motif's images: two small patterns side by side or stacked, to be told apart by which they are and how they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobench import Array

SIZE = 8
"""Height and width of an image, in pixels."""
PAIRS = ((0, 1), (2, 3), (4, 5), (0, 3), (2, 5))
"""The ordered pairs of motifs; class 2 * pair has the first above the second, class 2 * pair + 1 has it to the left."""
CLASSES = 2 * len(PAIRS)
TRAIN, VALID, TEST = 6144, 2048, 8192
"""Images in each part."""
DATA_SEED = 20260


@dataclass(frozen=True)
class Part:
    """One part of the data.

    Attributes
    ----------
    images : (n, 8, 8) float32 array
        In units of the standard deviation of the training part's pixels.
    labels : (n,) int64 array
        Classes 0 to 9.
    """

    images: Array
    labels: Array


def generate(*, seed: int = DATA_SEED) -> tuple[Part, Part, Part]:
    """Generate the training, validation and test parts; equal seeds give equal data.

    Each image holds one distractor motif of amplitude +-0.8 anywhere, then the class's two motifs with independent
    signs in a cleared 6x3 or 3x6 area anywhere; all is multiplied by a contrast from 0.7 to 1.4 and receives Gaussian
    noise of standard deviation 0.3.

    Returns
    -------
    tuple of three `Part`
        6,144 training, 2,048 validation and 8,192 test images.
    """
    motifs = make_motifs(np.random.default_rng([seed, 0]))
    drawn = [_draw(np.random.default_rng([seed, 1 + i]), motifs, n) for i, n in enumerate((TRAIN, VALID, TEST))]
    scale = drawn[0][0].std()
    train, valid, test = (Part((images / scale).astype(np.float32), labels) for images, labels in drawn)
    return train, valid, test


def make_motifs(rng: np.random.Generator) -> Array:
    """Draw six motifs of zero mean and unit root mean square: a (6, 3, 3) float64 array."""
    motifs = rng.standard_normal((6, 3, 3))
    motifs -= motifs.mean(axis=(1, 2), keepdims=True)
    scaled: Array = motifs / np.sqrt((motifs**2).mean(axis=(1, 2), keepdims=True))
    return scaled


def _draw(rng: np.random.Generator, motifs: Array, n: int) -> tuple[Array, Array]:
    """Draw `n` images, (n, 8, 8) float64 and unscaled, and their (n,) labels, as balanced as `n` allows."""
    labels = rng.permutation(np.arange(n) % CLASSES)
    images = np.zeros((n, SIZE, SIZE))
    signs = rng.choice([-1.0, 1.0], size=(3, n, 1, 1))
    distractor = 0.8 * signs[0] * motifs[rng.integers(len(motifs), size=n)]
    place(images, distractor, rng.integers(SIZE - 2, size=n), rng.integers(SIZE - 2, size=n))
    pair = np.array(PAIRS)[labels // 2]
    first, second = signs[1] * motifs[pair[:, 0]], signs[2] * motifs[pair[:, 1]]
    for beside in (False, True):
        rows = np.flatnonzero(labels % 2 == beside)
        block = np.concatenate([first[rows], second[rows]], axis=2 if beside else 1)
        spots = [rng.integers(SIZE - side + 1, size=len(rows)) for side in block.shape[1:]]
        part = images[rows]
        place(part, block, *spots)
        images[rows] = part
    contrast = rng.uniform(0.7, 1.4, size=(n, 1, 1))
    return contrast * images + 0.3 * rng.standard_normal(images.shape), labels


def place(images: Array, blocks: Array, top: Array, left: Array) -> None:
    """Overwrite, in place, the area of each of the n `images` at rows `top` and columns `left` with its block."""
    rows = top[:, None, None] + np.arange(blocks.shape[1])[:, None]
    columns = left[:, None, None] + np.arange(blocks.shape[2])
    images[np.arange(len(images))[:, None, None], rows, columns] = blocks
