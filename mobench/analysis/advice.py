"""Which searcher to use on which problem at which budget, and from which others the runs do not tell it apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.measures import HYPERVOLUME, MARGIN, Measure, natural
from mobench.analysis.significance import on_each_problem
from mobench.analysis.statistics import matrices, medians
from mobench.campaigns.study import OVER

__all__ = ["advise", "scores_at"]

SHARES = (0.1, 0.3, 1.0)
"""Parts of the budget at which the question is asked."""

ROUNDING = 1e-9
"""Part of an amount by which another currency's, converted, may differ from it."""

COLUMNS = "problem spent best tied median low high confidence runs failed peers equal worse".split()


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
    reached = curves[curves[axis] <= amount * (1 + ROUNDING)].groupby(keys, sort=False)["hypervolume"].last()
    known = pd.MultiIndex.from_frame(scores[keys])
    values = reached.reindex(known).to_numpy(dtype=np.float64)
    return scores.assign(hypervolume=np.where(scores["state"].isin(OVER), np.nan_to_num(values), np.nan))


def advise(
    scores: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    axis: str,
    budget: float,
    measure: Measure = HYPERVOLUME,
    margin: float = MARGIN,
) -> pd.DataFrame:
    """The searchers of best median on each problem at parts of the budget, and who may be as good.

    Parameters
    ----------
    scores, curves : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them, the curves over `axis`.
    axis : str
        The curves' currency.
    budget : float
        What a run may spend of it.
    measure : Measure
        What medians are of; other ones than the hypervolume are known at the whole budget only.
    margin : float
        Means that differ by less count as equal.

    Returns
    -------
    pandas.DataFrame
        Problem, spent, best (all that share the best median, by name; empty where none has any worth), tied (how many
        they are), median, low, high and confidence of the interval, runs, failed (of all runs there), peers (the
        searchers that exact tests, Holm-corrected over the pairs of the problem, do not tell apart from it), equal
        (those that are so within `margin`) and worse (how many are shown to be).
    """
    whole = measure.name != HYPERVOLUME.name
    rows: list[dict[str, Any]] = []
    for amount in [share * budget for share in ((1.0,) if whole else SHARES)]:
        found = matrices(scores if whole else scores_at(scores, curves, axis=axis, amount=amount), measure)
        table, tests = medians(found).dropna(subset="median"), on_each_problem(found, margin=margin)
        for problem, lines in table.groupby("problem", sort=False):
            row = _best(lines, tests[tests["problem"] == problem], measure)
            failed = ((scores["problem"] == problem) & (scores["state"] == "failed")).sum()
            rows.append({"problem": problem, "spent": amount, "failed": int(failed)} | row)
    order = {problem: i for i, problem in enumerate(scores["problem"].unique())}
    frame = natural(pd.DataFrame(rows, columns=COLUMNS), "median", measure)
    return frame.sort_values(
        ["problem", "spent"], key=lambda c: c.map(order) if c.name == "problem" else c, ignore_index=True
    )


def _best(lines: pd.DataFrame, tests: pd.DataFrame, measure: Measure) -> dict[str, Any]:
    """Who has the best median of one problem's searchers, and how the others stand to them."""
    middle = lines["median"].round(12)
    top = lines[middle == middle.max()]
    row: dict[str, Any] = {"median": top["median"].iloc[0], "low": top["low"].min(), "high": top["high"].max()}
    row |= {"confidence": top["confidence"].min(), "runs": int(top["runs"].min())}
    if middle.max() <= measure.span[0]:  # nothing, or nothing but the worst there is
        return row | {"best": "", "tied": 0, "peers": "", "equal": "", "worse": 0}
    best = sorted(top["searcher"])
    others = sorted(set(lines["searcher"]) - set(best))
    shown = {(test.better, test.worse): test.verdict for test in tests.itertuples()}

    def equal_to(searcher: str, other: str) -> bool:
        return "equal" in (shown.get((searcher, other)), shown.get((other, searcher)))

    worse = [s for s in others if all(shown.get((b, s)) == "better" for b in best)]
    equal = [s for s in others if s not in worse and all(equal_to(b, s) for b in best)]
    peers = [s for s in others if s not in worse and s not in equal]
    text = "any other" if len(peers) > 1 and len(peers) == len(others) else ", ".join(peers)
    names = {"best": ", ".join(best), "tied": len(best), "peers": text, "equal": ", ".join(equal)}
    return row | names | {"worse": len(worse)}
