"""A run's result in one figure: what was delivered, and the course of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from mobench.analysis.attainment import staircase
from mobench.core.budget import CURRENCIES
from mobench.core.capabilities import Enumerable
from mobench.figures.limits import draw_limits, feasible
from mobench.figures.style import AXIS_LABELS, TRUTH, label_objectives, new_figure, scale_axis, styled

if TYPE_CHECKING:
    from mobench.scoring.result import Result

__all__ = ["figure_of"]

COLOUR = "#1f6fb4"


def figure_of(result: Result, *, contract: str) -> Figure:
    """Draw the delivered set, in the first two objectives, and the share of hypervolume over the budget's currency.

    Raises
    ------
    mobench.scoring.result.NoPopulationError
        The contract scores populations, and the run recorded none.
    """
    with styled():
        figure = new_figure("double", height=2.6)
        left, right = figure.subplots(1, 2)
        _front(left, result, contract)
        _course(right, result, contract)
    return figure


def _front(ax: Any, result: Result, contract: str) -> None:
    objectives, F = result.problem.objectives, result.scored(contract=contract)[1]
    pair = (1, 0) if len(objectives) > 1 else (0, 0)
    sets = {"delivered": F}
    if isinstance(result.problem, Enumerable):
        sets = {"true front": result.problem.front()[1]} | sets
    for name, values in sets.items():
        colour = TRUTH if name == "true front" else COLOUR
        if len(objectives) == 2 and len(values):
            line = staircase(feasible(values, objectives)[:, pair], objectives=[objectives[j] for j in pair])
            ax.plot(*line.T, color=colour, linewidth=3.5 if name == "true front" else 0.9, zorder=1)
        ax.scatter(*values[:, pair].T, s=6 if name == "true front" else 14, color=colour, label=name, zorder=2)
    label_objectives(ax, objectives, pair)
    if len(F):
        scale_axis(ax.xaxis, F[:, pair[0]])
    draw_limits(ax, objectives, pair)
    ax.legend(loc="best")


def _course(ax: Any, result: Result, contract: str) -> None:
    axis = next((c for c in CURRENCIES if c != "asked" and getattr(result.limit, c) < float("inf")), "evaluations")
    curve = result.curve(axis=axis, contract=contract)
    end = max([*curve[axis].iloc[-1:], getattr(result.spent, axis)])
    amounts, shares = [*curve[axis], end], [*curve["hypervolume"], *curve["hypervolume"].iloc[-1:]]
    ax.plot(amounts[: len(shares)], shares, color=COLOUR, drawstyle="steps-post")
    ax.set_xlabel(AXIS_LABELS[axis])
    ax.set_ylabel("share of hypervolume")
    ax.set_xlim(left=0)
