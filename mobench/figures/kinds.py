"""Figures by name: all kinds there are, and one of them drawn of scored runs."""

from __future__ import annotations

import importlib

from mobench.analysis.analysis import Analysis
from mobench.core.messages import check_known
from mobench.figures.names import shorten, spell_out
from mobench.figures.registry import REGISTERED, Drawing, Kind, Selection

__all__ = ["FILES", "KINDS", "draw", "find_kind"]

FILES = (
    *("course", "fronts", "attainment", "difference", "parallel", "audit", "insight", "architecture"),
    *("standings", "ranks", "comparison", "radar"),
)
"""The files of this folder that register kinds; lists show the kinds in their order."""

for _file in FILES:
    importlib.import_module(f"mobench.figures.{_file}")


def _place(kind: Kind) -> tuple[bool, int]:
    """Where lists show a kind, whichever file was imported first."""
    file = kind.draw.__module__.rpartition(".")[2]
    return not kind.of_one_problem, FILES.index(file) if file in FILES else len(FILES)


KINDS: dict[str, Kind] = {kind.name: kind for kind in sorted(REGISTERED.values(), key=_place)}
"""Every kind by its name: those of one problem, then those over several."""


def find_kind(name: str) -> Kind:
    """The kind of a name; ValueError for an unknown one."""
    check_known("kind", [name], KINDS)
    return KINDS[name]


def draw(analysis: Analysis, kind: str, selection: Selection) -> Drawing:
    """One figure of scored runs.

    Parameters
    ----------
    analysis : Analysis
        See `mobench.analysis.reading.read_analysis`.
    kind : str
        One of `KINDS`.
    selection : Selection
        What to draw, and how wide.

    Returns
    -------
    figure, data
        The figure, and the numbers drawn.

    Raises
    ------
    ValueError
        An unknown name, or nothing to draw yet; the message says which.
    """
    found = find_kind(kind)
    if found.of_one_problem:
        check_known("problem", [selection.problem], analysis.study.problems)
    figure, data = found.draw(analysis, selection)
    shorten(figure, analysis.everyone)
    spell_out(figure)
    return figure, data
