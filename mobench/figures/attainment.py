"""Figures of attainment: what a share of a searcher's runs reaches, and where two searchers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from mobench.analysis.attainment import Fronts, attained_difference, attainment, staircase
from mobench.core.indicators import finite
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array
from mobench.figures.style import TRUTH, label_objectives, new_figure, palette, panels, scale_axis, styled, wrapped

__all__ = ["plot_attainment", "plot_attainment_difference"]


def plot_attainment(
    fronts: Mapping[str, Fronts],
    objectives: Sequence[Objective],
    *,
    truth: Array | None = None,
    levels: tuple[float, float, float] = (10, 50, 90),
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "double",
) -> tuple[Figure, pd.DataFrame]:
    """Attainment surfaces, a panel a searcher: the line half of its runs attain, and the band from 10 to 90 %.

    Parameters
    ----------
    fronts : mapping of str to sequence of Array
        Searcher to the (k, 2) scored values, in natural units, that each of its runs delivered.
    objectives : sequence of Objective
        The two columns.
    truth : Array, optional
        (t, 2) true front.
    levels : tuple of float
        Per cent of the runs: band, line, band.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns ``searcher`` (or ``true front``), ``level`` (%), ``runs``, and one an objective.

    Raises
    ------
    ValueError
        Not two objectives, or nothing was delivered at all.
    """
    _two(objectives)
    colours = colours or palette(list(fronts))
    low = {s: [minimised(np.asarray(F), objectives) for F in runs] for s, runs in fronts.items()}
    ground = minimised(np.empty((0, 2)) if truth is None else truth, objectives)
    corner, limits = _frame([*(F for runs in low.values() for F in runs), ground], objectives)
    tables = [pd.DataFrame(minimised(ground, objectives)).assign(searcher="true front", level=np.nan, runs=0)]
    with styled():
        figure, axes = panels(
            width, len(low), across=2 if width == "single" else 4, height=1.8, sharex=True, sharey=True
        )
        for ax, (name, runs) in zip(axes, low.items(), strict=True):
            surfaces = [attainment(runs, level) for level in levels]
            _band(ax, surfaces, corner, objectives, colours[name])
            ax.plot(*_line(ground, corner, objectives).T, color=TRUTH, linewidth=2.5, zorder=1)
            ax.set_title(name, fontsize=7, color=colours[name])
            for level, surface in zip(levels, surfaces, strict=True):
                table = pd.DataFrame(minimised(surface, objectives))
                tables.append(table.assign(searcher=name, level=level, runs=len(runs)))
        _finish(axes, limits, objectives)
        counts = sorted({len(runs) for runs in low.values()})
        counted = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        lines = f"attained by {levels[1]:g} % (line) and {levels[0]:g} to {levels[2]:g} % (band) of {counted} runs"
        text = ": ".join(filter(None, [title, lines])) + ("; true front grey" if len(ground) else "")
        figure.suptitle(wrapped(text, width), fontsize=7)
    data = pd.concat(tables, ignore_index=True).rename(columns=dict(enumerate(o.name for o in objectives)))
    return figure, data[["searcher", "level", "runs", *(o.name for o in objectives)]]


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
    the surfaces that half the runs attain. The parameters are those of `plot_attainment`, `fronts` of two searchers.

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
    _two(objectives)
    if len(fronts) != 2:
        raise ValueError(f"difference: expected two searchers, found {', '.join(fronts) or 'none'}")
    colours = colours or palette(list(fronts))
    names = list(fronts)
    low = [[minimised(np.asarray(F), objectives) for F in fronts[name]] for name in names]
    ground = minimised(np.empty((0, 2)) if truth is None else truth, objectives)
    corner, limits = _frame([*low[0], *low[1], ground], objectives)
    u, v, difference = attained_difference(*low)
    u, v = np.append(u, corner[0]), np.append(v, corner[1])
    with styled():
        figure = new_figure(width, height=2.6 if width == "single" else 3.6)
        ax = figure.subplots()
        signs = minimised(np.ones((1, 2)), objectives)[0]
        shades = LinearSegmentedColormap.from_list("difference", [colours[names[1]], "white", colours[names[0]]])
        mesh = ax.pcolormesh(signs[1] * v, signs[0] * u, difference, cmap=shades, vmin=-1, vmax=1, rasterized=True)
        ax.plot(*_line(ground, corner, objectives).T, color="0.5", linewidth=0.8, label="true front")
        for name, runs in zip(names, low, strict=True):
            dark = tuple(0.6 * np.array(colours[name][:3]))
            ax.plot(
                *_line(attainment(runs, 50), corner, objectives).T, color=dark, linewidth=1, label=f"{name}, median"
            )
        _finish([ax], limits, objectives)
        ax.legend(fontsize=6)
        bar = figure.colorbar(mesh, ax=ax, ticks=[-1, -0.5, 0, 0.5, 1], aspect=30)
        bar.ax.set_yticklabels(["100 %", "50 %", "0", "50 %", "100 %"])
        bar.set_label(f"more {names[1]}  |  more {names[0]}")
        ax.set_title(title)
    return figure, _cells(u, v, difference, objectives)


def _two(objectives: Sequence[Objective]) -> None:
    if len(objectives) != 2:
        names = ", ".join(objective.name for objective in objectives)
        raise ValueError(f"attainment: drawn for two objectives, found {names}; choose two of them")


def _frame(sets: Sequence[Array], objectives: Sequence[Objective]) -> tuple[Array, Array]:
    """The worst corner, minimised, up to which surfaces are drawn, and the (2, 2) limits of the axes, natural."""
    found = [finite(F) for F in sets if len(F)]
    if not found:
        raise ValueError("attainment: no run delivered anything; wait until some have ended")
    points = np.concatenate(found)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.04 * np.where(high > low, high - low, 1.0)
    limits = minimised(np.array([low - margin, high + margin]), objectives)
    positive = (low > 0) & (limits[0] <= 0)  # a logarithmic axis needs a positive end
    limits[0, positive] = 0.8 * low[positive]
    return high + margin, limits


def _line(surface: Array, corner: Array, objectives: Sequence[Objective]) -> Array:
    """The (k, 2) corners of a surface in natural units, the second objective across."""
    line: Array = minimised(staircase(surface, corner), objectives)[:, ::-1]
    return line


def _band(ax: Any, surfaces: Sequence[Array], corner: Array, objectives: Sequence[Objective], color: Any) -> None:
    best, middle, worst = (_line(surface, corner, objectives) for surface in surfaces)
    if len(best):
        outer = worst if len(worst) else minimised(corner[None], objectives)[:, ::-1]
        ax.fill(*np.concatenate([best, outer[::-1]]).T, color=color, alpha=0.25, linewidth=0, zorder=2)
    ax.plot(*middle.T, color=color, zorder=3)


def _finish(axes: Sequence[Any], limits: Array, objectives: Sequence[Objective]) -> None:
    for ax in axes:
        label_objectives(ax, objectives, (1, 0))
        scale_axis(ax.xaxis, np.abs(limits[:, 1]) if (limits[:, 1] > 0).all() else [])
        ax.set(xlim=sorted(limits[:, 1]), ylim=sorted(limits[:, 0]))
        ax.label_outer()


def _cells(u: Array, v: Array, difference: Array, objectives: Sequence[Objective]) -> pd.DataFrame:
    signs = minimised(np.ones((1, 2)), objectives)[0]
    rows = []
    for i, row in enumerate(difference):
        starts = np.flatnonzero(np.diff(row, prepend=np.nan) != 0)
        ends = np.append(starts[1:], len(row))
        rows += [(u[i], u[i + 1], v[a], v[b], row[a]) for a, b in zip(starts, ends, strict=True) if row[a]]
    columns = [f"{o.name}_{end}" for o in objectives for end in ("from", "to")]
    table = pd.DataFrame(rows, columns=[*columns, "difference"])
    for objective, sign in zip(objectives, signs, strict=True):
        table[[f"{objective.name}_from", f"{objective.name}_to"]] *= sign
    return table
