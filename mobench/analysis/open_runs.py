"""Runs without a score whose lack of one may be no accident: ranks and tests take them as the worst."""

from __future__ import annotations

import pandas as pd

from mobench.campaigns.study import OVER

__all__ = ["open_runs", "without_score"]


def without_score(scores: pd.DataFrame) -> pd.Series[bool]:
    """Which rows are of runs that have begun, running or damaged, and have no score, or are missing alone.

    Campaigns go seed by seed: a run is missing alone where another searcher's of its seed on its problem is over.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them.
    """
    over = scores["state"].isin(OVER)
    reached = over.groupby([scores["problem"], scores["seed"]]).transform("any")
    mask: pd.Series[bool] = scores["state"].isin(("running", "damaged")) | ((scores["state"] == "missing") & reached)
    return mask


def open_runs(scores: pd.DataFrame) -> dict[str, dict[str, list[int]]]:
    """Searcher to problem to the seeds of these runs."""
    found: dict[str, dict[str, list[int]]] = {}
    part = scores[without_score(scores)]
    for searcher, problem, seed in zip(part["searcher"], part["problem"], part["seed"].tolist(), strict=True):
        found.setdefault(searcher, {}).setdefault(problem, []).append(seed)
    return found
