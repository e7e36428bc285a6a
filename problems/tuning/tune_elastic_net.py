"""The elastic net on diabetes data, with an l1 penalty for each group of columns: error and columns in use, exact.

See `docs/problems/tuning/tuning.md`: data, formulas, prices, fronts.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge

from mobench import Objective
from mobench.problems._tuning.data import diabetes
from mobench.problems._tuning.elastic_net import ElasticNet
from mobench.problems._tuning.grid import Grid
from mobench.problems._tuning.problem import LearnedTuning, Tuning

LOW, HIGH, LEVELS = -7.0, 0.0, 11
"""Box of the logarithms, and points of the grid: steps of 0.7. A penalty of 1 leaves no column in use."""


def problem(*, columns: bool = True, split: Annotated[int, Ge(0)] = 0) -> Tuning:
    """Penalties of an elastic net.

    Parameters
    ----------
    columns
        Whether the number of columns in use is a second objective. It depends on the weights, so that it has no place
        among the costs of a supernet: without it, searchers can learn with the losses.
    split
        Number of the split into training, validation and test rows.

    Raises
    ------
    ValueError
        scikit-learn is not installed.
    """
    data = diabetes("linear", split)
    names = (*data.groups, "l2")
    grid = Grid.cube(names, LOW, HIGH, LEVELS)
    model = ElasticNet(data, columns)
    if columns:
        return Tuning(grid, (Objective("error"), Objective("columns")), model)
    return LearnedTuning(grid, (Objective("error"),), model)
