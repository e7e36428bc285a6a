"""The part of a report that answers: which searcher, on what, at which budget, and how sure that is."""

from __future__ import annotations

from typing import Any

import numpy as np

from mobench.analysis.analysis import Analysis
from mobench.report.page import Section, Text
from mobench.report.tables import Table

__all__ = ["answer_section", "standing", "tally"]

NOBODY = "nobody reached the box"

ALONE = 6
"""Problems on which the first screen says how a single searcher did."""


def answer_section(analysis: Analysis) -> Section:
    """Which searcher to use, on what, at which budget, and how sure that is."""
    title = "Which searcher, on what, at which budget"
    if not analysis.over:
        return Section(title, (Text(("No run has ended yet, so nothing can be said.",), "warning"),))
    advice = analysis.advice
    shown = advice.assign(best=advice["best"].replace("", NOBODY), peers=advice["peers"].replace("", "none"))
    table = Table(
        "advice",
        f"The searcher of best median {analysis.measure.label}, by problem and by what is spent of {analysis.axis}; "
        "others listed as not told apart may be as good (exact rank sums, 5 %, Holm-corrected over the pairs of a "
        f"problem at each amount); equal are those whose means differ by less than {analysis.margin:g}.",
        shown,
        formats={"spent": ",.4g", "confidence": ".1%"} | dict.fromkeys(("median", "low", "high"), ".4f"),
        titles={"spent": analysis.axis, "peers": "not told apart from it", "confidence": "confidence of it"}
        | {"equal": "equal to it", "worse": "shown to be worse", "failed": "runs that failed"},
        best=tuple(i for i, spent in enumerate(advice["spent"]) if spent == advice["spent"].max()),
    )
    warned = analysis.difficulty[analysis.difficulty["warning"] != ""]
    warnings = tuple(f"{row.problem}: {row.warning}." for row in warned.itertuples())
    weak = (Text(("What weakens these answers:",), "warning", warnings),) if warnings else ()
    last = advice[advice["spent"] == advice["spent"].max()].to_dict("records")
    answers = Text((), "answer", tuple(_sentence(row, analysis.measure.label) for row in last))
    return Section(title, (answers, *weak, table))


def tally(analysis: Analysis) -> tuple[str, ...]:
    """On how many problems each searcher is best, a sentence each, most first; nothing on one problem."""
    advice = analysis.advice[analysis.advice["spent"] == analysis.advice["spent"].max()]
    if len(advice) < 2:
        return ()
    counts = []
    for best, rows in advice.groupby("best"):
        alone = int(((rows["peers"] == "") & (rows["equal"] == "") & (rows["worse"] > 0)).sum())
        where = f"{len(rows)} problem{'s' * (len(rows) > 1)}"
        if not best:
            text = f"{NOBODY.capitalize()} on {where}."
        elif rows["tied"].iloc[0] > 1:
            text = f"{best}: tied for the best median on {where}."
        else:
            text = f"{best}: best median on {where}, shown to be better than every other on {alone or 'none'}."
        counts.append((len(rows), text))
    return tuple(text for _, text in sorted(counts, key=lambda item: (-item[0], item[1])))


def standing(analysis: Analysis) -> tuple[str, ...]:
    """Who is first over all problems, and whether the runs tell the first from the next."""
    spent, ranks = f"{analysis.budget:,.4g} {analysis.axis}", analysis.ranks.dropna(subset="mean_rank")
    if len(ranks) < 2:
        return _alone(analysis, spent, list(ranks["searcher"]))
    ranks = ranks.assign(mean_rank=ranks["mean_rank"].round(12)).sort_values(["mean_rank", "searcher"])
    names, problems = list(ranks["searcher"]), int(ranks["problems"].iloc[0])
    best = ranks["mean_rank"].iloc[0]
    first = names[: int((ranks["mean_rank"] == best).sum())]
    stands = f"{first[0]} has" if len(first) == 1 else f"{' and '.join(first)} are tied at"
    line = f"After {spent}, {stands} the best mean rank, {best:.2f} of {len(ranks)} searchers over {problems} "
    line += f"problem{'s' * (problems > 1)}."
    pairs = analysis.pairs
    told = pairs.loc[pairs["better"].isin(names[:2]) & pairs["worse"].isin(names[:2]), "sentence"]
    return (line, *(f"{sentence}." for sentence in told))


def _alone(analysis: Analysis, spent: str, ranked: list[str]) -> tuple[str, ...]:
    """What there is to say where no two searchers are ranked: of a single one how it did, of others why not."""
    if len(analysis.study.searchers) > 1:
        lacking = f"only {ranked[0]} has runs that are over" if ranked else "no problem has runs of all searchers"
        return (f"After {spent}, {lacking}: nothing can be compared yet.",)
    last = analysis.advice[analysis.advice["spent"] == analysis.advice["spent"].max()]
    said = [_sentence(row, analysis.measure.label) for row in last.head(ALONE).to_dict("records")]
    return (f"After {spent}, with nothing to compare it with:", *said)


def _sentence(row: dict[str, Any], label: str) -> str:
    """The answer for one problem."""
    if not row["best"]:
        return f"{row['problem']}: {NOBODY}, so no searcher is best."
    best, tied = row["best"], row["tied"] > 1
    text = f"{row['problem']}: {best}{' are tied' * tied}, {label} {row['median']:.4f} "
    if row["runs"] < 2:
        text += f"in {'their' if tied else 'its'} only run, which tells nothing about luck"
    else:
        text += f"in the median of {row['runs']} runs"
    if np.isfinite(row["low"]):
        text += f" ({100 * row['confidence']:.0f} % {row['low']:.4f} to {row['high']:.4f})"
    if row["equal"] and row["runs"] > 1:
        text += f", equal to {row['equal']}"
    if row["peers"] and row["runs"] > 1:
        text += f", not told apart from {row['peers']}"
    elif row["worse"] and not row["equal"]:
        text += ", better than every other"
    if row["failed"]:
        text += f"; {row['failed']} of the runs here failed, scored by what they had delivered"
    return f"{text}."
