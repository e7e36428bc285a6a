"""Logistic regression on tumours, with a penalty for each group of columns: log loss and degrees of freedom, exact.

See `docs/problems/tuning/tuning.md`: data, formulas, prices, fronts.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from mobench import Objective
from mobench.problems._tuning.data import breast_cancer
from mobench.problems._tuning.grid import Grid
from mobench.problems._tuning.logistic import Logistic
from mobench.problems._tuning.problem import LearnedTuning

LOW, HIGH, LEVELS = -9.0, 3.0, 13
"""Box of the logarithms, and points of the grid: steps of 1."""


def problem(*, split: Annotated[int, Ge(0)] = 0) -> LearnedTuning:
    """Penalties of a logistic regression.

    Parameters
    ----------
    split
        Number of the split into training, validation and test rows.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    data = breast_cancer(split)
    grid = Grid.cube(data.groups, LOW, HIGH, LEVELS)
    return LearnedTuning(grid, (Objective("log loss", "nats"), Objective("degrees of freedom")), Logistic(data))
