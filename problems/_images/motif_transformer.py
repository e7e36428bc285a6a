"""Images of `motif_transformer`: those of `motif_chain`, with three times as many to train on."""

from __future__ import annotations

from mobench.problems._images import motif_chain
from mobench.problems._images.motif import Part
from mobench.problems._images.motif_chain import DATA_SEED, TEST, VALID

__all__ = ["DATA_SEED", "TEST", "TRAIN", "VALID", "generate"]

TRAIN = 24576
"""Images in the training part."""


def generate() -> tuple[Part, Part, Part]:
    """Generate the training, validation and test parts: 24,576, 2,048 and 8,192 images, 8x8, of classes 0 to 39."""
    return motif_chain.generate(train=TRAIN)
