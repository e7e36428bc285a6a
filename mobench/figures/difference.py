"""Where the regions that two searchers attain differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.attainment import Fronts, attained_difference, attainment
from mobench.core.problem import Objective
from mobench.core.space import Array
from mobench.figures.attainment import axes_limits, check_two, finish, outline
from mobench.figures.chosen import all_fronts, front_look
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import new_figure, palette, styled

__all__ = ["draw_attainment_difference", "plot_attainment_difference"]


@register("difference", of_one_problem=True)
def draw_attainment_difference(analysis: Analysis, selection: Selection) -> Drawing:
    """Where two searchers' attained regions differ; two objectives, two --searcher."""
    objectives, style = front_look(analysis, selection)
    return plot_attainment_difference(all_fronts(analysis, selection), objectives, **style)


def plot_attainment_difference(
    fronts: Mapping[str, Fronts],
    objectives: Sequence[Objective],
    *,
    truth: Array | None = None,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "single",
) -> tuple[Figure, pd.DataFrame]:
    """Where two searchers differ: the share of runs of the first that attain a place, less that of the second.

    Each searcher's colour marks where it is attained more often (Lopez-Ibanez, Paquete and Stuetzle 2010); lines are
    the surfaces that half the runs attain. The parameters are those of `mobench.figures.attainment.plot_attainment`,
    `fronts` of two searchers.

    Returns
    -------
    figure, data
        The data has a row a cell, cells of equal difference in a column joined: for each objective its better and worse
        end (``<name>_from``, ``<name>_to``), and ``difference``; places without a difference are left out.

    Raises
    ------
    ValueError
        Not two objectives, not two searchers, or nothing was delivered at all.
    """
    check_two(objectives)
    if len(fronts) != 2:
        raise ValueError(f"difference: expected two searchers, found {', '.join(fronts) or 'none'}")
    colours = colours or palette(list(fronts))
    names = list(fronts)
    ground = np.empty((0, 2)) if truth is None else truth
    limits = axes_limits([*(F for runs in fronts.values() for F in runs), ground], objectives)
    u, v, difference = attained_difference(fronts[names[0]], fronts[names[1]], objectives)
    u, v = np.append(u, limits[1, 0]), np.append(v, limits[1, 1])
    with styled():
        figure = new_figure(width, height=2.6 if width == "single" else 3.6)
        ax = figure.subplots()
        shades = LinearSegmentedColormap.from_list("difference", [colours[names[1]], "white", colours[names[0]]])
        mesh = ax.pcolormesh(v, u, difference, cmap=shades, vmin=-1, vmax=1, rasterized=True)
        ax.plot(*outline(ground, limits[1], objectives).T, color="0.5", linewidth=0.8, label="true front")
        for name, runs in fronts.items():
            dark = tuple(0.6 * np.array(colours[name][:3]))
            line = outline(attainment(runs, 50, objectives), limits[1], objectives)
            ax.plot(*line.T, color=dark, linewidth=1, label=f"{name}, median")
        finish([ax], limits, objectives)
        ax.legend(fontsize=6)
        bar = figure.colorbar(mesh, ax=ax, ticks=[-1, -0.5, 0, 0.5, 1], aspect=30)
        bar.ax.set_yticklabels(["100 %", "50 %", "0", "50 %", "100 %"])
        bar.set_label(f"more {names[1]}  |  more {names[0]}")
        ax.set_title(title)
    return figure, _cells(u, v, difference, objectives)


def _cells(u: Array, v: Array, difference: Array, objectives: Sequence[Objective]) -> pd.DataFrame:
    """A row a cell of `difference` between the ticks `u` and `v`; equal neighbours joined, zeros left out."""
    rows = []
    for i, row in enumerate(difference):
        starts = np.flatnonzero(np.diff(row, prepend=np.nan) != 0)
        ends = np.append(starts[1:], len(row))
        rows += [(u[i], u[i + 1], v[a], v[b], row[a]) for a, b in zip(starts, ends, strict=True) if row[a]]
    columns = [f"{o.name}_{end}" for o in objectives for end in ("from", "to")]
    return pd.DataFrame(rows, columns=[*columns, "difference"])
