"""Searchers looked into: whether what they saw is true, and what they recorded about themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import kendalltau

from mobench.analysis.analysis import Analysis
from mobench.core.space import Array
from mobench.figures.chosen import look, outcomes
from mobench.figures.registry import Drawing, Selection, register
from mobench.figures.style import AXIS_LABELS, legend_below, palette, panels, scale_axis, styled, wrapped
from mobench.scoring.load import load

__all__ = ["draw_agreement", "draw_diagnostics", "plot_agreement", "plot_diagnostics", "thin"]

POINTS, PANELS = 12_000, 24
"""The most that a figure of records shows: its file stays within some hundred kilobytes."""

FEWEST, MARKED = 20, 60
"""Values that a line always keeps, and the most of them that have marks of their own."""


@register("agreement", of_one_problem=True)
def draw_agreement(analysis: Analysis, selection: Selection) -> Drawing:
    """What searchers saw of the first objective against its score, with Kendall's rank correlation."""
    objective = analysis.problem(selection.problem).objectives[0]
    folders = {analysis.study.key(spec): folder for spec, folder in analysis.study.runs}
    tables = []
    for searcher, seed, _ in outcomes(analysis, selection.problem):
        run = load(folders[selection.problem, searcher, seed])  # everything seen: too much to be kept of every run
        X, first = np.unique(run.history.X[run.history.fidelity == 0], axis=0, return_index=True)
        if len(X):
            seen = run.history.F[run.history.fidelity == 0][first, 0]
            scored = run.problem.score(X)[:, 0]
            tables.append(pd.DataFrame({"searcher": searcher, "seen": seen, "scored": scored}))
    answers = pd.concat(tables).drop_duplicates(ignore_index=True) if tables else pd.DataFrame()
    return plot_agreement(answers, label=objective.label, **look(analysis, selection))


def plot_agreement(
    answers: pd.DataFrame,
    *,
    label: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "double",
) -> tuple[Figure, pd.DataFrame]:
    """What searchers saw of an objective against its score, a panel a searcher, with Kendall's tau.

    Parameters
    ----------
    answers : pandas.DataFrame
        A row an architecture: searcher, seen, scored (natural units of one objective).
    label : str
        The objective and its unit.
    title, colours, width
        As of `mobench.figures.fronts.plot_fronts`.

    Returns
    -------
    figure, data
        The data has columns searcher, seen, scored, tau.

    Raises
    ------
    ValueError
        There are no answers.
    """
    if answers.empty:
        raise ValueError("agreement: no architecture was both seen and scored")
    searchers = list(dict.fromkeys(answers["searcher"]))
    colours = colours or palette(searchers)
    tables = []
    with styled():
        figure, axes = panels(width, len(searchers), across=2 if width == "single" else 4, height=1.75, sharex=True,
                              sharey=True)  # fmt: skip
        for ax, searcher in zip(axes, searchers, strict=True):
            part = answers[answers["searcher"] == searcher]
            tau = _tau(part["seen"], part["scored"])
            ax.scatter(part["seen"], part["scored"], s=4, color=colours[searcher], alpha=0.5, linewidths=0,
                       rasterized=len(part) > 1000)  # fmt: skip
            ax.axline((part["scored"].median(),) * 2, slope=1, color="0.6", linewidth=0.6, zorder=0)
            ax.set_title(f"{searcher}\n$\\tau$ = {tau:.2f}, n = {len(part)}", color=colours[searcher])
            tables.append(part[["searcher", "seen", "scored"]].assign(tau=tau))
        figure.supxlabel(f"seen {label}", fontsize=8)
        figure.supylabel(f"scored {label}", fontsize=8)
        figure.suptitle(title)
    return figure, pd.concat(tables, ignore_index=True)


def _tau(seen: Sequence[float], scored: Sequence[float]) -> float:
    """Kendall's tau-b; NaN where either is constant."""
    return float(kendalltau(seen, scored).statistic) if len(seen) > 1 else float("nan")


