"""The parts of a report that are about one problem each: table, fronts to look at closely, figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mobench.analysis.analysis import TRUE_FRONT, Analysis
from mobench.analysis.targets import TARGETS, expected_running_times
from mobench.campaigns.study import STATES
from mobench.core.capabilities import Remarked, Surrogate
from mobench.core.indicators import SAMPLES
from mobench.core.limits import in_words
from mobench.core.problem import Problem
from mobench.core.space import Space
from mobench.figures.chosen import colours
from mobench.figures.style import AXIS_LABELS
from mobench.files.names import slug
from mobench.report.front_panels import Front
from mobench.report.page import Block, Folded, Pair, Section, Text
from mobench.report.pairs import pairs_blocks
from mobench.report.tables import Table

__all__ = ["problem_section"]

SHOWN = TARGETS[4::5][:3].tolist()
"""Targets of the table of expected running times: 10 %, 1 % and 0.1 % missing."""


def problem_section(analysis: Analysis, label: str, drawings: tuple[Block, ...]) -> Section:
    """One problem: what it is, how the searchers did, their fronts, and figures.

    Parameters
    ----------
    analysis : Analysis
        The frames.
    label : str
        The problem.
    drawings : tuple of Block
        Its figures.
    """
    problem = analysis.problem(label)
    remarks = problem.remarks if isinstance(problem, Remarked) else ()
    plain = analysis.study.plain(label)
    about = (
        *[f"{plain}."] * (plain != label),
        f"{_size(problem.space)}; objectives {in_words(problem.objectives)}.",
        *_modelled(problem),
        *(f"{remark}." for remark in remarks),
    )
    blocks: list[Block] = [Text(about), *_approximated(analysis, label), _table(analysis, label)]
    here = analysis.pairs_on_each[analysis.pairs_on_each["problem"] == label]
    if len(here):
        caption = f"Every pair of searchers on {label} (exact rank sums, Holm-corrected over these pairs)."
        pairs = pairs_blocks(f"pairs-{slug(label)}", caption, here)
        blocks.append(Folded("Every pair of searchers on this problem", pairs))
    sets = analysis.fronts(label)
    if set(sets) - {TRUE_FRONT}:
        caption = (
            "What the run of median share of each searcher delivered, as scored, over the true front. Point at a mark, "
            "or use the arrow keys, to see its architecture."
        )
        blocks.append(Front(f"Fronts of {label}", caption, problem.objectives, sets, colours(analysis)))
        blocks.append(Folded("Architectures of these fronts", (_architectures(label, sets),)))
        blocks += [Pair(drawings), _running_times(analysis, label)]
    return Section(label, tuple(blocks))


def _size(space: Space) -> str:
    """How many architectures there are, in words."""
    size = f"{space.size:,}" if space.size < 1e9 else f"{float(space.size):.2g}"
    return (
        f"{size} architectures"
        if space.pool is None
        else f"{size} architectures, the ones of a larger space that exist"
    )


def _modelled(problem: Problem) -> tuple[str, ...]:
    """Where answers come from a model, how well it fits what was kept from it."""
    if not isinstance(problem, Surrogate):
        return ()
    fits = (
        f"{o.name} {problem.held_out[o.name][0]:.3f} / {problem.held_out[o.name][1]:.3f}"
        for o in problem.objectives
        if o.name in problem.held_out
    )
    return (f"Answers come from a model; R2 / Kendall's tau on held-out measurements: {', '.join(fits)}.",)


def _approximated(analysis: Analysis, label: str) -> list[Block]:
    """A warning where hypervolumes are not exact."""
    runs = analysis.scores[(analysis.scores["problem"] == label) & analysis.scores["hypervolume"].notna()]
    count = int((runs["approximated"] > 0).sum()) if "approximated" in runs else 0
    if not count:
        return []
    said = f"Hypervolumes of {count} of {len(runs)} runs are approximated, or the true front's, which divides them: "
    said += f"{SAMPLES:,} directions stand for all. Relative errors as measured are below 0.002."
    return [Text((said,), "warning")]


def _table(analysis: Analysis, label: str) -> Table:
    rows = analysis.summary[analysis.summary["problem"] == label].sort_values("rank", kind="stable", ignore_index=True)
    columns = ["searcher", "median", "low", "high", "confidence", "q25", "q75", "log10_regret", "rank", "size"]
    states = ["ended", *(state for state in STATES[1:] if rows[state].any())]
    return Table(
        f"problem-{slug(label)}",
        f"{label}: {analysis.measure.label}, median over runs with its interval (order statistics) and quartiles, and "
        "the median size of the delivered set.",
        rows[[*columns, *states]],
        formats=dict.fromkeys(("median", "low", "high", "q25", "q75"), ".4f")
        | {"confidence": ".1%", "log10_regret": ".2f"},
        titles={"confidence": "confidence of it", "q25": "lower quartile", "q75": "upper quartile"}
        | {"log10_regret": "log10 regret", "size": "set size"},
        best=np.flatnonzero(rows["rank"] == rows["rank"].min()).tolist() if len(rows) > 1 else (),
    )


def _running_times(analysis: Analysis, label: str) -> Table:
    times = analysis.runtimes[analysis.runtimes["problem"] == label]
    found = expected_running_times(times[times["target"].isin(SHOWN)])
    frame = found.pivot(index="searcher", columns="target", values="ert").reindex(columns=SHOWN)
    names = {target: f"{target:.1%} missing".replace(".0", "") for target in SHOWN}
    frame = frame.reindex(list(dict.fromkeys(found["searcher"]))).rename(columns=names).reset_index()
    return Table(
        f"times-{slug(label)}",
        f"{label}: expected running times in {AXIS_LABELS[analysis.axis]}, until so much of the true front's "
        "hypervolume is missing: all that was spent over the number of runs that got there (inf: none did).",
        frame,
        dict.fromkeys(names.values(), ",.4g"),
    )


def _architectures(label: str, sets: dict[str, pd.DataFrame]) -> Table:
    frame = pd.concat([s.assign(set=name) for name, s in sets.items()], ignore_index=True)
    first = ["set", "architecture"]
    frame = frame[[*first, *(c for c in frame if c not in first)]]
    verdicts = [name for name in ("nondominated", "feasible") if name in frame]
    for name in verdicts:
        frame[name] = frame[name].map(lambda v: "" if pd.isna(v) else "yes" if v else "no")
    numbers = [c for c in frame.columns[2:] if c not in verdicts]
    return Table(
        f"front-{slug(label)}", f"Architectures of the fronts of {label}.", frame, dict.fromkeys(numbers, ".6g")
    )
