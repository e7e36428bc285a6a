"""The area over the convergence curve: how good a run was over its whole course, as one number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mobench.core.space import Array

__all__ = ["areas", "with_areas"]

DECADES = 100.0
"""The course begins at the budget over this."""


def areas(scores: pd.DataFrame, curves: pd.DataFrame, *, axis: str, budget: float) -> Array:
    """Mean share of each run over the logarithm of what was spent, from a hundredth of the budget to the budget.

    Before its first delivery a run's share is 0, after its last one it stays.

    Parameters
    ----------
    scores, curves : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them, the curves over `axis`.
    axis : str
        The curves' currency.
    budget : float
        What a run may spend of it.

    Returns
    -------
    Array
        (runs,) areas from 0 to 1, NaN where a run has no score.
    """
    keys = ["problem", "searcher", "seed"]
    lines = {key: _area(line, axis, budget) for key, line in curves.groupby(keys, sort=False)}
    runs = zip(*(scores[key] for key in keys), strict=True)
    found = np.array([lines.get(run, 0.0) for run in runs], dtype=np.float64)
    return np.where(scores["hypervolume"].isna(), np.nan, found)


def with_areas(scores: pd.DataFrame, curves: pd.DataFrame, *, axis: str, budget: Mapping[str, float]) -> pd.DataFrame:
    """The scores with their `areas`, up to what the budget says of the axis, else to what the dearest run spent."""
    most = float(budget.get(axis, scores[axis].max()))
    return scores.assign(area=areas(scores, curves, axis=axis, budget=most))


def _area(line: pd.DataFrame, axis: str, budget: float) -> float:
    amounts = line[axis].to_numpy(dtype=np.float64)
    at = np.log(np.append(np.clip(amounts, budget / DECADES, budget), budget))
    return float(np.diff(at) @ line["hypervolume"].to_numpy(dtype=np.float64) / np.log(DECADES))
