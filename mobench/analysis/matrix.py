"""The matrix of a paper: an estimate of every searcher on every problem, the best of each, and who may be as good."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobench.analysis.measures import HYPERVOLUME, Measure, natural
from mobench.analysis.statistics import Matrices, interquartile_means, matrices, medians
from mobench.campaigns.study import STATES

__all__ = ["STATISTICS", "matrix", "measured"]

STATISTICS = {"median": "median", "iqm": "interquartile mean", "mean": "mean and standard deviation"}
"""What a cell can be, and what readers call it."""

VERDICT = ["problem", "better", "worse", "verdict"]

COLUMNS = ["problem", "searcher", "value", "low", "high", "confidence", "deviation", "runs"]


def matrix(
    scores: pd.DataFrame, tests: pd.DataFrame, *, measure: Measure = HYPERVOLUME, statistic: str = "median"
) -> pd.DataFrame:
    """An estimate of each searcher on each problem, with what the verdicts say of it beside the best.

    The statistic says who is best; tests and the margin of equality, which are about runs and means whatever the
    statistic, say who is shown to be worse.

    Parameters
    ----------
    scores : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them.
    tests : pandas.DataFrame
        Verdicts on the same measure: see `mobench.analysis.significance.on_each_problem`.
    measure : Measure
        A column of `scores`.
    statistic : str
        One of `STATISTICS`.

    Returns
    -------
    pandas.DataFrame
        A row a pair: problem, searcher, value, low, high and confidence of its interval (none of a mean), deviation
        (of a mean), runs, standing, size (median of the delivered set) and failed. Standing is ``best``, ``equal`` to
        the best within the margin, ``open`` (not shown to be worse than it) or ``worse``; empty where there is nothing
        to compare, or where the best reaches nothing.
    """
    table = natural(_estimates(matrices(scores, measure), statistic, measure), "value", measure)
    shown = {(str(p), str(a), str(b)): str(v) for p, a, b, v in tests[VERDICT].itertuples(index=False)}
    standing = pd.Series("", index=table.index)
    for problem, rows in table.dropna(subset="value").groupby("problem", sort=False):
        for place, word in _standings(str(problem), rows, shown, measure).items():
            standing[place] = word
    counted = scores.assign(failed=scores["state"] == STATES[1], size=scores.get("size", np.nan))
    counts = counted.groupby(["problem", "searcher"], sort=False).agg(size=("size", "median"), failed=("failed", "sum"))
    return table.assign(standing=standing).merge(counts.reset_index(), how="left", on=["problem", "searcher"])


def measured(scores: pd.DataFrame, measure: Measure) -> bool:
    """Whether every run that has a share has this measure, too: distances need a known front."""
    shares = scores[HYPERVOLUME.name].notna()
    return measure.name in scores and bool(scores.loc[shares, measure.name].notna().all())


def _estimates(found: Matrices, statistic: str, measure: Measure) -> pd.DataFrame:
    """`COLUMNS` of every pair, more is better."""
    if statistic == "median":
        table = medians(found).rename(columns={"median": "value"})
    elif statistic == "iqm":
        each = [_iqms({s: m[[problem]] for s, m in found.items()}, measure) for problem in next(iter(found.values()))]
        table = pd.concat(each, ignore_index=True)
    else:
        rows = []
        for searcher, scored in found.items():
            for problem in scored:
                runs = scored[problem].dropna()
                mean = runs.mean() if len(runs) else np.nan
                deviation = runs.std() if len(runs) > 1 and np.isfinite(mean) else np.nan
                rows.append((problem, searcher, mean, np.nan, np.nan, 0.0, deviation, len(runs)))
        table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(deviation=table.get("deviation", np.nan))[COLUMNS]


def _iqms(here: Matrices, measure: Measure) -> pd.DataFrame:
    """Interquartile means on one problem; a searcher without a run there has none."""
    (problem,) = next(iter(here.values())).columns
    found = interquartile_means(here, measure).rename(columns={"iqm": "value"}).assign(problem=problem)
    everyone = pd.DataFrame({"problem": problem, "searcher": list(here)})
    table = everyone.merge(found.drop(columns="problems"), how="left", on=["problem", "searcher"])
    return table.fillna({"runs": 0, "confidence": 0.0}).astype({"runs": int})


def _standings(
    problem: str, rows: pd.DataFrame, shown: dict[tuple[str, str, str], str], measure: Measure
) -> dict[int, str]:
    """Row to standing, of the searchers with runs on one problem."""
    sign = 1.0 if measure.maximise else -1.0
    values = (sign * rows["value"]).round(12)
    if len(rows) < 2 or values.max() <= measure.span[0]:
        return {}
    best = list(rows.loc[values == values.max(), "searcher"])
    found: dict[int, str] = {}
    for place, searcher in rows["searcher"].items():
        against = [(shown.get((problem, b, searcher)), shown.get((problem, searcher, b))) for b in best]
        worse = all(verdict == "better" for verdict, _ in against)
        close = all("equal" in pair for pair in against)
        found[int(str(place))] = "best" if searcher in best else "worse" if worse else "equal" if close else "open"
    return found
