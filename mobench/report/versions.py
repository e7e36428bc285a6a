"""The part of a report that says whether a change of a method helped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.analysis.versions import compare_versions, families
from mobench.report.page import Section, Text
from mobench.report.tables import Table

__all__ = ["changes", "compared", "versions_section"]

FAR = 100
"""More seeds than these are not worth a number."""


def versions_section(analysis: Analysis) -> list[Section]:
    """Versions of one method paired; no section where there is only one of each."""
    found = compared(analysis)
    if found.empty:
        return []
    table = Table(
        "versions",
        "Later against earlier: the difference of means, positive where the later is better, with its 99 % interval of "
        "the differences seed by seed; verdicts of the exact tests, corrected over all pairs of searchers; seeds that "
        "would show an effect as large as the observed one in four of five campaigns.",
        found.assign(problem=found["problem"].replace("", "all problems")),
        formats=dict.fromkeys(("difference", "low", "high", "noise_floor"), "+.4f")
        | {"improvement": ".3f", "p_adjusted": ".2g", "more_seeds": ".0f", "least_effect": ".3f"},
        titles={"low": "99 % low", "high": "99 % high", "improvement": "probability of improvement"}
        | {"noise_floor": "replication noise floor", "more_seeds": "more seeds needed"}
        | {"least_effect": "least detectable probability"},
        printed=("after", "before", "problem", "answer", "difference", "low", "high", "more_seeds"),
    )
    return [Section("Did the change help?", (Text((), "answer", changes(analysis)), table))]


def changes(analysis: Analysis, *, of_code: bool = False) -> tuple[str, ...]:
    """A sentence a pair of versions; only those of which the code differs, if so wanted."""
    found, plain = compared(analysis), analysis.study.plain
    said = []
    for (after, before), rows in found.groupby(["after", "before"], sort=False):
        if not of_code or _code(plain(str(after))) != _code(plain(str(before))):
            said.append(_sentence(f"{after} against {before}", rows))
    return tuple(said)


def compared(analysis: Analysis) -> pd.DataFrame:
    """Versions of each method that has several: see `mobench.analysis.versions.compare_versions`."""
    groups = families(analysis.study.searchers, analysis.study.plain)
    return compare_versions(groups, analysis.pairs, analysis.pairs_on_each)


def _code(label: str) -> str:
    """The version of a label."""
    return label.partition(":")[0].partition("@")[2]


def _sentence(names: str, rows: pd.DataFrame) -> str:
    """Over all problems, then how many of them say what, and what would decide."""
    each = rows[rows["problem"] != ""]
    whole: dict[Any, Any] = (rows[rows["problem"] == ""] if len(each) > 1 else each).to_dict("records")[0]
    text = f"{names}: {whole['answer']}"
    if np.isfinite(whole["difference"]):
        text += f", means differ by {whole['difference']:+.4f}"
    if np.isfinite(whole["low"]):
        text += f" (99 % {whole['low']:+.4f} to {whole['high']:+.4f})"
    if len(each) > 1:
        parts = []
        for answer in ("helped", "hurt", "equal", "undecided"):
            where = list(each.loc[each["answer"] == answer, "problem"])
            named = f" ({', '.join(where)})" if where and answer in ("helped", "hurt") else ""
            parts += [f"{answer} on {len(where)}{named}"] if where else []
        text += f"; of {len(each)} problems taken alone: {', '.join(parts)}"
    if 0 < whole["more_seeds"] <= FAR:
        text += f"; if the effect is as observed, about {whole['more_seeds']:.0f} more seeds would decide"
    elif whole["more_seeds"] > FAR:
        text += f"; more than {FAR} more seeds would be needed to see an effect as small as the observed one"
    return f"{text}."
