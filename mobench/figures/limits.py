"""Limits of objectives in panels: a thin dashed line, and a light shade over what lies beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mobench.core.limits import within
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array

__all__ = ["draw_limits", "feasible"]


def feasible(F: Array, objectives: Sequence[Objective]) -> Array:
    """Those rows of (k, m) values in natural units that are within all limits."""
    return F[within(minimised(F, objectives), objectives)]


def draw_limits(ax: Any, objectives: Sequence[Objective], pair: tuple[int, int]) -> None:
    """Draw the limits of the objectives across and up, as far as they lie within the axes, which stay as they are."""
    if all(objectives[j].limit is None for j in pair):
        return
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())
    across, up = (objectives[j] for j in pair)
    for objective, bounds, line, span in (
        (across, ax.get_xbound(), ax.axvline, ax.axvspan),
        (up, ax.get_ybound(), ax.axhline, ax.axhspan),
    ):
        if (limit := objective.limit) is None:
            continue
        low, high = bounds
        start, end = (low, min(limit, high)) if objective.maximise else (max(limit, low), high)
        if start < end:
            span(start, end, color="0.5", alpha=0.12, linewidth=0, zorder=0)
        if low <= limit <= high:
            line(limit, color="0.3", linewidth=0.7, linestyle=(0, (4, 3)), zorder=0.5)
