"""Many runs as frames: of a results folder, or of seeds that were run in Python."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from mobench.analysis.collect import framed, score, summarise
from mobench.analysis.convergence import with_areas
from mobench.analysis.frames import KEYS, evaluation_columns, evaluation_rows, front_rows, wide
from mobench.analysis.measures import HYPERVOLUME, MEASURES
from mobench.analysis.reading import NO_LABELS, read_analysis
from mobench.campaigns.study import Study, run_state
from mobench.core.budget import AXES
from mobench.core.messages import check_known
from mobench.core.problem import Problem
from mobench.harness.sealed import DamagedRunError
from mobench.plugins.catalogue import make_problem
from mobench.scoring.contracts import CONTRACTS
from mobench.scoring.load import load as load_run
from mobench.scoring.outcome import Outcome, outcome_of
from mobench.scoring.result import Result

__all__ = ["Results", "results_in", "results_of"]

Keyed = tuple[Mapping[str, Any], Result]
"""Problem, searcher and seed of a run, and the run."""


@dataclass(frozen=True)
class _Scored:
    """What scoring makes of runs."""

    scores: pd.DataFrame
    curves: pd.DataFrame
    outcomes: Mapping[tuple[str, str, int], Outcome]
    problems: Mapping[str, Problem]
    runs: Callable[[], Iterator[Keyed]]


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """Runs as frames of pandas, each made when it is first asked for.

    Attributes
    ----------
    source : str
        Where the runs come from.
    """

    source: str
    _read: Callable[[], _Scored] = field(repr=False)

    @cached_property
    def _scored(self) -> _Scored:
        return self._read()

    @property
    def scores(self) -> pd.DataFrame:
        """A row a run, none left out.

        Problem, searcher, seed; state (``ended``, ``failed``, ``damaged``, ``running``, ``missing``), error, run (its
        folder below ``runs/``), data (checksum); what it spent: evaluations and asked (counts), flops (multiply-adds),
        seconds, trainings (equivalent full ones); measures of what it delivered: hypervolume (share of the true
        front's), log10_regret and the others of its contract. NaN where there is no score.
        """
        return self._scored.scores

    @property
    def curves(self) -> pd.DataFrame:
        """A row wherever a run's share changes: problem, searcher, seed, the axis, hypervolume, log10_regret."""
        return self._scored.curves

    @cached_property
    def fronts(self) -> pd.DataFrame:
        """A row a delivered architecture of each run, as it is scored.

        Problem, searcher, seed; genes (whole numbers), architecture (written form); a column an objective, as its name
        and unit (``error [%]``); nondominated, and feasible where there are limits: both once scored.
        """
        return front_rows(self._scored.problems, self._scored.outcomes)

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """A row an answer of each run, as far as its log goes, in order. All of them are in memory.

        Problem, searcher, seed, evaluation (from 1), fidelity (epochs; 0 is the full one), the ledger after it
        (evaluations, asked, flops, seconds), genes, architecture; a column an objective, as the searcher saw it.
        """
        columns = evaluation_columns(self._scored.problems.values())
        rows = [evaluation_rows(keys, result) for keys, result in self._scored.runs() if len(result.history.X)]
        empty = pd.DataFrame(columns=columns)
        return pd.concat(rows, ignore_index=True).reindex(columns=columns) if rows else empty

    def wide(self, measure: str = "hypervolume") -> pd.DataFrame:
        """A measure of `scores` with a row a problem and seed and a column a searcher.

        Raises
        ------
        ValueError
            There is no such measure.
        """
        return wide(self.scores, measure)

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        return f"<Results of {self.source}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: medians and quartiles of the share of hypervolume."""
        shown = summarise(self.scores)[["problem", "searcher", "median", "q25", "q75", "rank", "ended", "failed"]]
        return f"<div>{self.source}: share of hypervolume{shown.to_html(border=0, index=False)}</div>"


def results_in(
    folders: Sequence[Path],
    *,
    axis: str = "",
    contract: str = "",
    indicator: str = "",
    labels: Mapping[str, str] = NO_LABELS,
) -> Results:
    """The runs of results folders as frames; see `mobench.analysis.runs.load`."""
    chosen = {"axis": axis, "contract": contract, "indicator": indicator or HYPERVOLUME.name}
    check_known("axis", [axis] if axis else [], AXES)
    check_known("contract", [contract] if contract else [], CONTRACTS)
    check_known("indicator", [chosen["indicator"]], MEASURES)
    read = functools.partial(_read_folders, folders, labels=labels, **chosen)
    return Results(", ".join(map(str, folders)), read)


def _read_folders(folders: Sequence[Path], **chosen: Any) -> _Scored:
    found = read_analysis(folders, **chosen)
    problems = {label: make_problem(*reference) for label, reference in found.study.problems.items()}
    return _Scored(
        found.scores, found.curves, found.outcomes, problems, functools.partial(_runs_in_folders, found.study)
    )


def _runs_in_folders(study: Study) -> Iterator[Keyed]:
    """Each run that has begun and is whole."""
    for spec, place in study.runs:
        if run_state(place) != "missing":
            with contextlib.suppress(DamagedRunError):  # `scores` says why
                yield dict(zip(KEYS, study.key(spec), strict=True)), load_run(place, expected=spec)


def results_of(source: str, runs: Sequence[Keyed], *, contract: str, budget: Mapping[str, float]) -> Results:
    """Runs in memory as frames.

    Parameters
    ----------
    source : str
        What they are, in words.
    runs : sequence of (mapping, Result)
        Problem, searcher and seed of each, and the run.
    contract : str
        How they are scored.
    budget : mapping of str to float
        What each could spend; curves are over its first currency.
    """
    return Results(source, functools.partial(_read_results, tuple(runs), contract, budget))


def _read_results(runs: Sequence[Keyed], contract: str, budget: Mapping[str, float]) -> _Scored:
    axis = next(iter(budget))
    scored, outcomes = [], {}
    for keys, result in runs:
        row, curve = score(_row(keys, result), result, dataclasses.asdict(result.spent), contract, axis)
        scored.append((row, curve))
        if curve is not None:
            outcomes[keys["problem"], keys["searcher"], keys["seed"]] = outcome_of(result, contract=contract, axis=axis)
    problems = {keys["problem"]: result.problem for keys, result in runs}
    scores, lines = framed(scored, axis)
    scores = with_areas(scores, lines, axis=axis, budget=budget)
    return _Scored(scores, lines, outcomes, problems, functools.partial(iter, runs))


def _row(keys: Mapping[str, Any], result: Result) -> dict[str, Any]:
    states = {"failed": "failed", "unfinished": "running"}
    said = {"state": states.get(result.reason, "ended"), "error": result.error, "run": "", "data": result.history.data}
    return dict(keys) | said
