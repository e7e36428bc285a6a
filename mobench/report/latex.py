"""Tables of a paper in LaTeX (booktabs): the matrix with its best in bold, verdicts on pairs, and on versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mobench.report.tables import in_latex, shown

__all__ = ["escaped", "latex_matrix", "latex_pairs", "latex_versions", "turned"]

MARKED = {"equal": "$^{=}$", "open": "$^{?}$"}
"""What stands behind a value, by its standing: see `mobench.analysis.matrix.matrix`."""

SIGNS = {"better": "$>$", "equal": "$=$", "undecided": "?"}
"""What stands between two searchers, by the verdict on them."""

ACROSS = 6
"""More searchers than these, and than problems, stand below each other."""

LONG = 28
"""Letters of a name from which on it goes over several lines."""


def escaped(text: str) -> str:
    """Text as LaTeX prints it, in one line; words may be broken after colons, commas and underscores."""
    return re.sub(r"(:|,|\\_)(?=\S)", r"\1\\allowbreak{}", in_latex(text))


def latex_matrix(
    frame: pd.DataFrame,
    *,
    problems: Sequence[str],
    searchers: Sequence[str],
    statistic: str = "median",
    ranks: Mapping[str, float] | None = None,
) -> str:
    """The matrix as a ``tabular``; it needs the package booktabs.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `mobench.analysis.matrix.matrix` returns it.
    problems, searchers : sequence of str
        In order. Of many searchers each is a row.
    statistic : str
        Of the frame: intervals stand below medians and interquartile means, deviations beside means.
    ranks : mapping of str to float, optional
        Mean rank of each searcher, a last line.

    Returns
    -------
    str
        LaTeX.
    """
    cells = {(row["problem"], row["searcher"]): _cell(row, statistic) for _, row in frame.iterrows()}
    table = [[cells.get((problem, searcher), ("--", "")) for searcher in searchers] for problem in problems]
    names, across = list(problems), list(searchers)
    if ranks:
        best = min((rank for rank in ranks.values() if not np.isnan(rank)), default=np.nan)
        table.append([(_bold(shown(ranks[s], ".2f"), ranks[s] == best), "") for s in searchers])
        names.append("mean rank")
    across_problems = turned(searchers, problems)
    if across_problems:
        table, names, across = [list(row) for row in zip(*table, strict=True)], list(searchers), names
    lines = [rf"\begin{{tabular}}{{{_named(names)}{'r' * len(across)}}}", r"\toprule"]
    lines += [" & ".join(["", *map(escaped, across)]) + r" \\", r"\midrule"]
    for name, row in zip(names, table, strict=True):
        lines += [r"\midrule"] * (bool(ranks) and not across_problems and name == "mean rank")
        lines.append(" & ".join([escaped(name), *(value for value, _ in row)]) + r" \\")
        if any(below for _, below in row):
            lines.append(" & ".join(["", *(rf"{{\scriptsize {below}}}" if below else "" for _, below in row)]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def turned(searchers: Sequence[str], problems: Sequence[str]) -> bool:
    """Whether searchers are rows of the matrix, and problems columns."""
    return len(searchers) > max(ACROSS, len(problems))


def latex_pairs(pairs: pd.DataFrame) -> str:
    """Verdicts as a ``tabular`` of a line a pair; it needs the package booktabs.

    Parameters
    ----------
    pairs : pandas.DataFrame
        As `mobench.analysis.significance.pairwise` or `on_each_problem` return them.
    """
    on_each = "problem" in pairs
    heads = [*["problem"] * on_each, "", "", "", "$p$", "probability of improvement", "difference of means"]
    column = _named([str(problem) for problem in pairs["problem"]]) if on_each else ""
    lines = [rf"\begin{{tabular}}{{{column}lcl@{{\quad}}rll}}", r"\toprule"]
    lines += [" & ".join(heads) + r" \\", r"\midrule"]
    above = None
    for row in pairs.to_dict("records"):
        first = [escaped(row["problem"]) if row["problem"] != above else ""] if on_each else []
        above = row["problem"] if on_each else None
        beats = f"{row['improvement']:.2f}{_interval(row['low'], row['high'], '.2f')}"
        apart = _difference(row["difference"], row["difference_low"], row["difference_high"], ".4f")
        names = escaped(row["better"]), SIGNS[row["verdict"]], escaped(row["worse"])
        lines.append(" & ".join([*first, *names, _p_value(row["p_adjusted"]), beats, apart]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def latex_versions(versions: pd.DataFrame) -> str:
    """Later versions of a method against earlier ones as a ``tabular``; it needs the package booktabs.

    Parameters
    ----------
    versions : pandas.DataFrame
        As `mobench.analysis.versions.compare_versions` returns it.
    """
    lines = [r"\begin{tabular}{llllll}", r"\toprule"]
    lines += [r"later & earlier & problem & did it help? & difference of means & more seeds \\", r"\midrule"]
    above = ("", "")
    for row in versions.to_dict("records"):
        pair = row["after"], row["before"]
        names = [escaped(name) if pair != above else "" for name in pair]
        above = pair
        apart = _difference(row["difference"], row["low"], row["high"], "+.4f")
        seeds = f"{row['more_seeds']:.0f}" if row["more_seeds"] > 0 else "--"
        lines.append(" & ".join([*names, escaped(row["problem"] or "all"), row["answer"], apart, seeds]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _named(names: Sequence[str]) -> str:
    """The column of names: long ones go over several lines."""
    return r"p{0.22\linewidth}" if max(map(len, names), default=0) > LONG else "l"


def _interval(low: float, high: float, spec: str) -> str:
    return f" [{_signed(low, spec)}, {_signed(high, spec)}]" if np.isfinite([low, high]).all() else ""


def _difference(value: float, low: float, high: float, spec: str) -> str:
    return f"{_signed(value, spec)}{_interval(low, high, spec)}" if np.isfinite(value) else "--"


def _signed(value: float, spec: str) -> str:
    """A number with a sign that is one, and no hyphen."""
    return re.sub("^[+-]", lambda sign: f"${sign[0]}$", f"{value:{spec}}")


def _p_value(value: float) -> str:
    digits, _, power = f"{value:.2g}".partition("e")
    return rf"${digits} \cdot 10^{{{int(power)}}}$" if power else digits


def _bold(text: str, is_best: bool) -> str:
    return rf"\textbf{{{text}}}" if is_best else text


def _cell(row: pd.Series[Any], statistic: str) -> tuple[str, str]:
    """A value with its mark, and what stands below it."""
    value = shown(row["value"], ".4f").replace("\N{EN DASH}", "--").replace("inf", r"$\infty$")
    text = _bold(value, row["standing"] == "best") + MARKED.get(row["standing"], "")
    if statistic == "mean":
        return text + (rf" {{\scriptsize $\pm$ {row['deviation']:.4f}}}" if np.isfinite(row["deviation"]) else ""), ""
    return text, f"[{row['low']:.4f}, {row['high']:.4f}]" if np.isfinite(row["low"]) else ""
