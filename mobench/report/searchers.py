"""The parts of a report that are about searchers and about single runs."""

from __future__ import annotations

import pandas as pd

from mobench.analysis.analysis import Analysis
from mobench.campaigns.study import OVER, STATES
from mobench.core.budget import AXES
from mobench.files.names import slug
from mobench.plugins.catalogue import summary as plugin_summary
from mobench.plugins.references import unversioned
from mobench.report.page import Block, Section, Text
from mobench.report.tables import Table
from mobench.scoring.contract import CAPS

__all__ = ["runs_section", "searchers_section"]


def searchers_section(analysis: Analysis) -> Section:
    """A part a searcher: how it did on each problem, what it spent, and its diagnostics."""
    return Section("Searchers", (), tuple(_searcher(analysis, label) for label in analysis.study.searchers))


def axes_of(scores: pd.DataFrame) -> list[str]:
    """The currencies that a table of runs shows: the simulated clock's only where one went."""
    return [axis for axis in AXES if axis != "clock" or scores[axis].max() > 0]


def _searcher(analysis: Analysis, label: str) -> Section:
    mine = analysis.summary[analysis.summary["searcher"] == label]
    scores = analysis.scores[analysis.scores["searcher"] == label]
    spent = scores[scores["state"].isin(OVER)].groupby("problem", sort=False)
    costs = spent[axes_of(analysis.scores)].median().reset_index()
    ends = analysis.ends[analysis.ends["searcher"] == label]
    took = ends.groupby("problem", sort=False).agg(
        cpu_seconds=("cpu_seconds", "median"), ended_by=("reason", lambda r: ", ".join(sorted(set(r))))
    )
    columns = ["problem", "median", "low", "high", "confidence", "log10_regret", "rank", "size", *STATES]
    frame = mine[columns].merge(costs, how="left", on="problem").merge(took.reset_index(), how="left", on="problem")
    frame["ended_by"] = frame["ended_by"].fillna("")
    table = Table(
        f"searcher-{slug(label)}",
        f"{label} on each problem: median {analysis.measure.label} with its interval, rank, and the median of what a "
        "run spent.",
        frame,
        formats=dict.fromkeys(("median", "low", "high"), ".4f")
        | {"confidence": ".1%", "log10_regret": ".2f", "cpu_seconds": ".3g"}
        | dict.fromkeys(AXES, ",.4g"),
        titles={"confidence": "confidence of it", "log10_regret": "log10 regret", "cpu_seconds": "CPU seconds"}
        | {"size": "set size"},
    )
    plain = analysis.study.plain(label)
    about = _about(unversioned(plain).partition(":")[0])
    blocks: tuple[Block, ...] = (Text((about if plain == label else f"{plain}. {about}",)), table)
    if faults := _faults(analysis, label):
        blocks += (Text(("Some of what it recorded cannot be read, and is left out.",), "warning", faults),)
    if len(records := _records(analysis, label)):
        what = (
            "Diagnostics that the run of median share recorded, scalars only: how often, first, last, least and most."
        )
        blocks += (Table(f"diagnostics-{slug(label)}", what, records, formats=dict.fromkeys(records.columns, ".4g")),)
    return Section(label, blocks)


def _faults(analysis: Analysis, label: str) -> tuple[str, ...]:
    """What is wrong with records, a sentence a problem and kind, however many runs it is in."""
    found = {
        (problem, fault.partition(": ")[2]): f"{problem}, seed {seed}: {fault}."
        for (problem, searcher, seed), outcome in reversed(analysis.outcomes.items())
        for fault in outcome.faults[:1]
        if searcher == label
    }
    return tuple(found.values())


def _about(name: str) -> str:
    """One sentence on a searcher; its plugin need not be at hand where its runs are read."""
    try:
        return f"{plugin_summary('searcher', name)}."
    except ValueError:
        return "Its file or package is not at hand here."


def _records(analysis: Analysis, label: str) -> pd.DataFrame:
    """The numbers that the searcher's median runs recorded."""
    rows = []
    for problem in analysis.study.problems:
        outcome = analysis.medians.get((problem, label))
        for name, series in outcome.diagnostics.items() if outcome else ():
            values = series[:, 1]
            rows.append((problem, name, len(values), values[0], values[-1], values.min(), values.max()))
    return pd.DataFrame(rows, columns=["problem", "quantity", "times", "first", "last", "least", "most"])


def runs_section(analysis: Analysis) -> Section:
    """Every run in a row."""
    times = analysis.ends[["problem", "searcher", "seed", "reason", "wall_seconds"]]
    frame = analysis.scores.merge(times, how="left", on=["problem", "searcher", "seed"])
    frame["reason"] = frame["reason"].fillna("")
    shares = ("hypervolume", *(f"hypervolume_{k}" for k in CAPS), "area")
    measures = [c for c in (*shares, "log10_regret", "igd_plus", "epsilon", "r2") if c in frame]
    raw = [c for c in ("volume", "size") if c in frame]
    if "approximated" in frame and frame["approximated"].any():
        frame["approximated"] = frame["approximated"].map({1.0: "yes", 0.0: "no"}).fillna("")
        raw.append("approximated")
    columns = ["problem", "searcher", "seed", "state", *measures, *raw, *axes_of(frame)]
    table = Table(
        "runs",
        "Every run: its state, the measures of what it delivered, what it spent and why it ended.",
        frame[[*columns, "wall_seconds", "reason", "error", "data", "run"]],
        formats=dict.fromkeys(measures, ".4f")
        | {"volume": ".6g"}
        | dict.fromkeys(AXES, ",.4g")
        | {"wall_seconds": ".3g"},
        titles={"log10_regret": "log10 regret", "igd_plus": "IGD+", "r2": "R2", "reason": "ended by", "run": "folder"}
        | {"area": "area over the curve", "volume": "hypervolume in units", "size": "set size"}
        | {"approximated": "hypervolume approximated"}
        | {f"hypervolume_{k}": f"hypervolume of {k}" for k in CAPS},
    )
    return Section("All runs", (table,))
