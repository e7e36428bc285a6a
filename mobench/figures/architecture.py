"""Architecture cards: an architecture as a graph, with what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from mobench.analysis.analysis import Analysis
from mobench.core.capabilities import Decodable, Drawable
from mobench.core.limits import true_front
from mobench.core.problem import Problem
from mobench.figures.names import folded
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import LETTERS, new_figure, palette, styled

__all__ = ["draw_architecture", "plot_architecture"]

Edge = tuple[str, str, str]
SPACING = 1.5
"""Distance of columns; the nodes of a column are 0.8 apart."""


@register("architecture", of_one_problem=True)
def draw_architecture(analysis: Analysis, selection: Selection) -> Drawing:
    """An architecture as a graph, with its scored values; --row gives its genes."""
    problem = analysis.problem(selection.problem)
    if not isinstance(problem, Drawable):
        raise ValueError("architecture: this problem does not say how to draw one")
    if not selection.row:
        raise ValueError(f"row: give {len(problem.space.names)} genes, for example --row {_example(problem)}")
    X = problem.space.check(np.array(selection.row))
    values = {
        objective.name: f"{value:.4g} {objective.unit}".strip()
        for objective, value in zip(problem.objectives, problem.score(X)[0].tolist(), strict=True)
    }
    text = problem.decode(X)[0] if isinstance(problem, Decodable) else ""
    return plot_architecture(problem.graph(X[0]), values=values, text=text, **selection.style)


def _example(problem: Problem) -> str:
    """Genes of an architecture, written as for the command line: one of the true front where it is known."""
    front = true_front(problem)
    X = problem.space.sample(np.random.default_rng(0), 1) if front is None or not len(front[0]) else front[0]
    return ",".join(map(str, X[len(X) // 2].tolist()))


def plot_architecture(
    edges: Sequence[Edge], *, values: Mapping[str, str], text: str = "", title: str = "", width: str = "single"
) -> tuple[Figure, pd.DataFrame]:
    """Draw an architecture from left to right, and print its values below.

    Parameters
    ----------
    edges : sequence of (str, str, str)
        Source node, target node and label of each edge, as `mobench.core.capabilities.Drawable` gives them.
    values : mapping of str to str
        What to print: name to value with its unit.
    text : str
        The architecture's written form.
    title, width : str
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns source, target, label: a row an edge.

    Raises
    ------
    ValueError
        The edges make a cycle.
    """
    places = _places(edges)
    labels = [label for label in dict.fromkeys(label for *_, label in edges) if label]
    colours = palette(labels)
    with styled():
        figure = new_figure(width, height=1.9 if width == "single" else 2.8)
        ax = figure.subplots()
        bends = [_bend(edge, places) for edge in edges]
        for (source, target, label), bend in zip(edges, bends, strict=True):
            gap = (_half(source) - _half(target)) / 2 * (bend == 0)  # between boxes, not between their middles
            _arrow(ax, places[source], places[target], bend, colours.get(label, "0.4"), label=label, gap=gap)
        for name, (x, y) in places.items():
            box = {"boxstyle": "round,pad=0.35", "facecolor": "0.93", "edgecolor": "0.4", "linewidth": 0.6}
            ax.text(x, y, name, ha="center", va="center", fontsize=6.5, bbox=box, zorder=4)
        xs, ys = np.array(list(places.values())).T
        high, low = max([0.0, *bends]), min([0.0, *bends])
        ax.set(xlim=(xs.min() - 0.4, xs.max() + 0.4), ylim=(ys.min() + low - 0.3, ys.max() + high + 0.3))
        ax.set_aspect("equal")
        ax.axis("off")
        if not edges:
            ax.text(xs.mean(), 0.15, "nothing connects them", ha="center", fontsize=7)
        figure.suptitle(title)
        costs = "    ".join(f"{name} {value}" for name, value in values.items())
        figure.supxlabel("\n".join(filter(None, [costs, folded(text, LETTERS[width], after="+ ")])), fontsize=6)
    return figure, pd.DataFrame(list(edges), columns=["source", "target", "label"])


def _places(edges: Sequence[Edge]) -> dict[str, tuple[float, float]]:
    """Nodes in columns by their longest path from the start, each column spread about the middle."""
    names = list(dict.fromkeys(name for source, target, _ in edges for name in (source, target)))
    depth = dict.fromkeys(names or ["input", "output"], 0)
    if not names:
        depth["output"] = 1
    for _ in names:
        for source, target, _label in edges:
            depth[target] = max(depth[target], depth[source] + 1)
    if edges and max(depth.values()) >= len(names):
        raise ValueError("edges: expected no cycle, found one")
    columns: dict[int, list[str]] = {}
    for name, column in depth.items():
        columns.setdefault(column, []).append(name)
    return {
        name: (SPACING * x, 0.8 * ((len(column) - 1) / 2 - i))
        for x, column in columns.items()
        for i, name in enumerate(column)
    }


def _bend(edge: Edge, places: Mapping[str, tuple[float, float]]) -> float:
    """How far an edge leaves the straight line (0: not at all): far enough to pass the nodes it jumps over."""
    (x0, y0), (x1, y1) = places[edge[0]], places[edge[1]]
    if not any(x0 < x < x1 and abs(y - (y0 + (y1 - y0) * (x - x0) / (x1 - x0))) < 0.3 for x, y in places.values()):
        return 0.0
    columns = round((x1 - x0) / SPACING)
    below = y0 + y1 < 0 or (y0 + y1 == 0 and columns == 2 and round(x0 / SPACING) % 2)  # so that arcs do not cross
    return (-0.4 if below else 0.4) * (columns - 1)


def _half(name: str) -> float:
    """Half of what a node's box takes across."""
    return 0.06 + 0.037 * len(name)


def _arrow(
    ax: Any, start: tuple[float, float], end: tuple[float, float], bend: float, color: Any, *, label: str, gap: float
) -> None:
    """An arrow whose middle lies `bend` beside the straight line, with its label there, `gap` further on."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = float(np.hypot(dx, dy))
    style: dict[str, Any] = {
        "arrowstyle": "-|>,head_length=3,head_width=1.6",
        "shrinkA": 9,
        "shrinkB": 12,
        "linewidth": 1.2,
    }
    curve = f"arc3,rad={-2 * bend / length}"  # of the control point; the curve goes half as far
    ax.add_patch(FancyArrowPatch(start, end, connectionstyle=curve, color=color, **style))
    if label:
        x = (start[0] + end[0]) / 2 - bend * dy / length + gap * dx / length
        y = (start[1] + end[1]) / 2 + bend * dx / length + gap * dy / length + (-0.1 if bend < 0 else 0.1)
        ax.text(x, y, label, ha="center", va="center", fontsize=5.5, color=color, zorder=3)
