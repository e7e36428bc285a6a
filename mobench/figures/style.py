"""How all figures look: sizes, colours, labels."""

from __future__ import annotations

import colorsys
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from mobench.core.messages import nearest
from mobench.core.problem import Objective
from mobench.figures.names import short_names

__all__ = [
    "AXIS_LABELS",
    "LETTER",
    "LETTERS",
    "LINES",
    "MARKERS",
    "TRUTH",
    "WIDTHS",
    "label_objectives",
    "legend_below",
    "new_figure",
    "palette",
    "panels",
    "scale_axis",
    "styled",
    "wrapped",
]

WIDTHS = {"single": 3.4, "double": 7.0}
"""Widths of a paper's columns, inches."""
LETTERS = {"single": 62, "double": 130}
"""What a line of a column holds in small print."""
LETTER = 0.054
"""How wide a letter of a name is at 7 points, inches."""
TRUTH = "0.78"
"""Grey of the true front; no searcher has it."""
MARKERS = "osD^vph<>8dP"
LINES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 2)))
"""Dashes of lines that may lie on each other: what lies below shows in the gaps."""
AXIS_LABELS = {
    "evaluations": "unique evaluations",
    "asked": "questions asked",
    "flops": "training compute [multiply-adds]",
    "seconds": "training time [s]",
    "clock": "simulated clock [s]",
    "trainings": "equivalent full trainings",
}
"""What figures and tables call each of `mobench.core.budget.AXES`."""
_STYLE: Any = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.linewidth": 0.6,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 8,
    "font.size": 8,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "mobench",
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
}
_ORDER = (0, 1, 2, 4, 3, 5, 9, 6, 8)  # of seaborn's "colorblind"; its grey stays free for the true front
_SHADES = (1.0, 0.55, 1.45)
PALE = {6: 0.82, 8: 0.72}
"""Its pink and its yellow are hardly seen on white: so much of their lightness is left."""


def styled() -> AbstractContextManager[None]:
    """The style of all figures, for a ``with`` block; global settings stay as they are."""
    style: AbstractContextManager[None] = mpl.rc_context(_STYLE)
    return style


def palette(searchers: Sequence[str]) -> dict[str, Any]:
    """One colour-blind-safe colour a searcher, by its place in the campaign: the same in every figure.

    Nine hues; then the same hues darker, then lighter, which tell apart in grey, too; beyond 27 they repeat.
    """
    hues = [_shade(hue, PALE.get(i, 1.0)) for i, hue in enumerate(sns.color_palette("colorblind", 10))]
    colours = [_shade(hues[i], shade) for shade in _SHADES for i in _ORDER]
    return {searcher: colours[i % len(colours)] for i, searcher in enumerate(searchers)}


def _shade(colour: Any, factor: float) -> tuple[float, float, float]:
    """The colour with its lightness scaled."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*colour)
    return colorsys.hls_to_rgb(hue, min(lightness * factor, 0.85), saturation)


def legend_below(figure: Figure, width: str, handles: Sequence[Any]) -> None:
    """A legend of labelled lines below the axes, in as many columns as there is room for, the figure higher for it."""
    most = 2 if width == "single" else 4
    longest = max(map(len, short_names(str(handle.get_label()) for handle in handles).values()))
    columns = max(1, min(most, int(WIDTHS[width] / (LETTER * (longest + 7)))))
    figure.set_figheight(figure.get_figheight() + 0.14 * (-(-len(handles) // columns) - -(-len(handles) // most)))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def new_figure(width: str = "single", *, height: float) -> Figure:
    """An empty figure of a paper's column.

    Parameters
    ----------
    width : str
        A key of `WIDTHS`.
    height : float
        In inches.

    Raises
    ------
    ValueError
        Unknown width.
    """
    if width not in WIDTHS:
        raise ValueError(f"width: unknown {width!r}{nearest(width, WIDTHS)}; choose from {', '.join(WIDTHS)}")
    return Figure(figsize=(WIDTHS[width], height), layout="constrained")


def panels(width: str, count: int, *, across: int, height: float, **shared: Any) -> tuple[Figure, list[Any]]:
    """A figure of `count` equal panels in rows.

    Parameters
    ----------
    width : str
        A key of `WIDTHS`.
    count, across : int
        Panels in all, and most of them in a row.
    height : float
        Of a row, inches.
    **shared
        ``sharex``, ``sharey`` of the grid.

    Returns
    -------
    figure, axes
        The `count` axes, row by row.
    """
    rows = -(-count // across)
    columns = -(-count // rows)
    figure = new_figure(width, height=height * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False, **shared).flat)
    for ax in axes[count:]:
        ax.remove()
    for ax in axes[max(count - columns, 0) : count]:
        ax.tick_params(labelbottom=True)
    return figure, axes[:count]


def wrapped(text: str, width: str) -> str:
    """The text in lines that a column of that width holds, in small print; a number and its % stay together."""
    return textwrap.fill(text.replace(" %", "\N{NO-BREAK SPACE}%"), LETTERS[width])


def scale_axis(axis: Any, values: Iterable[float], *, ratio: float = 30.0) -> None:
    """Make an x or y axis logarithmic where positive `values` span more than `ratio` times the least."""
    values = list(values)
    if values and min(values) > 0 and max(values) > ratio * min(values):
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        if min(values) >= 1e-3 and max(values) < 1e5 and max(values) < 1e3 * min(values):  # short enough as they are
            axis.set_major_locator(mpl.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
        else:
            axis.set_major_formatter(mpl.ticker.LogFormatterSciNotation(minor_thresholds=(2, 0.5)))


def label_objectives(ax: Any, objectives: Sequence[Objective], pair: tuple[int, int]) -> None:
    """Names and units of the objectives across and up."""
    ax.set_xlabel(objectives[pair[0]].label)
    ax.set_ylabel(objectives[pair[1]].label)
