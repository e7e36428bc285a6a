"""When searchers reach given qualities: runtimes to targets, their distribution, and expected running times.

A target is a relative gap: the share of the true front's hypervolume that may still be missing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobench.core.space import Array

__all__ = ["TARGETS", "ecdf", "expected_running_times", "runtimes"]

TARGETS: Array = 10.0 ** (-np.arange(1, 21) / 5)
"""Gaps from 10^-0.2 (63 % missing) to 10^-4, five a decade, the same for every problem."""


def runtimes(
    scores: pd.DataFrame, curves: pd.DataFrame, *, axis: str = "evaluations", targets: Array = TARGETS
) -> pd.DataFrame:
    """When each run first delivered a set within each target's gap.

    Runs that failed count for what they reached before; runs that are missing or still running are not there to be
    counted.

    Parameters
    ----------
    scores, curves : pandas.DataFrame
        As `mobench.analysis.collect.collect` returns them, the curves over `axis`.
    axis : str
        A currency of the ledger, or ``trainings``.
    targets : Array
        (t,) gaps.

    Returns
    -------
    pandas.DataFrame
        A row a run and target: problem, searcher, seed, target, runtime (amount of `axis`; NaN where the run never
        got there) and spent (what the whole run cost).

    Raises
    ------
    ValueError
        The curves are over another axis.
    """
    if axis not in curves:
        raise ValueError(f"axis: these curves have no {axis!r}; collect them with axis={axis!r}")
    keys = ["problem", "searcher", "seed"]
    lines = dict(iter(curves.groupby(keys, sort=False)))
    runs = scores[scores["state"].isin(["ended", "failed"])]
    reached = np.full((len(runs), len(targets)), np.nan)
    for row, run in enumerate(runs[keys].itertuples(index=False, name=None)):
        if (line := lines.get(run)) is not None:
            best = np.minimum.accumulate(1.0 - line["hypervolume"].to_numpy(dtype=np.float64))
            first = np.searchsorted(-best, -np.asarray(targets) - 1e-12)  # the first row whose gap is small enough
            known = first < len(best)
            reached[row, known] = line[axis].to_numpy(dtype=np.float64)[first[known]]
    table = runs[keys].iloc[np.arange(len(runs)).repeat(len(targets))].reset_index(drop=True)
    spent = runs[axis].to_numpy(dtype=np.float64).repeat(len(targets))
    return table.assign(target=np.tile(targets, len(runs)), runtime=reached.ravel(), spent=spent)


def ecdf(times: pd.DataFrame) -> pd.DataFrame:
    """Which part of all (problem, target, run) triples each searcher has solved, by what was spent on a run.

    Problems weigh the same, however many of their runs ended. Only problems that every searcher has runs on count.

    Parameters
    ----------
    times : pandas.DataFrame
        As `runtimes` returns them.

    Returns
    -------
    pandas.DataFrame
        Steps of a right-continuous function: searcher, runtime, solved, problems, runs; a row at each runtime at which
        a triple is solved, and a last one at the largest amount that any of the searcher's runs spent.
    """
    parts = []
    for searcher, group in _shared(times).groupby("searcher", sort=False):
        problems = group["problem"].nunique()
        weights = 1.0 / group.groupby("problem")["runtime"].transform("size") / problems
        steps = weights[group["runtime"].notna()].groupby(group["runtime"]).sum().cumsum()
        at, solved = steps.index.to_numpy(dtype=np.float64), steps.to_numpy(dtype=np.float64)
        end = float(group["spent"].max())
        if not len(at) or end > at[-1]:
            at, solved = np.append(at, end), np.append(solved, solved[-1:] if len(solved) else 0.0)
        part = pd.DataFrame({"searcher": searcher, "runtime": at, "solved": solved})
        runs = len(group.groupby(["problem", "seed"]))
        parts.append(part.assign(problems=problems, runs=runs))
    columns = ["searcher", "runtime", "solved", "problems", "runs"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _shared(times: pd.DataFrame) -> pd.DataFrame:
    """The rows of problems on which every searcher has runs."""
    counts = times.groupby("problem")["searcher"].nunique()
    return times[times["problem"].map(counts) == times["searcher"].nunique()]


def expected_running_times(times: pd.DataFrame) -> pd.DataFrame:
    """What reaching each target costs when a run that missed it is followed by another one.

    Everything spent by all runs, up to the target where they reached it, over the number of runs that did
    (Auger and Hansen 2005).

    Parameters
    ----------
    times : pandas.DataFrame
        As `runtimes` returns them.

    Returns
    -------
    pandas.DataFrame
        Problem, searcher, target, ert (infinite where no run reached it), reached, runs.
    """
    paid = times.assign(paid=times["runtime"].fillna(times["spent"]))
    grouped = paid.groupby(["problem", "searcher", "target"], sort=False)
    table = grouped.agg(paid=("paid", "sum"), reached=("runtime", "count"), runs=("runtime", "size")).reset_index()
    ert = np.where(table["reached"] > 0, table["paid"] / table["reached"].clip(lower=1), np.inf)
    return table.assign(ert=ert)[["problem", "searcher", "target", "ert", "reached", "runs"]]
