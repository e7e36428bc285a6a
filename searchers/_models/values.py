"""Values as models and hypervolumes take them: logarithms where an objective says so, the front from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mobench import Array, Objective, nondominated, violation

__all__ = ["CUT", "Units", "comparable", "units_of"]

CUT = 1.5
"""Where values are cut for a model, in extents of the front from its best: half an extent behind its worst."""
BEYOND = 0.1
"""How far beyond the dearest answer a reference point is, in extents of the front; BoTorch's tenth."""


def comparable(F: Array, objectives: Sequence[Objective]) -> Array:
    """(n, m) minimised values, of objectives with ``scale="log"`` their logarithms; NaN stays NaN."""
    logarithmic = np.array([objective.scale == "log" for objective in objectives])
    if not logarithmic.any():
        return F
    found = np.array(F, dtype=np.float64)
    sign = np.array([-1.0 if objective.maximise else 1.0 for objective in objectives])
    tiny = np.finfo(float).tiny
    found[:, logarithmic] = (sign * np.log(np.maximum(sign * found, tiny)))[:, logarithmic]
    return found


@dataclass(frozen=True)
class Units:
    """Units in which the front of what was answered goes from 0 to 1.

    Attributes
    ----------
    low, span : Array
        (m,) its least values, and how far it reaches from there.
    reference : Array
        (m,) in these units, what bounds the hypervolume.
    """

    low: Array
    span: Array
    reference: Array

    def __call__(self, G: Array) -> Array:
        """(..., m) comparable values in these units."""
        found: Array = (G - self.low) / self.span
        return found


def units_of(
    F: Array, objectives: Sequence[Objective], margin: float, *, all_costs: bool = False
) -> tuple[Units, Array]:
    """Units by the front of (n, m) values, and which rows are on it, (n,) bool.

    The reference point is the front's worst value in each objective and `margin` of its extent more; with `all_costs`
    it is also beyond every answer in all objectives but the first, so that no architecture as costly as one that was
    seen is shut out. It is at most the limit where there is one, so that what is beyond adds nothing. The front is that
    of what is within limits, or, as long as nothing is, of what is the least beyond.
    """
    beyond = violation(F, objectives)
    front = beyond <= beyond.min()
    front[front] = nondominated(F[front])
    G = comparable(F, objectives)
    low, high = G[front].min(axis=0), G[front].max(axis=0)
    extent = np.where(high > low, high - low, G.max(axis=0) - G.min(axis=0))
    span = np.where(extent > 0, extent, 1.0)
    reference = high + margin * span
    if all_costs:
        reference[1:] = np.maximum(reference, G.max(axis=0) + BEYOND * span)[1:]
    most = np.array([[np.inf if o.limit is None else -o.limit if o.maximise else o.limit for o in objectives]])
    limit = np.where(np.isfinite(most), comparable(np.where(np.isfinite(most), most, 1.0), objectives), np.inf)[0]
    units = Units(low, span, np.zeros(len(low)))
    return Units(low, span, units(np.minimum(reference, limit))), front
