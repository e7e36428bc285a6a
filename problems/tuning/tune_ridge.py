"""Ridge regression on diabetes data, with a penalty for each group of columns: error and degrees of freedom, exact.

See `docs/problems/tuning/tuning.md`: data, formulas, prices, fronts.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from mobench import Objective
from mobench.problems._tuning.data import Features, diabetes
from mobench.problems._tuning.grid import Grid
from mobench.problems._tuning.problem import LearnedTuning
from mobench.problems._tuning.ridge import Ridge

LOW, HIGH, LEVELS = -9.0, 3.0, 17
"""Box of the logarithms, and points of the grid: steps of 0.75."""


def problem(*, features: Features = "quadratic", split: Annotated[int, Ge(0)] = 0) -> LearnedTuning:
    """Penalties of a ridge regression.

    Parameters
    ----------
    features
        ``quadratic``: 64 columns (main effects, squares, products); ``linear``: the ten of the data (person, body,
        serum).
    split
        Number of the split into training, validation and test rows.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    data = diabetes(features, split)
    grid = Grid.cube(data.groups, LOW, HIGH, LEVELS)
    return LearnedTuning(grid, (Objective("error"), Objective("degrees of freedom")), Ridge(data))
