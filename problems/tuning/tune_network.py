"""A small network on diabetes data, with a weight decay for each layer: error after a training.

See `docs/problems/tuning/tuning.md`: data, formulas, prices.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from mobench import Objective
from mobench.problems._tuning.data import diabetes
from mobench.problems._tuning.grid import Grid
from mobench.problems._tuning.perceptron import EPOCHS, Perceptron
from mobench.problems._tuning.problem import TrainedTuning

NAMES = ("hidden", "output")
LOW, HIGH, LEVELS = -9.0, 0.0, 13
"""Box of the logarithms, and points of the grid: steps of 0.75."""


def problem(*, split: Annotated[int, Ge(0)] = 0) -> TrainedTuning:
    """Weight decays of a network.

    Parameters
    ----------
    split
        Number of the split into training, validation and test rows.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    grid = Grid.cube(NAMES, LOW, HIGH, LEVELS)
    return TrainedTuning(grid, (Objective("error"),), Perceptron(diabetes("linear", split)), EPOCHS)
