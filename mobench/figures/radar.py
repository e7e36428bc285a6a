"""One score on several problems at a glance: a radar, with its table beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mobench.analysis.analysis import Analysis
from mobench.analysis.statistics import comparable
from mobench.figures.chosen import look
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import new_figure, palette, styled, wrapped

__all__ = ["draw_radar", "plot_radar"]


@register("radar")
def draw_radar(analysis: Analysis, selection: Selection) -> Drawing:
    """Median share of each searcher on three or more problems (devices, datasets), with its table."""
    part, _ = comparable(analysis.matrices)
    table = pd.DataFrame({searcher: matrix.median() for searcher, matrix in part.items()})
    return plot_radar(table, **look(analysis, selection))


def plot_radar(
    scores: pd.DataFrame, *, title: str = "", colours: Mapping[str, Any] | None = None, width: str = "double"
) -> tuple[Figure, pd.DataFrame]:
    """One score a searcher on each of several problems (devices, datasets), as a radar with its table beside it.

    Parameters
    ----------
    scores : pandas.DataFrame
        (problems, searchers): more is better; a problem's spoke ends at 1 or at the largest score.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has a column problem and one a searcher.

    Raises
    ------
    ValueError
        Fewer than three problems: a radar needs three spokes.
    """
    if len(scores) < 3:
        raise ValueError(f"radar: expected at least three problems, found {len(scores)}")
    colours = colours or palette(list(map(str, scores)))
    angles = np.linspace(0, 2 * np.pi, len(scores), endpoint=False)
    numbers = [str(i) for i in range(1, len(scores) + 1)]
    with styled():
        figure = new_figure(width, height=2.6)
        ax: Any = figure.add_subplot(1, 2, 1, projection="polar")
        for searcher, values in scores.items():
            ax.plot(np.append(angles, 0), np.append(values, values.iloc[0]), color=colours[str(searcher)])
        ax.set_xticks(angles, numbers)
        ax.tick_params(pad=0)
        ax.set(rmin=0, rmax=max(1.0, float(scores.to_numpy().max())))
        ax.set_rlabel_position(180 / len(scores))
        ax.grid(linewidth=0.4)
        side = figure.add_subplot(1, 2, 2)
        side.axis("off")
        _table(side, scores, numbers, colours)
        names = ", ".join(f"{number} {problem}" for number, problem in zip(numbers, scores.index, strict=True))
        figure.supxlabel(wrapped(names, width), fontsize=6)
        figure.suptitle(title)
    return figure, scores.rename_axis("problem").reset_index()


def _table(ax: Any, scores: pd.DataFrame, numbers: list[str], colours: Mapping[str, Any]) -> None:
    """A row a searcher in its colour, a column a problem by its number."""
    texts = [[f"{value:.3f}" for value in scores[searcher]] for searcher in scores]
    table = ax.table(
        texts, rowLabels=list(scores), colLabels=numbers, cellLoc="center", loc="center", edges="horizontal"
    )
    table.auto_set_font_size(False)
    table.set_fontsize(6)
    table.auto_set_column_width(range(len(numbers)))
    for (row, column), cell in table.get_celld().items():
        cell.set_linewidth(0.4)
        if column < 0:
            cell.get_text().set_color(colours[list(scores)[row - 1]])
            cell.get_text().set_fontweight("bold")
