"""The measures by which runs can be compared in tables and tests, and in which direction each is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HYPERVOLUME", "MARGIN", "MEASURES", "Measure", "natural"]

MARGIN = 0.01
"""Means of a measure that differ by less count as equal."""


@dataclass(frozen=True)
class Measure:
    """A number a run.

    Attributes
    ----------
    name : str
        Its column in the frame of scores.
    label : str
        What readers call it.
    maximise : bool
        Whether more is better. Such a measure is a share, from 0 to 1; the others are distances, from 0.
    """

    name: str
    label: str
    maximise: bool = False

    @property
    def distance(self) -> str:
        """Its name where it is a distance, which curves can have; else empty."""
        return "" if self.maximise else self.name

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest value in the sign in which more is better."""
        return (0.0, 1.0) if self.maximise else (-float("inf"), 0.0)


HYPERVOLUME = Measure("hypervolume", "hypervolume share", maximise=True)

MEASURES = {
    measure.name: measure
    for measure in (
        HYPERVOLUME,
        Measure("igd_plus", "IGD+"),
        Measure("epsilon", "additive epsilon"),
        Measure("r2", "R2"),
        Measure("area", "area over the convergence curve", maximise=True),
    )
}
"""Every measure by its name: see `mobench.scoring.contract.Contract.measures` and `mobench.analysis.convergence`."""


def natural(table: pd.DataFrame, value: str, measure: Measure) -> pd.DataFrame:
    """A table of estimates, column `value` with ``low`` and ``high``, in the measure's own sign."""
    if measure.maximise:
        return table
    return table.assign(**{value: -table[value], "low": -table["high"], "high": -table["low"]})
