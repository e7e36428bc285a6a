"""The first screen of a report: what did not end, the verdict, the matrix and one figure over the budget."""

from __future__ import annotations

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.collect import mean_ranks, summarise
from mobench.analysis.matrix import STATISTICS, matrix, measured
from mobench.analysis.measures import MEASURES, Measure
from mobench.analysis.open_runs import open_runs
from mobench.analysis.significance import on_each_problem
from mobench.analysis.statistics import matrices
from mobench.report.answer import standing, tally
from mobench.report.grid import Grid
from mobench.report.page import Beside, Block, Section, Text
from mobench.report.versions import changes

__all__ = ["lead_section"]

MOST = 6
"""Sentences below the verdict: versions compared, then searchers that are best somewhere."""

PAIRS = 3_000
"""Pairs of searchers on problems beyond which only the indicator asked for is tested: the others would take minutes."""


def lead_section(analysis: Analysis, state: tuple[Block, ...], drawing: Block | None) -> Section:
    """The first screen.

    Parameters
    ----------
    analysis : Analysis
        The frames.
    state : tuple of Block
        What did not end, if anything.
    drawing : Block, optional
        The figure over the budget.
    """
    if not analysis.over:
        return Section(
            "Verdict", (*state, Text(("No run has ended yet, so nothing can be said.",), "warning")), open=True
        )
    warned = int((analysis.difficulty["warning"] != "").sum())
    weak = f"{warned} problem{'s' * (warned > 1)} can tell little: see below."
    said = (*changes(analysis, of_code=True), *tally(analysis))[:MOST]
    verdict = (
        Text(standing(analysis), "answer", said),
        *([Text((weak,), "warning")] if warned else []),
    )
    return Section("Verdict", (*state, Beside(verdict, (drawing,) if drawing else ()), _grid(analysis)), open=True)


def _grid(analysis: Analysis) -> Grid:
    study = analysis.study
    choices: dict[tuple[str, str], pd.DataFrame] = {}
    ranks: dict[str, dict[str, float]] = {}
    for measure in _measures(analysis):
        tests, summary = _tests(analysis, measure), analysis.summary
        if measure != analysis.measure:
            summary = summarise(analysis.scores, measure)
        for statistic in STATISTICS:
            choices[measure.label, statistic] = matrix(analysis.scores, tests, measure=measure, statistic=statistic)
        ranks[measure.label] = _ranks(mean_ranks(summary))
    note = (
        "Bold: best of its problem. =: equal to the best within "
        f"{analysis.margin:g}. ?: not shown to be worse than the best (exact rank sums, 5 %, Holm-corrected over the "
        "pairs of a problem). The others are shown to be worse."
    )
    files = tuple(f"tables/matrix.{ending}" for ending in ("csv", "tex"))
    several = len(study.problems) > 1 and len(study.searchers) > 1
    return Grid(list(study.problems), list(study.searchers), choices, ranks if several else {}, note, files)


def _ranks(table: pd.DataFrame) -> dict[str, float]:
    return dict(zip(table["searcher"], table["mean_rank"].tolist(), strict=True))


def _measures(analysis: Analysis) -> list[Measure]:
    """The one asked for first, and those beside it that every run has."""
    searchers, problems = len(analysis.study.searchers), len(analysis.study.problems)
    others = [m for m in MEASURES.values() if m != analysis.measure and measured(analysis.scores, m)]
    few = searchers * (searchers - 1) // 2 * problems <= PAIRS
    return [analysis.measure, *(others if few else [])]


def _tests(analysis: Analysis, measure: Measure) -> pd.DataFrame:
    if measure == analysis.measure:
        return analysis.pairs_on_each
    found = matrices(analysis.scores, measure)
    return on_each_problem(found, margin=analysis.margin, open_runs=open_runs(analysis.scores))
