"""SplitMix64: 64 random-looking bits from a 64-bit number, the same on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["GOLDEN", "splitmix64"]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Step between SplitMix64's states: 2**64 over the golden ratio."""


def splitmix64(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output of SplitMix64 in each of the states `numbers`, of any shape (Steele, Lea and Flood 2014)."""
    z = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
