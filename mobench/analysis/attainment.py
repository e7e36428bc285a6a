"""What sets of points attain: staircases of one, surfaces of many, differences; two objectives.

Values come and go in natural units; where no objectives are given, less is better in both columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np

from mobench.core.indicators import finite, nondominated
from mobench.core.problem import Objective, minimised
from mobench.core.space import Array

__all__ = ["Fronts", "attained_difference", "attainment", "staircase"]

Fronts = Sequence[Array]
"""What each run of a searcher delivered: (k, 2) values a run; k differs from run to run and may be 0."""


def attainment(fronts: Fronts, level: float, objectives: Sequence[Objective] = ()) -> Array:
    """The surface that at least `level` per cent of the runs attain (Grunert da Fonseca et al. 2001).

    Parameters
    ----------
    fronts : sequence of Array
        (k, 2) values a run; a run that delivered nothing attains nothing.
    level : float
        More than 0, at most 100.
    objectives : sequence of Objective
        The two columns.

    Returns
    -------
    Array
        (n, 2) nondominated points, the best of the first column first; none where so many runs attain nothing at all.
    """
    needed = max(int(np.ceil(len(fronts) * level / 100 - 1e-9)), 1)
    found = [minimised(finite(F), objectives) for F in fronts if len(F)]
    if needed > len(found):
        return np.empty((0, 2))
    points, sets = np.concatenate(found), np.repeat(np.arange(len(found)), [len(F) for F in found])
    if len(found) == 1:
        surface = staircase(points)[::2]
    else:
        surface = moocore.eaf(points, sets, percentiles=[100.0 * needed / len(found)])[:, :2]
    return minimised(surface, objectives)


def attained_difference(
    first: Fronts, second: Fronts, objectives: Sequence[Objective] = (), *, cells: int = 500
) -> tuple[Array, Array, Array]:
    """Share of the runs of `first` that attain each place, less that of `second`.

    Parameters
    ----------
    first, second : sequence of Array
        (k, 2) values a run; the numbers of runs may differ.
    objectives : sequence of Objective
        The two columns.
    cells : int
        Most steps along an axis: beyond so many different values, evenly chosen ones of them.

    Returns
    -------
    x, y, difference : Array
        (p,) and (q,) values, the best first, and (p, q) differences from -1 to 1 on the cell from ``x[i]`` to
        ``x[i + 1]`` and ``y[j]`` to ``y[j + 1]`` (the last ones go on for ever).
    """
    first, second = ([minimised(finite(F), objectives) for F in runs] for runs in (first, second))
    x, y = (_ticks(column, cells) for column in np.concatenate([*first, *second]).T)
    difference = _attained(first, x, y) - _attained(second, x, y)
    return minimised(x[:, None], objectives[:1])[:, 0], minimised(y[:, None], objectives[1:])[:, 0], difference


def _ticks(values: Array, most: int) -> Array:
    values = np.unique(values)
    return values if len(values) <= most else values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def _attained(fronts: Fronts, x: Array, y: Array) -> Array:
    """Share of the runs, of minimised values, that attain each (x[i], y[j]); (p, q)."""
    count = np.zeros((len(x), len(y)))
    for F in fronts:
        if len(F):
            order = np.argsort(F[:, 0], kind="stable")
            best = np.concatenate([[np.inf], np.minimum.accumulate(F[order, 1])])
            count += best[np.searchsorted(F[order, 0], x, side="right")][:, None] <= y
    share: Array = count / len(fronts)
    return share


def staircase(F: Array, corner: Array | None = None, objectives: Sequence[Objective] = ()) -> Array:
    """Corners of the line that bounds what (n, 2) values attain, the first column across.

    Parameters
    ----------
    F : Array
        (n, 2) values; dominated ones do not matter.
    corner : Array, optional
        (2,) point worse than all: the line is drawn up to its height and out to its width.
    objectives : sequence of Objective
        The two columns.

    Returns
    -------
    Array
        (k, 2) corners from the best of the first column to the best of the second; none for no points.
    """
    if not len(F):
        return np.empty((0, 2))
    F = minimised(F, objectives)
    points = np.unique(F[nondominated(F)], axis=0)
    turns = np.column_stack([points[1:, 0], points[:-1, 1]])
    corners = np.empty((2 * len(points) - 1, 2))
    corners[::2], corners[1::2] = points, turns
    if corner is not None:
        corner = minimised(corner, objectives)
        ends = [points[0, 0], corner[1]], [corner[0], points[-1, 1]]
        corners = np.concatenate([[ends[0]], corners, [ends[1]]])
    return minimised(corners, objectives)
