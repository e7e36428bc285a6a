"""What the logs of campaigns say, as frames: scores, curves, medians, ranks, comparisons, fronts, running times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from mobench.analysis.advice import advise
from mobench.analysis.collect import collect, mean_ranks, median_seeds, summarise
from mobench.analysis.difficulty import difficulty
from mobench.analysis.provenance import ends
from mobench.analysis.significance import pairwise
from mobench.analysis.statistics import comparable, interquartile_means, matrices, medians
from mobench.analysis.targets import runtimes
from mobench.campaigns.study import Study, read_study, select
from mobench.core.capabilities import Enumerable
from mobench.core.indicators import nondominated
from mobench.core.problem import Problem
from mobench.plugins.catalogue import make_problem
from mobench.scoring.front import best_first, tabulate
from mobench.scoring.outcome import Outcome

__all__ = ["TRUE_FRONT", "Analysis", "read_analysis"]

TRUE_FRONT = "true front"
"""What stands for the problem among searchers."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """What the logs of campaigns say, as frames.

    Attributes
    ----------
    study : Study
        Which runs it is about.
    axis : str
        The currency of budgets and curves.
    scores, curves, outcomes
        As `mobench.analysis.collect.collect` returns them.
    everyone : tuple of str
        All searchers of the campaigns, those that are left out here too: what colours go by.
    """

    study: Study
    axis: str
    scores: pd.DataFrame
    curves: pd.DataFrame
    outcomes: dict[tuple[str, str, int], Outcome]
    everyone: tuple[str, ...]

    @cached_property
    def ended(self) -> bool:
        """Whether any run ended, so that there is something to compare."""
        return bool((self.scores["state"] == "ended").any())

    @cached_property
    def budget(self) -> float:
        """What a run may spend of the currency; what the dearest spent where the budget is in another one."""
        return float(self.study.budget.get(self.axis, self.scores[self.axis].max()))

    @cached_property
    def matrices(self) -> dict[str, pd.DataFrame]:
        """Searcher to its shares, seeds x problems."""
        return matrices(self.scores)

    @cached_property
    def left_out(self) -> list[str]:
        """What cannot be compared over problems, a sentence each: see `mobench.analysis.statistics.comparable`."""
        return comparable(self.matrices)[1]

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row a pair: `mobench.analysis.collect.summarise` with the interval of the median, ``low`` and ``high``."""
        bounds = medians(self.matrices)[["problem", "searcher", "low", "high"]]
        return summarise(self.scores).merge(bounds, how="left", on=["problem", "searcher"])

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """A row a searcher: mean rank, interquartile mean with interval, and runs by state."""
        iqm = interquartile_means(self.matrices)[["searcher", "iqm", "low", "high"]]
        return mean_ranks(self.summary).merge(iqm, how="left", on="searcher")

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """A row a pair of searchers: see `mobench.analysis.significance.pairwise`."""
        return pairwise(self.matrices).astype({"significant": bool})  # of no pairs, too

    @cached_property
    def advice(self) -> pd.DataFrame:
        """The best searcher of each problem at parts of the budget: see `mobench.analysis.advice.advise`."""
        return advise(self.scores, self.curves, axis=self.axis, budget=self.budget)

    @cached_property
    def difficulty(self) -> pd.DataFrame:
        """What each problem can tell: see `mobench.analysis.difficulty.difficulty`."""
        return difficulty(self.scores)

    @cached_property
    def runtimes(self) -> pd.DataFrame:
        """When each run reached each target: see `mobench.analysis.targets.runtimes`."""
        return runtimes(self.scores, self.curves, axis=self.axis)

    @cached_property
    def ends(self) -> pd.DataFrame:
        """How runs ended: see `mobench.analysis.provenance.ends`."""
        return ends(self.study)

    def problem(self, label: str) -> Problem:
        """The problem of a label."""
        return make_problem(*self.study.problems[label])

    @cached_property
    def medians(self) -> dict[tuple[str, str], Outcome]:
        """(problem, searcher) to the outcome of its run of median share, where one has ended."""
        return {pair: self.outcomes[*pair, seed] for pair, seed in median_seeds(self.scores).items()}

    def fronts(self, problem: str) -> dict[str, pd.DataFrame]:
        """The true front, where it is known, and what each searcher's median run delivered.

        Returns
        -------
        dict of str to pandas.DataFrame
            Searcher or `TRUE_FRONT` to ``architecture``, a column an objective (as scored), and for searchers the first
            objective as seen, when the architecture was found and whether it is nondominated once scored.
        """
        built = self.problem(problem)
        sets = {TRUE_FRONT: tabulate(built, *built.front())} if isinstance(built, Enumerable) else {}
        for searcher in self.study.searchers:
            if (outcome := self.medians.get((problem, searcher))) is not None:
                sets[searcher] = _delivered(built, outcome, self.axis)
        return sets


def read_analysis(
    folders: Sequence[str | Path],
    *,
    problems: Sequence[str] = (),
    searchers: Sequence[str] = (),
    axis: str = "",
    progress: bool = False,
) -> Analysis:
    """Read and score the runs of results folders, finished or not.

    Parameters
    ----------
    folders : sequence of path
        See `mobench.campaigns.study.read_study`.
    problems, searchers : sequence of str
        Labels of what to keep; everything where empty.
    axis : str
        Currency of costs; the budget's where empty.
    progress : bool
        Whether to show progress on standard error.

    Raises
    ------
    FileNotFoundError, ValueError
        There are no runs, they may not be compared, or a label is unknown (the nearest is offered).
    """
    whole = read_study(folders)
    study = select(whole, problems=problems, searchers=searchers)
    axis = axis or next(iter(study.budget))
    return Analysis(study, axis, *collect(study, axis=axis, progress=progress), everyone=whole.searchers)


def _delivered(problem: Problem, outcome: Outcome, axis: str) -> pd.DataFrame:
    """A run's front, best first objective first, with what the searcher knew of each architecture."""
    frame = tabulate(problem, outcome.X, outcome.F)
    frame["nondominated"] = nondominated(outcome.F, problem.objectives)
    frame[f"{problem.objectives[0].name} as seen"] = outcome.seen
    frame[f"{axis} when found"] = outcome.found
    return best_first(frame, problem)
