"""The part of a report that answers: which searcher, on what, at which budget, and how sure that is."""

from __future__ import annotations

import itertools
from typing import Any

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.report.page import Block, Folded, Section, Text
from mobench.report.tables import Table

__all__ = ["answer_section"]

FEW = 8
"""So many problems can be answered one after the other; of more, the answer is counted first."""


def answer_section(analysis: Analysis) -> Section:
    """Which searcher to use, on what, at which budget, and how sure that is."""
    title = "Which searcher, on what, at which budget"
    if not analysis.ended:
        return Section(title, (Text(("No run has ended yet, so nothing can be said.",), "warning"),))
    advice = analysis.advice
    table = Table(
        "advice",
        f"The searcher of best median hypervolume share, by problem and by what is spent of {analysis.axis}; "
        "others listed as not told apart may be as good (Mann-Whitney tests, 5 %, Holm-corrected at each amount).",
        advice.assign(peers=advice["peers"].replace("", "none: best alone")),
        formats={"spent": ",.4g", "median": ".4f", "low": ".4f", "high": ".4f"},
        titles={"spent": analysis.axis, "peers": "not told apart from it", "low": "95 % low", "high": "95 % high"},
        best=tuple(i for i, spent in enumerate(advice["spent"]) if spent == advice["spent"].max()),
    )
    warned = analysis.difficulty[analysis.difficulty["warning"] != ""]
    warnings = tuple(f"{row.problem}: {row.warning}." for row in warned.itertuples())
    weak = (Text(("What weakens these answers:",), "warning", warnings),) if warnings else ()
    return Section(title, (*_answer(analysis), *weak, table))


def _answer(analysis: Analysis) -> list[Block]:
    """The answer in sentences: over all problems, then for each; of many problems each searcher's sum first."""
    advice = analysis.advice[analysis.advice["spent"] == analysis.advice["spent"].max()]
    items = tuple(_sentence(row) for row in advice.to_dict("records"))
    if len(items) <= FEW:
        return [Text(_standing(analysis), "answer", items)]
    counts = []
    for searcher, rows in advice.groupby("best"):
        alone = int(((rows["peers"] == "") & (rows["worse"] > 0)).sum())
        counts.append(
            (len(rows), f"{searcher}: best median on {len(rows)} problems, better than every other on {alone}.")
        )
    summary = tuple(text for _, text in sorted(counts, key=lambda item: -item[0]))
    return [Text(_standing(analysis), "answer", summary), Folded("The answer for each problem", (Text((), "", items),))]


def _standing(analysis: Analysis) -> tuple[str, ...]:
    """Who is first over all problems, and whether the runs tell the first from the next."""
    spent, ranks = f"{analysis.budget:,.4g} {analysis.axis}", analysis.ranks.dropna(subset="mean_rank")
    if len(ranks) < 2:
        return (f"After {spent}:",)
    best, problems = ranks.iloc[0], int(ranks["problems"].iloc[0])
    first = ranks.loc[ranks["mean_rank"].round(12) == round(best["mean_rank"], 12), "searcher"]
    line = (
        f"After {spent}, {' and '.join(first)} {'has' if len(first) == 1 else 'share'} the best mean rank, "
        f"{best['mean_rank']:.2f} of {len(ranks)} searchers over {problems} problem{'s' * (problems > 1)}."
    )
    mine = _of(analysis.pairs, best["searcher"])
    rivals = (found for s in ranks["searcher"][1:] if len(found := _of(mine, s)))
    return (line, *(f"{found['verdict'].iloc[0]}." for found in itertools.islice(rivals, 1)))


def _sentence(row: dict[str, Any]) -> str:
    """The answer for one problem."""
    text = f"{row['problem']}: {row['best']}, {row['median']:.4f} of the true front's hypervolume "
    if row["runs"] < 2:
        return f"{text}in its only run, which tells nothing about luck."
    peers = (
        f", not told apart from {row['peers']}" if row["peers"] else ", better than every other" * (row["worse"] > 0)
    )
    return f"{text}in the median of {row['runs']} runs (95 % {row['low']:.4f} to {row['high']:.4f}){peers}."


def _of(pairs: pd.DataFrame, searcher: str) -> pd.DataFrame:
    return pairs[(pairs["better"] == searcher) | (pairs["worse"] == searcher)]
