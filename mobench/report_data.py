"""What the logs of campaigns say, as frames: scores, curves, medians, ranks, comparisons, and median runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobench.advice import advise
from mobench.capabilities import Decodable, Enumerable
from mobench.compare import collect, mean_ranks, median_run, summarise
from mobench.difficulty import difficulty
from mobench.page_fronts import TRUE_FRONT
from mobench.plot_style import palette
from mobench.plugins import make_problem
from mobench.problem import Problem
from mobench.provenance import ends
from mobench.result import Result, on_axis
from mobench.runs import Runs, merge
from mobench.significance import pairwise
from mobench.statistics import interquartile_means, matrices, medians

__all__ = ["Report", "numbers", "read_report"]


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that a report says, as frames.

    Attributes
    ----------
    runs : Runs
        Which runs it is about.
    axis : str
        The currency of budgets and curves.
    scores, curves : pandas.DataFrame
        As `mobench.compare.collect` returns them.
    """

    runs: Runs
    axis: str
    scores: pd.DataFrame
    curves: pd.DataFrame

    @cached_property
    def ended(self) -> bool:
        """Whether any run ended, so that there is something to compare."""
        return bool((self.scores["state"] == "ended").any())

    @cached_property
    def budget(self) -> float:
        """What a run may spend of the currency; what the dearest spent where the budget is in another one."""
        return float(self.runs.budget.get(self.axis, self.scores[self.axis].max()))

    @cached_property
    def colours(self) -> dict[str, Any]:
        """One colour a searcher."""
        return palette(list(self.runs.searchers))

    @cached_property
    def matrices(self) -> dict[str, pd.DataFrame]:
        """Searcher to its shares, seeds x problems."""
        return matrices(self.scores)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row a pair: `mobench.compare.summarise` with the interval of the median, ``low`` and ``high``."""
        bounds = medians(self.matrices)[["problem", "searcher", "low", "high"]]
        return summarise(self.scores).merge(bounds, how="left", on=["problem", "searcher"])

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """A row a searcher: mean rank, interquartile mean with interval, and runs by state."""
        iqm = interquartile_means(self.matrices)[["searcher", "iqm", "low", "high"]]
        return mean_ranks(self.summary).merge(iqm, how="left", on="searcher")

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """A row a pair of searchers: see `mobench.significance.pairwise`."""
        return pairwise(self.matrices).astype({"significant": bool})  # of no pairs, too

    @cached_property
    def advice(self) -> pd.DataFrame:
        """The best searcher of each problem at parts of the budget: see `mobench.advice.advise`."""
        return advise(self.scores, self.curves, axis=self.axis, budget=self.budget)

    @cached_property
    def difficulty(self) -> pd.DataFrame:
        """What each problem can tell: see `mobench.difficulty.difficulty`."""
        return difficulty(self.scores)

    @cached_property
    def ends(self) -> pd.DataFrame:
        """How runs ended: see `mobench.provenance.ends`."""
        return ends(self.runs)

    def problem(self, label: str) -> Problem:
        """The problem of a label."""
        return make_problem(*self.runs.problems[label])

    @cached_property
    def median_runs(self) -> dict[tuple[str, str], Result]:
        """(problem, searcher) to its ended run of median share."""
        pairs = ((p, s) for p in self.runs.problems for s in self.runs.searchers)
        return {pair: run for pair in pairs if (run := median_run(self.runs, self.scores, pair)) is not None}

    def fronts(self, problem: str) -> dict[str, pd.DataFrame]:
        """The true front, where it is known, and what each searcher's median run delivered.

        Returns
        -------
        dict of str to pandas.DataFrame
            Searcher or `TRUE_FRONT` to ``architecture``, a column an objective (as scored), and for searchers the first
            objective as seen, when the architecture was found and whether it is nondominated once scored.
        """
        built = self.problem(problem)
        sets = {TRUE_FRONT: _true_front(built)} if isinstance(built, Enumerable) else {}
        for searcher in self.runs.searchers:
            if (run := self.median_runs.get((problem, searcher))) is not None:
                sets[searcher] = _delivered(run, self.runs.contract, self.axis)
        return sets


def read_report(folders: Sequence[str | Path], *, axis: str = "", progress: bool = False) -> Report:
    """Read and score the runs of results folders; the parameters are those of `mobench.report.write_report`."""
    runs = merge(folders)
    axis = axis or next(iter(runs.budget))
    scores, curves = collect(runs, axis=axis, progress=progress)
    return Report(runs, axis, scores, curves)


def _true_front(problem: Any) -> pd.DataFrame:
    X, F = problem.front()
    texts = problem.decode(X) if isinstance(problem, Decodable) else [str(x) for x in X.tolist()]
    frame = pd.DataFrame({"architecture": pd.Series(texts, dtype=str)})
    for objective, column in zip(problem.objectives, F.T, strict=True):
        frame[objective.name] = column
    return frame


def _delivered(run: Result, contract: str, axis: str) -> pd.DataFrame:
    """A run's front with what the searcher knew of each architecture: its first objective as seen, and when."""
    front = run.front(contract=contract)
    history, names = run.history, [o.name for o in run.problem.objectives]
    full = np.flatnonzero(history.fidelity == 0)
    first = {key: row for row, key in zip(full[::-1].tolist(), map(tuple, history.X[full[::-1]].tolist()), strict=True)}
    rows = [first.get(tuple(x)) for x in front[list(run.problem.space.names)].to_numpy().tolist()]
    amounts = on_axis(run.problem, history.spent, axis)
    seen = [np.nan if row is None else float(history.F[row, 0]) for row in rows]
    found = [np.nan if row is None else float(amounts[row]) for row in rows]
    return front[["architecture", *names, "nondominated"]].assign(
        **{f"{names[0]} as seen": seen, f"{axis} when found": found}
    )


def numbers(content: Any) -> dict[str, float]:
    """The finite numbers of a record."""
    return {
        str(key): float(value)
        for key, value in content.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
    }
