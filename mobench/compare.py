"""Scores of a campaign's runs as tidy frames: one row a run, one row a pair, one row a searcher, and anytime curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobench.campaign import Campaign
from mobench.fronts import log10_regret
from mobench.problem import Array
from mobench.progress import Progress
from mobench.result import Result, load
from mobench.store import read_document

__all__ = ["STATES", "collect", "mean_ranks", "median_run", "resample", "run_state", "summarise"]

STATES = ("ended", "failed", "running", "missing")


def run_state(folder: Path) -> str:
    """``ended``, ``failed``, ``running`` (or interrupted: it has a log but no end) or ``missing``."""
    if (folder / "end.json").exists():
        return "failed" if read_document(folder / "end.json")["reason"] == "failed" else "ended"
    return "running" if (folder / "log.jsonl").exists() else "missing"


def collect(
    campaign: Campaign, runs: Path, *, axis: str = "evaluations", progress: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score every run of a campaign and trace it over its course.

    Parameters
    ----------
    campaign : Campaign
        Which runs, and the contract that scores them.
    runs : Path
        The campaign's ``runs`` folder.
    axis : str
        Currency of the curves.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    scores : pandas.DataFrame
        One row a run, none left out: problem, searcher, seed, state, error, the ledger at its end, and for runs that
        ended the measures of the contract (NaN otherwise).
    curves : pandas.DataFrame
        Problem, searcher, seed, `axis`, ``hypervolume``, ``log10_regret``: a row wherever an ended run's share changes.
    """
    rows, curves = [], []
    with Progress(len(campaign.specs), unit="score", show=progress) as bar:
        for spec in campaign.specs:
            pair = {"problem": spec.problem_label, "searcher": spec.searcher_label, "seed": spec.seed}
            folder = runs / spec.folder
            row: dict[str, Any] = {**pair, "state": run_state(folder), "error": "", "run": str(spec.folder)}
            if row["state"] in ("ended", "failed"):
                result = load(folder)
                row["error"] = result.error
                row |= result.history.total
                if row["state"] == "ended":
                    row |= result.measures(contract=campaign.contract)
                    curve = result.curve(axis=axis, contract=campaign.contract)
                    curves.append(
                        curve.assign(problem=spec.problem_label, searcher=spec.searcher_label, seed=spec.seed)
                    )
            rows.append(row)
            bar.advance()
    columns = ["problem", "searcher", "seed", axis, "hypervolume", "log10_regret"]
    empty = pd.DataFrame(columns=columns)
    scores = pd.DataFrame(rows)
    for measure in ("hypervolume", "log10_regret"):
        if measure not in scores:
            scores[measure] = np.nan
    return scores, pd.concat(curves, ignore_index=True)[columns] if curves else empty


def summarise(scores: pd.DataFrame) -> pd.DataFrame:
    """One row a (problem, searcher) pair: median and quartiles of the share, median log10 regret, rank, runs by state.

    Searchers are ranked on each problem by the mean share over their ended runs (1 is best, ties share a rank).
    """
    rows = []
    for (problem, searcher), group in scores.groupby(["problem", "searcher"], sort=False):
        share = group["hypervolume"].dropna()
        low, median, high = share.quantile([0.25, 0.5, 0.75]) if len(share) else [np.nan] * 3
        row = {"problem": problem, "searcher": searcher, "median": median, "q25": low, "q75": high}
        row |= {"mean": share.mean() if len(share) else np.nan, "log10_regret": group["log10_regret"].median()}
        rows.append(row | {state: int((group["state"] == state).sum()) for state in STATES})
    table = pd.DataFrame(rows)
    table["rank"] = table.groupby("problem")["mean"].rank(ascending=False)
    return table


def mean_ranks(summary: pd.DataFrame) -> pd.DataFrame:
    """One row a searcher, best first: its mean rank over the problems, and its runs by state."""
    grouped = summary.groupby("searcher", sort=False)
    table = grouped.agg(mean_rank=("rank", "mean"), problems=("rank", "count"), **{s: (s, "sum") for s in STATES})
    return table.sort_values("mean_rank", kind="stable").reset_index()


def resample(curves: pd.DataFrame, axis: str, grid: Array) -> dict[str, Array]:
    """Each searcher's curves of one problem on a common grid, the last value carried forward.

    Parameters
    ----------
    curves : pandas.DataFrame
        Rows of one problem, as `collect` returns them.
    axis : str
        The currency.
    grid : Array
        (g,) amounts, ascending.

    Returns
    -------
    dict of str to Array
        Searcher to (seeds, g) log10 regrets; 0 (nothing found) before a run's first answer.
    """
    found = {}
    for searcher, group in curves.groupby("searcher", sort=False):
        lines = []
        for _, run in group.groupby("seed", sort=True):
            at = np.searchsorted(run[axis].to_numpy(), grid, side="right")
            lines.append(np.concatenate([log10_regret([0.0]), run["log10_regret"].to_numpy()])[at])
        found[str(searcher)] = np.array(lines)
    return found


def median_run(campaign: Campaign, runs: Path, scores: pd.DataFrame, pair: tuple[str, str]) -> Result | None:
    """The ended run of a (problem, searcher) pair whose share is the (lower) median; None where none ended."""
    group = scores[(scores["problem"] == pair[0]) & (scores["searcher"] == pair[1]) & (scores["state"] == "ended")]
    if group.empty:
        return None
    chosen = group.sort_values(["hypervolume", "seed"]).iloc[(len(group) - 1) // 2]
    return load(runs / str(chosen["run"]))
