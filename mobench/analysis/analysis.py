"""What the logs of campaigns say, as frames: scores, curves, medians, ranks, comparisons, fronts, running times."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mobench.analysis.advice import advise
from mobench.analysis.collect import mean_ranks, median_seeds, summarise
from mobench.analysis.constants import contracts_of
from mobench.analysis.difficulty import difficulty
from mobench.analysis.measures import HYPERVOLUME, MARGIN, Measure, natural
from mobench.analysis.open_runs import open_runs
from mobench.analysis.provenance import ends, streams_alike
from mobench.analysis.replication import replicate
from mobench.analysis.shared import shared
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.analysis.statistics import comparable, interquartile_means, matrices, medians
from mobench.analysis.targets import runtimes
from mobench.analysis.verification import stamps
from mobench.campaigns.study import OVER, Study
from mobench.core.limits import true_front
from mobench.core.problem import Problem
from mobench.core.space import Array
from mobench.plugins.catalogue import make_problem
from mobench.scoring.contract import Contract
from mobench.scoring.front import best_first, judged, tabulate
from mobench.scoring.outcome import Outcome

__all__ = ["TRUE_FRONT", "Analysis"]

PAIR = ("problem", "searcher")

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
    measure : Measure
        What tables and tests are about.
    margin : float
        Means of it that differ by less count as equal.
    """

    study: Study
    axis: str
    scores: pd.DataFrame
    curves: pd.DataFrame
    outcomes: dict[tuple[str, str, int], Outcome]
    everyone: tuple[str, ...]
    measure: Measure = HYPERVOLUME
    margin: float = MARGIN

    @cached_property
    def over(self) -> bool:
        """Whether any run ended or failed, so that there is something to compare."""
        return bool(self.scores["state"].isin(OVER).any())

    @cached_property
    def budget(self) -> float:
        """What a run may spend of the currency; what the dearest spent where the budget is in another one."""
        return float(self.study.budget.get(self.axis, self.scores[self.axis].max()))

    @cached_property
    def matrices(self) -> dict[str, pd.DataFrame]:
        """Searcher to its scores by the measure, seeds x problems, more is better."""
        return matrices(self.scores, self.measure)

    @cached_property
    def alike(self) -> bool:
        """Whether runs of one seed may be alike on different problems."""
        return streams_alike(self.ends)

    @cached_property
    def left_out(self) -> list[str]:
        """What cannot be compared over problems, a sentence each: see `mobench.analysis.statistics.comparable`."""
        return comparable(self.matrices)[1]

    @cached_property
    def shared(self) -> list[str]:
        """What several problems share, a sentence each: see `mobench.analysis.shared.shared`."""
        return shared({label: self.problem(label) for label in self.contracts})

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row a pair: `mobench.analysis.collect.summarise`, and low, high and confidence of the median's interval."""
        found = natural(medians(self.matrices), "median", self.measure)
        bounds = found[["problem", "searcher", "low", "high", "confidence"]]
        return summarise(self.scores, self.measure).merge(bounds, how="left", on=["problem", "searcher"])

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """A row a searcher: mean rank, interquartile mean with interval, and runs by state."""
        found = natural(interquartile_means(self.matrices, self.measure), "iqm", self.measure)
        iqm = found[["searcher", "iqm", "low", "high", "confidence"]]
        return mean_ranks(self.summary).merge(iqm, how="left", on="searcher")

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """A row a pair of searchers: see `mobench.analysis.significance.pairwise`."""
        return pairwise(self.matrices, alike=self.alike, **self._tested)

    @cached_property
    def pairs_on_each(self) -> pd.DataFrame:
        """A row a pair of searchers on each problem: see `mobench.analysis.significance.on_each_problem`."""
        return on_each_problem(self.matrices, **self._tested)

    @property
    def _tested(self) -> dict[str, Any]:
        """What tests are told beside scores."""
        return {"margin": self.margin, "worlds": self.replications, "open_runs": open_runs(self.scores)}

    @cached_property
    def replications(self) -> dict[str, dict[str, Array]]:
        """What runs would have scored under other trainings: see `mobench.analysis.replication.replicate`."""
        runs: dict[str, dict[tuple[str, int], Outcome]] = {}
        for (label, searcher, seed), outcome in self.outcomes.items():
            runs.setdefault(label, {})[searcher, seed] = outcome
        found = {
            label: replicate(self.problem(label), self.contracts[label], mine, self.measure)
            for label, mine in runs.items()
        }
        return {label: worlds for label, worlds in found.items() if worlds is not None}

    @cached_property
    def advice(self) -> pd.DataFrame:
        """The best searcher of each problem at parts of the budget: see `mobench.analysis.advice.advise`."""
        return advise(
            self.scores,
            self.curves,
            axis=self.axis,
            budget=self.budget,
            measure=self.measure,
            margin=self.margin,
        )

    @cached_property
    def difficulty(self) -> pd.DataFrame:
        """What each problem can tell: see `mobench.analysis.difficulty.difficulty`."""
        return difficulty(self.scores, plain=self.study.plain)

    @cached_property
    def runtimes(self) -> pd.DataFrame:
        """When each run reached each target: see `mobench.analysis.targets.runtimes`."""
        return runtimes(self.scores, self.curves, axis=self.axis)

    @cached_property
    def ends(self) -> pd.DataFrame:
        """How runs that are scored ended: see `mobench.analysis.provenance.ends`."""
        study = self.study
        found = ends(itertools.compress(study.runs, (study.key(spec) in self.outcomes for spec, _ in study.runs)))
        return found.assign(**{c: found[c].map(lambda label: study.names.get(label, label)) for c in PAIR})

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The contract of each problem that any run has been scored on."""
        scored = set(self.scores.loc[self.scores["state"].isin(OVER), "problem"])
        problems = {label: given for label, given in self.study.problems.items() if label in scored}
        return contracts_of(problems, self.study.contract)

    @cached_property
    def stamps(self) -> list[tuple[Path, str]]:
        """Whether the campaigns were verified: see `mobench.analysis.verification.stamps`."""
        return stamps(self.study)

    def problem(self, label: str) -> Problem:
        """The problem of a label."""
        return make_problem(*self.study.problems[label])

    @cached_property
    def medians(self) -> dict[tuple[str, str], Outcome]:
        """(problem, searcher) to the outcome of its run of median share, where one is over."""
        return {pair: self.outcomes[*pair, seed] for pair, seed in median_seeds(self.scores).items()}

    def fronts(self, problem: str) -> dict[str, pd.DataFrame]:
        """The true front, where it is known, and what each searcher's median run delivered.

        Returns
        -------
        dict of str to pandas.DataFrame
            Searcher or `TRUE_FRONT` to ``architecture``, a column an objective (as scored), and for searchers the first
            objective as seen, when the architecture was found and whether it is nondominated (and feasible, where there
            are limits) once scored.
        """
        built = self.problem(problem)
        truth = true_front(built)
        sets = {} if truth is None else {TRUE_FRONT: tabulate(built, *truth)}
        for searcher in self.study.searchers:
            if (outcome := self.medians.get((problem, searcher))) is not None:
                sets[searcher] = _delivered(built, outcome, self.axis)
        return sets


def _delivered(problem: Problem, outcome: Outcome, axis: str) -> pd.DataFrame:
    """A run's front, best first objective first, with what the searcher knew of each architecture."""
    frame = judged(tabulate(problem, outcome.X, outcome.F), outcome.F, problem.objectives)
    frame[f"{problem.objectives[0].name} as seen"] = outcome.seen
    frame[f"{axis} when found"] = outcome.found
    return best_first(frame, problem)
