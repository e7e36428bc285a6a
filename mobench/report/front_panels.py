"""Fronts to look at closely: an SVG whose points tell their architecture under the pointer and the arrow keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.ticker import LogLocator, MaxNLocator

from mobench.analysis.analysis import TRUE_FRONT
from mobench.core.limits import within
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array
from mobench.report.tables import shown
from mobench.scoring.front import objective_columns

__all__ = ["Front", "view_front"]

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 680, 430, 78, 666, 12, 372
"""Size of a panel and edges of its axes, in the units of the SVG."""

MARKS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
    "M-3.6-3.6H3.6V3.6H-3.6Z",
    "M0-5L5 0L0 5L-5 0Z",
    "M0-4.8L4.6 3.6H-4.6Z",
    "M0 4.8L4.6-3.6H-4.6Z",
    "M-1.5-4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5V-1.5H-1.5Z",
    "M4.8 0L-3.6 4.6V-4.6Z",
    "M-4.8 0L3.6 4.6V-4.6Z",
)


@dataclass(frozen=True)
class Front:
    """Sets of architectures of one problem.

    Attributes
    ----------
    title, caption : str
        What it shows.
    objectives : sequence of Objective
        At least one; each but the first gets a panel against the first.
    sets : mapping of str to pandas.DataFrame
        Searcher (or `TRUE_FRONT`) to its architectures: ``architecture``, a column an objective, and further columns to
        be told with each point.
    colours : mapping
        Searcher to colour.
    """

    title: str
    caption: str
    objectives: Sequence[Objective]
    sets: Mapping[str, pd.DataFrame]
    colours: Mapping[str, Any]


def view_front(front: Front) -> dict[str, Any]:
    """What the page's template draws: panels with ticks, series and dots, and the data of every dot."""
    names = objective_columns(front.objectives)
    order = sorted(front.sets, key=lambda name: name != TRUE_FRONT)  # the ground first, the others over it
    sets = [front.sets[name].sort_values(names[-1], kind="stable", ignore_index=True) for name in order]
    extras = list(dict.fromkeys(c for s in sets for c in s.columns if c not in (*names, "architecture")))
    starts = np.cumsum([0, *(len(s) for s in sets)])
    searchers = [name for name in order if name != TRUE_FRONT]
    series = [
        {
            "name": name,
            "index": i,
            "truth": name == TRUE_FRONT,
            "colour": "#8b949e" if name == TRUE_FRONT else to_hex(front.colours[name]),
            "mark": MARKS[0] if name == TRUE_FRONT else MARKS[searchers.index(name) % len(MARKS)],
        }
        for i, name in enumerate(order)
    ]
    across = range(1, len(names)) if len(names) > 1 else range(1)
    return {
        "title": front.title,
        "caption": front.caption,
        "series": series,
        "panels": [_panel(front.objectives, sets, series, starts, j) for j in across],
        "data": {
            "labels": [o.label for o in front.objectives] + [extra.replace("_", " ") for extra in extras],
            "points": [p for s, name in zip(sets, order, strict=True) for p in _points(s, name, [*names, *extras])],
        },
        **{"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
    }


def _points(frame: pd.DataFrame, name: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    shown_columns = [
        [None if pd.isna(v) else shown(v, ".6g") for v in frame[c]] if c in frame else [None] * len(frame)
        for c in columns
    ]
    values = [list(row) for row in zip(*shown_columns, strict=True)]
    return [
        {"series": name, "architecture": str(text), "values": row}
        for text, row in zip(frame["architecture"], values, strict=True)
    ]


def _panel(
    objectives: Sequence[Objective], sets: Sequence[pd.DataFrame], series: list[dict[str, Any]], starts: Array, j: int
) -> dict[str, Any]:
    """The first objective (up) against the one numbered `j` (across)."""
    x, y = objectives[j], objectives[0]
    names = objective_columns(objectives)
    across, up = names[j], names[0]
    scale_x = _Scale(np.concatenate([s[across].to_numpy(np.float64) for s in sets]), LEFT, RIGHT)
    scale_y = _Scale(np.concatenate([s[up].to_numpy(np.float64) for s in sets]), BOTTOM, TOP)
    drawn = []
    for s, look, start in zip(sets, series, starts, strict=False):
        at = np.column_stack([scale_x.at(s[across].to_numpy(np.float64)), scale_y.at(s[up].to_numpy(np.float64))])
        rows = np.argsort(at[:, 0], kind="stable")
        dots = [{"x": f"{at[i, 0]:.1f}", "y": f"{at[i, 1]:.1f}", "i": int(start + i)} for i in rows]
        feasible = within(minimised(s[[*names]].to_numpy(np.float64), objectives), objectives)
        stairs = _stairs(at[rows[feasible[rows]]], x, y) if len(objectives) == 2 else ""
        drawn.append(look | {"dots": dots, "stairs": stairs})
    return {
        "x": {"label": x.label, "ticks": scale_x.ticks(), "limit": scale_x.beyond(x)},
        "y": {"label": y.label, "ticks": scale_y.ticks(), "limit": scale_y.beyond(y)},
        "series": drawn,
    }


def _stairs(at: Array, x: Objective, y: Objective) -> str:
    """What a set attains: steps through its points (k, 2), given from left to right."""
    if not len(at):
        return ""
    best = at[::-1] if x.maximise else at  # from the cheapest on, the best so far; up is less in an SVG
    heights = (np.minimum if y.maximise else np.maximum).accumulate(best[:, 1])
    edge = LEFT if x.maximise else RIGHT
    corners = np.append(best[1:, 0], edge)
    steps = "".join(f"V{h:.1f}H{c:.1f}" for h, c in zip(heights, corners, strict=True))
    return f"M{best[0, 0]:.1f} {heights[0]:.1f}{steps}"


class _Scale:
    """Values to places between two edges, logarithmic where they span more than 30 times their least."""

    def __init__(self, values: Array, low_edge: float, high_edge: float) -> None:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        self.log = low > 0 and high > 30 * low
        low, high = self._units(np.array([low, high]))
        margin = 0.04 * (high - low) or 0.5
        self.low, self.high = low - margin, high + margin
        self.low_edge, self.high_edge = low_edge, high_edge

    def _units(self, values: Array) -> Array:
        return np.log10(values) if self.log else values

    def at(self, values: Array) -> Array:
        share = (self._units(values) - self.low) / (self.high - self.low)
        places: Array = self.low_edge + share * (self.high_edge - self.low_edge)
        return places

    def beyond(self, objective: Objective) -> dict[str, float | str] | None:
        """Where the shade over what is beyond a limit begins, its length, and where the limit is; None if nowhere."""
        if objective.limit is None or (self.log and objective.limit <= 0):
            return None
        place = float(self.at(np.array(objective.limit)))
        edges = sorted((self.low_edge, self.high_edge))
        end = self.low_edge if objective.maximise else self.high_edge
        start, stop = sorted((min(max(place, edges[0]), edges[1]), end))
        if start == stop:
            return None
        line = round(place, 1) if edges[0] <= place <= edges[1] else ""
        return {"start": round(start, 1), "length": round(stop - start, 1), "line": line, "text": objective.bound}

    def ticks(self) -> list[dict[str, Any]]:
        if self.log:
            subs = (1.0, 2.0, 5.0) if self.high - self.low < 2.5 else (1.0,)
            found = np.asarray(LogLocator(subs=subs).tick_values(10**self.low, 10**self.high))
        else:
            found = np.asarray(MaxNLocator(5).tick_values(self.low, self.high))
        inside = found[(self._units(found) >= self.low) & (self._units(found) <= self.high)]
        return [{"at": round(float(self.at(v)), 1), "text": f"{v:.6g}"} for v in inside]
