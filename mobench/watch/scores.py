"""Runs scored while they go on: curves and fronts of the problems that somebody looks at, a little at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mobench.campaigns.campaign import Campaign
from mobench.campaigns.record import check_problem_files
from mobench.core.budget import on_axis
from mobench.core.capabilities import Enumerable, Slow
from mobench.core.indicators import nondominated
from mobench.core.limits import within
from mobench.core.messages import one_line
from mobench.core.problem import Problem, minimised
from mobench.core.space import Array
from mobench.harness.spec import RunSpec
from mobench.plugins.catalogue import make_problem
from mobench.scoring.contract import Contract
from mobench.scoring.load import load
from mobench.scoring.result import Result
from mobench.watch.feed import Entry

__all__ = ["MOST_RUNS", "Scored", "Scores", "is_scored"]

SECONDS = 0.25
"""Of computing that one look may take for scores, the one that it is at included."""
REST = 50
"""A run that goes on is scored again; then none for so many times as long as that took."""
MOST_RUNS = 100
"""So many runs of each pair are scored, the first that have begun."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A run as far as it had come when it was scored.

    Attributes
    ----------
    seed : int
        The run's.
    state : str
        The run's, then.
    at : float
        When its log had changed last, as the run was scored.
    spent : float
        How much of the axis.
    F : Array
        (k, m) values of what it delivers, as scored; where nothing is scored, as its searcher saw them.
    amounts, shares : Array
        (n,) where its share of hypervolume changes, and to what; empty where nothing is scored.
    """

    seed: int
    state: str
    at: float
    spent: float
    F: Array
    amounts: Array
    shares: Array


class Scores:
    """Scores of a campaign's runs, kept from look to look.

    A score is computed where the true front is known and looking an architecture up costs no training; of other
    problems the front is what the searcher saw. Problems of the user's are executed where he has named their files.

    Parameters
    ----------
    campaign : Campaign
        Whose runs they are.
    """

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.axis = next(iter(campaign.budget))
        self.runs: dict[Entry, Scored] = {}
        self.faults: dict[str, str] = {}
        self._faulty: dict[Entry, str] = {}
        self._next = 0.0
        self._contracts: dict[str, dict[str, Contract]] = {}

    def problem(self, spec: RunSpec) -> Problem:
        """The problem of a run.

        Raises
        ------
        ValueError
            It cannot be built here, or is a file that the user has not named.
        """
        check_problem_files(replace(self.campaign, problems=((spec.problem, dict(spec.problem_options)),)))
        return make_problem(spec.problem, spec.problem_options)

    def score(self, entries: Iterable[Entry]) -> None:
        """Score what has changed of some runs: what is over and what is new, as much as fits into a look, and one
        that goes on where it is time for that.
        """
        began, late = time.process_time(), list[Entry]()
        for entry in self._first(entries):
            known = self.runs.get(entry)
            if known is not None and known.state == entry.state:
                late += [entry] * (entry.state == "running")
            elif time.process_time() - began > SECONDS:
                return
            else:
                self._try(entry)
        late = [entry for entry in late if self.runs[entry].at != _changed(entry)]
        if late and time.monotonic() >= self._next:
            started = time.process_time()
            self._try(min(late, key=lambda entry: self.runs[entry].at))
            self._next = time.monotonic() + REST * (time.process_time() - started)

    def _first(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Runs that have begun, the first of each searcher."""
        taken = Counter[str]()
        for entry in entries:
            if entry.state == "waiting" or taken[entry.spec.searcher_label] == MOST_RUNS:
                continue
            taken[entry.spec.searcher_label] += 1
            if self._faulty.get(entry) != entry.state:
                yield entry

    def _try(self, entry: Entry) -> None:
        try:
            self.runs[entry] = self._scored(entry)
        except Exception as error:  # noqa: BLE001 - a problem of the user's may raise anything; the page says so
            self.faults[entry.spec.problem_label] = one_line(error)
            self._faulty[entry] = entry.state

    def _scored(self, entry: Entry) -> Scored:
        spec, name = entry.spec, self.campaign.contract
        state, at, problem = entry.state, _changed(entry), self.problem(spec)
        result = replace(
            load(entry.folder, expected=spec), _contracts=self._contracts.setdefault(spec.problem_label, {})
        )
        spent = float(on_axis(problem.training, result.history.total, self.axis))
        if not is_scored(problem):
            return Scored(spec.seed, state, at, spent, _seen(result), np.empty(0), np.empty(0))
        curve = result.curve(axis=self.axis, contract=name)
        amounts, shares = (curve[column].to_numpy(dtype=np.float64) for column in (self.axis, "hypervolume"))
        return Scored(spec.seed, state, at, spent, result.scored(contract=name)[1], amounts, shares)


def is_scored(problem: Problem) -> bool:
    """Whether its front is known, and scoring costs no training."""
    return isinstance(problem, Enumerable) and not isinstance(problem, Slow)


def _changed(entry: Entry) -> float:
    """When the log of a run was written last; 0 where it is gone."""
    try:
        return (entry.folder / "log.jsonl").stat().st_mtime
    except OSError:
        return 0.0


def _seen(result: Result) -> Array:
    """The front of what a searcher saw at the full fidelity, (k, m) in natural units."""
    F = result.history.F[result.history.fidelity == 0]
    objectives = result.problem.objectives
    front: Array = F[nondominated(F, objectives)]
    return front[within(minimised(front, objectives), objectives)]
