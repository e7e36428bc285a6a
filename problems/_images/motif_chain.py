"""Images of `motif_chain`: which two of five small patterns, and which lies above or left of the other, far apart."""

from __future__ import annotations

import itertools

import numpy as np

from mobench import Array
from mobench.problems._images.motif import Part, place

SIZE, MOTIFS = 8, 5
PAIRS = tuple(itertools.permutations(range(MOTIFS), 2))
"""The ordered pairs of motifs; class 2 * pair has the first above the second, class 2 * pair + 1 has it to the left."""
CLASSES = 2 * len(PAIRS)
NEAREST, FARTHEST, ASIDE = 4, 5, 2
"""Distance of the two motifs' corners along the axis, and the greatest across it, in pixels."""
NOISE = 0.35
TRAIN, VALID, TEST = 8192, 2048, 8192
"""Images in each part."""
DATA_SEED = 20261


def generate(*, seed: int = DATA_SEED, train: int = TRAIN) -> tuple[Part, Part, Part]:
    """Generate the training, validation and test parts; equal seeds give equal data.

    Each image holds its class's two motifs with independent signs, 4 or 5 pixels apart along the class's axis and up to
    2 across it, anywhere; all is multiplied by a contrast from 0.7 to 1.4 and receives Gaussian noise of standard
    deviation 0.35.

    Returns
    -------
    tuple of three `Part`
        `train` training, 2,048 validation and 8,192 test images, 8x8, of classes 0 to 39.
    """
    motifs = np.random.default_rng([seed, 0]).standard_normal((MOTIFS, 3, 3))
    motifs -= motifs.mean(axis=(1, 2), keepdims=True)
    motifs /= np.sqrt((motifs**2).mean(axis=(1, 2), keepdims=True))
    drawn = [_draw(np.random.default_rng([seed, 1 + i]), motifs, n) for i, n in enumerate((train, VALID, TEST))]
    scale = drawn[0][0].std()
    learnt, valid, test = (Part((images / scale).astype(np.float32), labels) for images, labels in drawn)
    return learnt, valid, test


def _draw(rng: np.random.Generator, motifs: Array, n: int) -> tuple[Array, Array]:
    """Draw `n` images, (n, 8, 8) float64 and unscaled, and their (n,) labels, as balanced as `n` allows."""
    labels = rng.permutation(np.arange(n) % CLASSES)
    pair, beside = np.array(PAIRS)[labels // 2], labels % 2 == 1
    along, across = rng.integers(NEAREST, FARTHEST + 1, size=n), rng.integers(-ASIDE, ASIDE + 1, size=n)
    down, right = np.where(beside, across, along), np.where(beside, along, across)
    last = SIZE - 3  # where a motif's corner may lie at most
    top = np.maximum(0, -down) + rng.integers(0, last - np.abs(down) + 1)
    left = np.maximum(0, -right) + rng.integers(0, last - np.abs(right) + 1)
    signs = rng.choice([-1.0, 1.0], size=(2, n, 1, 1))
    images = np.zeros((n, SIZE, SIZE))
    place(images, signs[0] * motifs[pair[:, 0]], top, left)
    place(images, signs[1] * motifs[pair[:, 1]], top + down, left + right)
    contrast = rng.uniform(0.7, 1.4, size=(n, 1, 1))
    return contrast * images + NOISE * rng.standard_normal(images.shape), labels
