"""Blind sets: as many networks as a run trained to the end, trained and not chosen, and how good these are."""

from __future__ import annotations

import numpy as np

import mobench
from mobench.scoring.result import Result

__all__ = ["blind_quartiles", "whole_trainings"]

SETS = 300
"""Blind sets of each size."""
LIVE_SETS = 60
"""The same where each network has to be trained."""


def whole_trainings(result: Result) -> int:
    """How many networks a run trained to the end."""
    return int(np.isin(result.history.fidelity, (0, *result.problem.fidelities[-1:])).sum())


def blind_quartiles(problem: str, size: int) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile of the scores of blind sets of so many networks.

    They are random searches with as many evaluations, on seeds that no campaign has.
    """
    if not size:
        return 0.0, 0.0, 0.0
    sets = LIVE_SETS if problem.startswith("cell_training") else SETS
    results = (mobench.run("random_search", problem, budget=size, seed=1000 + seed) for seed in range(sets))
    q25, median, q75 = np.quantile([result.hypervolume() for result in results], (0.25, 0.5, 0.75)).round(4).tolist()
    return q25, median, q75
