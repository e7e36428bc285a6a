"""The file that puts a paper's tables and figures together: floats with captions that say what was measured and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mobench.analysis.analysis import Analysis
from mobench.analysis.matrix import STATISTICS
from mobench.core.version import __version__
from mobench.figures.course import REGRET
from mobench.figures.kinds import find_kind
from mobench.report.latex import escaped, turned

__all__ = ["Plate", "experiments"]

WIDE = 3
"""Columns of the matrix beyond which it goes over both columns of a page."""


@dataclass(frozen=True)
class Plate:
    """A figure of a paper: the stem of its file, its kind, its problem (empty: all), and its column's width."""

    stem: str
    kind: str
    problem: str
    width: str


def experiments(analysis: Analysis, statistic: str, plates: Sequence[Plate], *, versions: bool = False) -> str:
    r"""LaTeX to ``\input``: a float for each table and figure.

    Parameters
    ----------
    analysis : Analysis
        What the captions are about.
    statistic : str
        What the matrix shows: one of `mobench.analysis.matrix.STATISTICS`.
    plates : sequence of Plate
        The figures.
    versions : bool
        Whether there is a table of versions of one method.
    """
    study = analysis.study
    spent = ", ".join(f"{amount:,.6g} {currency}" for currency, amount in study.budget.items())
    counts = sorted(set(analysis.summary[["ended", "failed"]].sum(axis=1)))
    runs = f"{counts[0]} runs" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} runs"
    what = f"{analysis.measure.label[:1].upper()}{analysis.measure.label[1:]}"
    levels = sorted({f"{100 * level:.0f}" for level in analysis.summary["confidence"] if level > 0})
    below = {"median": f", intervals of {' or '.join(levels)} % below" if levels else "", "iqm": ", intervals below"}
    matrix = escaped(
        f"{what}, {STATISTICS[statistic]} of {runs} after {spent} (contract {study.contract})"
        f"{below.get(statistic, '')}. Bold: best of its problem."
    ) + (
        rf" $^{{=}}$: equal to the best within {analysis.margin:g}; $^{{?}}$: not shown to be worse than the best "
        r"(exact rank sums, 5\,\%, Holm-corrected over the pairs of a problem)."
    )
    pairs = escaped(
        f"Every pair of searchers over the problems: better (>), equal within {analysis.margin:g} (=) or undecided "
        "(?), by exact tests, p corrected by Holm; probability of improvement with 95 % and difference "
        "of means with 99 % intervals."
    )
    across = len(study.problems if turned(study.searchers, list(study.problems)) else study.searchers)
    parts = [_table("matrix", matrix, wide=across > WIDE)]
    parts += [_table("pairs", pairs, wide=True)] if len(analysis.pairs) else []
    parts += [_table("versions", escaped(VERSIONS), wide=True)] if versions else []
    return "\n".join([HEAD.format(version=__version__), *parts, *(_figure(plate, analysis) for plate in plates)])


VERSIONS = (
    "Did the change help? Difference of means, positive where the later version is better, with 99 % interval of the "
    "differences seed by seed; answers of exact tests, corrected over all pairs of searchers; seeds beyond these runs "
    "that would show an effect as large as the observed one in four of five campaigns."
)

HEAD = r"""% Made by mobench {version}. Needs the packages booktabs and graphicx. Where the files lie:
% \newcommand{{\mobench}}{{FOLDER}} before \input{{FOLDER/experiments}}. pairs-on-each.tex is not in it: long.
\providecommand{{\mobench}}{{.}}
"""


def _table(stem: str, caption: str, *, wide: bool) -> str:
    kind = "table*" if wide else "table"
    inner = r"\centering\small" + "\n" + rf"\input{{\mobench/{stem}}}"
    return _float(kind, inner, caption, f"tab:{stem}")


def _figure(plate: Plate, analysis: Analysis) -> str:
    kind, width = ("figure*", r"\textwidth") if plate.width == "double" else ("figure", r"\columnwidth")
    inner = r"\centering" + "\n" + rf"\includegraphics[width={width}]{{\mobench/{plate.stem}.pdf}}"
    summary = find_kind(plate.kind).summary
    if plate.kind == "anytime":
        value = analysis.measure.label if analysis.measure.distance else REGRET
        summary = f"{value} against budget: mean and 95 % band over seeds"
    said = f"{plate.problem}: {summary[:1].lower()}{summary[1:]}" if plate.problem else summary
    return _float(kind, inner, escaped(f"{said}."), f"fig:{plate.stem}")


def _float(kind: str, inner: str, caption: str, label: str) -> str:
    lines = [rf"\begin{{{kind}}}[t]", inner, rf"\caption{{{caption}}}", rf"\label{{{label}}}", rf"\end{{{kind}}}", ""]
    return "\n".join(lines)
