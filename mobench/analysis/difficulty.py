"""How much a problem can tell at a budget: the floor of random search, the ceiling, and warnings where they meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mobench.campaigns.study import OVER

__all__ = ["difficulty"]

CEILING = -3.0
"""log10 regret from which a run counts as being at the ceiling: 99.9 % of the true front's hypervolume."""

COLUMNS = ("problem", "floor", "best_searcher", "best", "best_run", "room", "at_ceiling", "warning")


def difficulty(
    scores: pd.DataFrame, *, baseline: str = "random_search", plain: Callable[[str], str] = str
) -> pd.DataFrame:
    """What each problem leaves to be won, and whether its results can tell searchers apart.

    Failed runs count as far as they came. The order of searchers plays no part.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them.
    baseline : str
        The searcher that sets the floor, whatever its options.
    plain : callable
        Of what a searcher is called its label.

    Returns
    -------
    pandas.DataFrame
        A row a problem: floor (median share of the baseline, NaN without it), best_searcher and best (the highest
        median share, and all who have it), best_run (the highest share of any run), room (best less floor, as a part
        of what the floor leaves to be won: 1 is the ceiling, 0 the floor), at_ceiling (searchers whose median run is at
        the ceiling) and warning, empty where there is nothing to warn of.
    """
    rows = []
    for problem, group in scores.groupby("problem", sort=False):
        over = group[group["state"].isin(OVER)]
        row: dict[str, Any] = dict.fromkeys(COLUMNS[1:-1], np.nan)
        row |= {"problem": problem, "best_searcher": "", "at_ceiling": 0, "warning": "no run has ended"}
        if len(over):
            middle = over.groupby("searcher")[["hypervolume", "log10_regret"]].median()
            floors = [name for name in middle.index if plain(str(name)).partition(":")[0] == baseline]
            floor = float(middle.loc[floors, "hypervolume"].max()) if floors else float("nan")
            share, best = middle["hypervolume"].round(12), float(middle["hypervolume"].max())
            row |= {"floor": floor, "best_searcher": ", ".join(middle.index[share == share.max()]), "best": best}
            row |= {"best_run": over["hypervolume"].max(), "room": (best - floor) / (1 - floor) if floor < 1 else 0.0}
            row["at_ceiling"] = int((middle["log10_regret"] <= CEILING).sum())
            known = "igd_plus" in over and bool(over["igd_plus"].notna().all())
            row["warning"] = _warning(middle, floors, known_front=known, baseline=baseline)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _warning(middle: pd.DataFrame, floors: list[Any], *, known_front: bool, baseline: str) -> str:
    """What weakens conclusions from (searchers, [hypervolume, log10_regret]) medians; sentences, or nothing."""
    found = []
    top = middle.index[middle["log10_regret"] <= CEILING]
    share = middle["hypervolume"].round(12)
    others = share.drop(floors)
    if not known_front:
        found.append("its true front is unknown, so shares are of the box between the bounds and 1 is out of reach")
    if share.max() <= 0:
        found.append("nobody reached the box: the median run of every searcher dominates nothing of it")
    if any(name in top for name in floors):
        found.append(f"saturated: {baseline} is at the ceiling; a smaller budget would tell more")
    elif len(top) > 1:
        found.append(f"saturated: {', '.join(map(str, top))} are at the ceiling and not told apart at this budget")
    if not floors:
        found.append(f"{baseline} was not run, so the floor is unknown")
    elif len(others) and others.max() <= share[floors].max():
        found.append(f"no searcher has a better median than {baseline}")
    return "; ".join(found)
