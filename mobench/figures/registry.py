"""Kinds of figures, each registered once: by the decorator `register` on the function that draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.figures.names import folded

__all__ = ["REGISTERED", "Draw", "Drawing", "Kind", "Selection", "register"]

Drawing = tuple[Figure, pd.DataFrame]
"""A figure, and the numbers drawn."""


@dataclass(frozen=True)
class Selection:
    """What of a study to draw.

    Attributes
    ----------
    problem : str
        Label of a problem; empty for a figure over all of them.
    objectives : tuple of str
        Names of the objectives of a front or an attainment surface; all where empty.
    row : tuple of int
        The genes of an architecture.
    width : str
        ``single`` or ``double`` column; what suits the kind where empty.
    """

    problem: str = ""
    objectives: tuple[str, ...] = ()
    row: tuple[int, ...] = ()
    width: str = ""

    @property
    def style(self) -> dict[str, Any]:
        """Title and width, as every plotting function takes them."""
        return {"title": folded(self.problem, 42)} | ({"width": self.width} if self.width else {})


Draw = Callable[[Analysis, Selection], Drawing]
"""Draws a kind of figure of scored runs; ValueError where there is nothing to draw."""


@dataclass(frozen=True)
class Kind:
    """A kind of figure.

    Attributes
    ----------
    name : str
        As people give it.
    draw : Draw
        Draws it; its docstring says in a line what the figure shows.
    of_one_problem : bool
        Whether the figure is of one problem, or over several.
    """

    name: str
    draw: Draw
    of_one_problem: bool

    @property
    def summary(self) -> str:
        """What it shows, in a line."""
        return str(self.draw.__doc__).rstrip(".")


REGISTERED: dict[str, Kind] = {}
"""The kinds of the files imported so far, by name: see `mobench.figures.kinds.KINDS` for all of them."""


def register(name: str, *, of_one_problem: bool = False) -> Callable[[Draw], Draw]:
    """Register the decorated function as what draws the kind of figure `name`.

    Parameters
    ----------
    name : str
        Of the kind, as people give it.
    of_one_problem : bool
        Whether the figure is of one problem, or over several.

    Raises
    ------
    ValueError
        Another function draws that kind.
    """

    def registered(draw: Draw) -> Draw:
        if name in REGISTERED:
            raise ValueError(f"figure {name!r}: drawn by {REGISTERED[name].draw.__name__} already; choose another name")
        REGISTERED[name] = Kind(name, draw, of_one_problem)
        return draw

    return registered
