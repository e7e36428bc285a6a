"""Which searcher to use on which problem at which budget, and from which others the runs do not tell it apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobench.analysis.significance import on_each_problem
from mobench.analysis.statistics import matrices, medians

__all__ = ["advise", "scores_at"]

SHARES = (0.1, 0.3, 1.0)
"""Parts of the budget at which the question is asked."""


def scores_at(scores: pd.DataFrame, curves: pd.DataFrame, *, axis: str, amount: float) -> pd.DataFrame:
    """Scores as they stood when `amount` was spent: ``hypervolume`` replaced, 0 where nothing was found by then.

    Parameters
    ----------
    scores, curves : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them, the curves over `axis`.
    axis : str
        The curves' currency.
    amount : float
        Of it.
    """
    keys = ["problem", "searcher", "seed"]
    reached = curves[curves[axis] <= amount].groupby(keys, sort=False)["hypervolume"].last()
    known = pd.MultiIndex.from_frame(scores[keys])
    values = reached.reindex(known).to_numpy(dtype=np.float64)
    ended = scores["state"].to_numpy() == "ended"
    return scores.assign(hypervolume=np.where(ended, np.nan_to_num(values), np.nan))


def advise(scores: pd.DataFrame, curves: pd.DataFrame, *, axis: str, budget: float) -> pd.DataFrame:
    """The searcher of best median share on each problem at parts of the budget, and who may be as good.

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
    pandas.DataFrame
        Problem, spent, best (searcher), median (share of the true front's hypervolume), low, high (95 %), runs,
        peers (the searchers that Mann-Whitney tests, Holm-corrected over the campaign, do not tell apart from it) and
        worse (how many they do).
    """
    rows = []
    for share in SHARES:
        found = matrices(scores_at(scores, curves, axis=axis, amount=share * budget))
        table, tests = medians(found).dropna(subset="median"), on_each_problem(found)
        for problem, lines in table.groupby("problem", sort=False):
            best = lines.iloc[int(lines["median"].argmax())]
            here = tests[tests["problem"] == problem]
            won = here[here["better"] == best["searcher"]]
            beaten = {*won["a"], *won["b"]} - {best["searcher"]}
            peers = [s for s in lines["searcher"] if s != best["searcher"] and s not in beaten]
            text = "any other" if len(peers) > 1 and not beaten else ", ".join(peers)
            row = {"problem": problem, "spent": share * budget, "best": best["searcher"]}
            row |= {key: best[key] for key in ("median", "low", "high", "runs")}
            row |= {"peers": text, "worse": len(beaten)}
            rows.append(row)
    columns = ["problem", "spent", "best", "median", "low", "high", "runs", "peers", "worse"]
    frame = pd.DataFrame(rows, columns=columns)
    order = {problem: i for i, problem in enumerate(scores["problem"].unique())}
    return frame.sort_values(
        ["problem", "spent"], key=lambda c: c.map(order) if c.name == "problem" else c, ignore_index=True
    )