@register("diagnostics", of_one_problem=True)
def draw_diagnostics(analysis: Analysis, selection: Selection) -> Drawing:
    """What searchers recorded about themselves (gradient norms, entropy, ...), over the ledger."""
    tables = [
        pd.DataFrame({analysis.axis: series[:, 0], "value": series[:, 1]}).assign(searcher=s, seed=seed, quantity=name)
        for s, seed, outcome in outcomes(analysis, selection.problem)
        for name, series in outcome.diagnostics.items()
    ]
    columns = ["searcher", "seed", analysis.axis, "quantity", "value"]
    records = pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
    return plot_diagnostics(*thin(records), axis=analysis.axis, **look(analysis, selection))


def thin(records: pd.DataFrame, *, points: int = POINTS, panels: int = PANELS) -> tuple[pd.DataFrame, str]:
    """Records as far as a figure can show them, and a sentence on what is left out of it.

    Of a line of more values than its part of `points`, but at least `FEWEST`, each of equal parts keeps its least and
    its greatest, so that no peak is lost; its ends stay. Of more quantities than `panels` the first are kept.

    Parameters
    ----------
    records : pandas.DataFrame
        As `plot_diagnostics` takes them.
    points, panels : int
        The most of a figure.

    Returns
    -------
    records, note
        The note is empty where all are there.
    """
    names, notes = list(dict.fromkeys(records["quantity"])), []
    if len(names) > panels:
        notes.append(f"the first {panels} of {len(names)} quantities")
        records = records[records["quantity"].isin(names[:panels])]
    lines = records.groupby(["searcher", "seed", "quantity"], sort=False).indices
    most = max(FEWEST, points // max(len(lines), 1))
    values = records["value"].to_numpy(dtype=np.float64)
    rows = [np.asarray(line) for line in lines.values()]
    kept = [line if len(line) <= most else _peaks(line, values, most // 2) for line in rows]
    chosen = np.concatenate(kept) if kept else np.array([], dtype=int)
    if len(chosen) < len(records):
        notes.append(f"of lines of more than {most} values the least and the greatest of each of {most // 2} parts")
    return records.iloc[chosen].reset_index(drop=True), "; ".join(notes)


def _peaks(rows: Array, values: Array, parts: int) -> Array:
    """Of a line's rows its ends, and where each of equal parts is least and greatest."""
    found = [rows[0], rows[-1]]
    for part in np.array_split(rows, parts):
        known = part[~np.isnan(values[part])]
        found += [known[values[known].argmin()], known[values[known].argmax()]] if len(known) else []
    ordered: Array = np.unique(found)
    return ordered


def plot_diagnostics(
    records: pd.DataFrame,
    note: str = "",
    *,
    axis: str,
    title: str = "",
    colours: Mapping[str, Any] | None = None,
    width: str = "double",
) -> tuple[Figure, pd.DataFrame]:
    """What searchers recorded about themselves over the ledger: a panel a quantity, a line a run.

    Parameters
    ----------
    records : pandas.DataFrame
        Searcher, seed, `axis`, quantity (its name) and value.
    note : str
        What is not drawn, printed below.
    axis, title, colours, width
        As of `plot_anytime`.

    Returns
    -------
    figure, data
        The data is `records`.

    Raises
    ------
    ValueError
        Nothing was recorded.
    """
    if records.empty:
        raise ValueError("diagnostics: nothing was recorded; gradient searchers record, most others do not")
    searchers, quantities = (list(dict.fromkeys(records[name])) for name in ("searcher", "quantity"))
    colours = colours or palette(searchers)
    with styled():
        across = 1 if width == "single" else 3
        figure, axes = panels(width, len(quantities), across=across, height=1.6, sharex=True)
        for ax, quantity in zip(axes, quantities, strict=True):
            chosen = records[records["quantity"] == quantity]
            for (searcher, _), line in chosen.groupby(["searcher", "seed"], sort=False):
                mark = "." if len(line) <= MARKED else ""
                ax.plot(line[axis], line["value"], color=colours[searcher], linewidth=0.8, marker=mark, markersize=2)
            scale_axis(ax.yaxis, chosen["value"])
            ax.set_title(quantity.replace("_", " "))
        for ax in axes[-across:]:
            ax.set_xlabel(AXIS_LABELS[axis])
        handles = [axes[0].plot([], [], color=colours[searcher], label=searcher)[0] for searcher in searchers]
        legend_below(figure, width, handles)
        figure.suptitle(title)
        figure.supxlabel(wrapped(f"Drawn: {note}" if note else "", width), fontsize=6)
    return figure, records
