"""AnalogNAS-Bench: the cells of NAS-Bench-201 on CIFAR-10, in digital and on analog hardware that drifts; 13 errors.

arXiv 2506.18495, 2025. The table is inside the package.
"""

from __future__ import annotations

from dataclasses import fields

from mobench import Array, Objective, Space
from mobench.problems._cells.space import EDGE_NAMES, OPERATIONS, graph, to_strings
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import values
from mobench.problems._table.problem import Offer, TableProblem, chosen, table_problem

CONDITIONS = {name: f"{name}_accuracy" for name in ("baseline", "ptq", "qat", "noisy", "analog")}
"""Ours, and the source's name."""
TIMES = {"1min": 60, "1h": 3600, "1d": 86_400, "30d": 2_592_000}
"""Seconds of drift."""
DRIFTS = {
    f"{name}_{time}": f"{theirs}_drift_{seconds}"
    for name, theirs in {"noisy": "baseline", "analog": "analog"}.items()
    for time, seconds in TIMES.items()
}


class AnalogCells(TableProblem):
    """A table of cells, which can be drawn."""

    def graph(self, x: Array) -> list[tuple[str, str, str]]:
        """The live edges of one cell, (6,), as source node, target node, operation."""
        return graph(x)


def problem(*, objectives: tuple[str, ...] = ("error:baseline", "error:noisy_1h", "error:analog_30d")) -> AnalogCells:
    """AnalogNAS-Bench with test errors of your choice, all minimised.

    Parameters
    ----------
    objectives
        Any of ``error:baseline`` (%, floating point), ``error:ptq`` and ``error:qat`` (quantised after and during
        training), ``error:noisy`` (trained in digital, put on analog hardware), ``error:analog`` (trained for that
        hardware), and of the latter two after a drift of a minute, an hour, a day and 30 days: ``error:noisy_1min``,
        ``error:noisy_1h``, ``error:noisy_1d``, ``error:noisy_30d``, ``error:analog_1min``, ``error:analog_1h``,
        ``error:analog_1d``, ``error:analog_30d``; each with a limit perhaps, ``error:baseline<=8``.

    Raises
    ------
    ValueError
        An unknown objective or one named twice.
    """
    table = embedded("analog")
    offers = {}
    for name in (*CONDITIONS, *DRIFTS):
        noise = values(table, f"{name}/std") if name in DRIFTS else None
        offers[f"error:{name}"] = Offer(Objective(f"error:{name}", "%"), 100.0 - values(table, name), noise=noise)
    cells = table_problem(
        Space((len(OPERATIONS),) * len(EDGE_NAMES), EDGE_NAMES, values=(OPERATIONS,) * len(EDGE_NAMES)),
        chosen(offers, objectives),
        written=to_strings,
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )
    return AnalogCells(**{field.name: getattr(cells, field.name) for field in fields(cells)})
