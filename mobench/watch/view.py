"""What the page shows at a moment, as plain data: the campaign, runs, failures, and a problem's curves and fronts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from mobench.campaigns.failures import different
from mobench.campaigns.look import STATES
from mobench.core.limits import true_front
from mobench.core.messages import duration, flat, one_line, plain
from mobench.core.space import Array
from mobench.figures.style import AXIS_LABELS, palette
from mobench.harness.spec import RunSpec
from mobench.watch.feed import Entry, Feed
from mobench.watch.scores import MOST_RUNS, Scored, Scores, is_scored

__all__ = ["campaign_view", "problem_view", "truth_view"]

SHOWN = 40
"""Runs that have begun, and causes of failures."""
CELLS = 600
"""So many pairs at most are shown in a table."""
GRID = 160
"""Points of a curve."""
POINTS = 500
"""Points of a front; of a longer one so many of them."""


def campaign_view(feed: Feed, scores: Scores) -> dict[str, Any]:
    """How far the campaign has come."""
    campaign, total = feed.campaign, feed.total
    problems, searchers = feed.problems, feed.searchers
    colours = palette(searchers)
    begun = feed.begun
    pairs = [
        [i, j, {state: counts[state] for state in STATES if counts[state]}]
        for (i, problem) in enumerate(problems)
        for (j, searcher) in enumerate(searchers)
        if (counts := feed.counts.get((problem, searcher)))
    ]
    return {
        "name": plain(campaign.name),
        "folder": plain(str(feed.folder)),
        "budget": ", ".join(f"{amount:,g} {axis}" for axis, amount in campaign.budget.items()),
        "contract": campaign.contract,
        "total": {state: total[state] for state in STATES},
        "runs": total.total(),
        "share": feed.share,
        "left": None if (left := feed.left) is None else duration(left),
        "problems": [flat(feed.names[label]) for label in problems],
        "searchers": [{"label": flat(feed.names[label]), "colour": to_hex(colours[label])} for label in searchers],
        "pairs": pairs[:CELLS],
        "begun": [_run(entry, problems, searchers, scores) for entry in begun[:SHOWN]],
        "more": max(len(begun) - SHOWN, 0),
        "failures": [
            {"run": plain(str(failure.folder)), "error": failure.error, "lines": failure.lines, "runs": runs}
            for failure, runs in different(feed.failures, SHOWN)
        ],
    }


def _run(entry: Entry, problems: Sequence[str], searchers: Sequence[str], scores: Scores) -> dict[str, Any]:
    spec, scored = entry.spec, scores.runs.get(entry)
    return {
        "problem": problems.index(spec.problem_label),
        "searcher": searchers.index(spec.searcher_label),
        "seed": spec.seed,
        "state": entry.state,
        "share": None if entry.followed is None else entry.followed.share,
        "hypervolume": None if scored is None or not len(scored.shares) else scored.shares[-1],
    }


def truth_view(scores: Scores, spec: RunSpec) -> dict[str, Any]:
    """What stays of a problem while runs go on: objectives, the true front, the axis of the budget."""
    try:
        problem = scores.problem(spec)
        known = true_front(problem)
        front = np.empty((0, len(problem.objectives))) if known is None else known[1]
        axis, limit = scores.axis, scores.campaign.budget[scores.axis]
        return {
            "objectives": [
                {"name": flat(o.label), "maximise": o.maximise, "log": o.scale == "log", "limit": o.limit}
                for o in problem.objectives
            ],
            "front": _thinned(front).tolist(),
            "members": len(front),
            "scored": is_scored(problem),
            "axis": AXIS_LABELS[axis],
            "limit": limit,
        }
    except Exception as error:  # noqa: BLE001 - a problem of the user's may raise anything; the page says so
        return {"fault": one_line(error)}


def problem_view(scores: Scores, entries: Sequence[Entry], names: Mapping[str, str]) -> dict[str, Any]:
    """Curves and fronts of one problem, as far as its runs are scored; searchers by `names`."""
    groups: dict[str, list[Scored]] = {}
    for entry in entries:
        if (scored := scores.runs.get(entry)) is not None:
            groups.setdefault(entry.spec.searcher_label, []).append(scored)
    label = entries[0].spec.problem_label
    begun = sum(entry.state != "waiting" for entry in entries)
    return {
        "scored": sum(map(len, groups.values())),
        "begun": begun,
        "most": MOST_RUNS,
        "fault": scores.faults.get(label, ""),
        "searchers": {flat(names[searcher]): _searcher_view(runs, scores) for searcher, runs in groups.items()},
    }


def _searcher_view(runs: Sequence[Scored], scores: Scores) -> dict[str, Any]:
    shares = [run.shares[-1] if len(run.shares) else 0.0 for run in runs]
    middle = sorted(range(len(runs)), key=lambda k: shares[k])[(len(runs) - 1) // 2]
    latest = max(range(len(runs)), key=lambda k: runs[k].at)
    fronts = {"median": runs[middle], "latest": runs[latest]}
    return {
        "runs": len(runs),
        "hypervolume": statistics.median(shares) if any(len(run.shares) for run in runs) else None,
        "curve": _median_curve(runs, float(scores.campaign.budget[scores.axis])),
        "fronts": {
            name: {"seed": run.seed, "state": run.state, "members": len(run.F), "F": _thinned(run.F).tolist()}
            for name, run in fronts.items()
        },
    }


def _median_curve(runs: Sequence[Scored], limit: float) -> list[list[float]]:
    """Median share at amounts of the budget over those runs that have come so far; what has ended stays as it ended.

    Returns
    -------
    list of [amount, share, runs]
        As far as any run has come.
    """
    runs = [run for run in runs if len(run.shares)]
    found = []
    for amount in np.linspace(0.0, limit, GRID + 1)[1:]:
        there = [run for run in runs if run.spent >= amount or run.state in ("ended", "failed")]
        if not there:
            break
        at = [int(np.searchsorted(run.amounts, amount * (1 + 1e-12), side="right")) for run in there]
        values = [run.shares[k - 1] if k else 0.0 for run, k in zip(there, at, strict=True)]
        found.append([float(amount), statistics.median(values), len(there)])
    return found


def _thinned(F: Array) -> Array:
    """(k, m) points, sorted by the first column; of many some, evenly."""
    F = F[np.argsort(F[:, 0], kind="stable")]
    return F if len(F) <= POINTS else F[np.linspace(0, len(F) - 1, POINTS).round().astype(int)]
