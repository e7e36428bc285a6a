"""Which searcher is better than which, as far as the runs tell: exact tests of every pair, corrected, with verdicts.

Two questions, two kinds of families. On one problem the family is the pairs of that problem; over problems it is the
pairs of the study. Each keeps its error rate by Holm's correction, whatever other problems there are. Matrices are
those of `mobench.analysis.statistics`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mobench.analysis.families import holm
from mobench.analysis.measures import MARGIN
from mobench.analysis.replication import Replications, noise_floor
from mobench.analysis.statistics import Matrices, comparable, runs_of
from mobench.analysis.verdicts import Family, Open, Runs, beats, judge, weigh

__all__ = ["on_each_problem", "pairwise"]

NO_WORLDS: Replications = {}
NO_RUNS: Mapping[str, Open] = {}

COLUMNS = (
    "better worse verdict runs p_value p_adjusted least_p improvement low high "
    "difference difference_low difference_high noise_floor more_seeds least_effect sentence"
).split()


def on_each_problem(
    found: Matrices,
    *,
    margin: float = MARGIN,
    worlds: Replications = NO_WORLDS,
    open_runs: Mapping[str, Open] = NO_RUNS,
) -> pd.DataFrame:
    """Every pair of searchers on every problem: exact rank sums, Holm over the pairs of the problem.

    Returns
    -------
    pandas.DataFrame
        Column problem, then what `mobench.analysis.verdicts.judge` says of each pair with runs there.
    """
    runs = {searcher: runs_of(matrix) for searcher, matrix in found.items()}
    rows: list[dict[str, Any]] = []
    for problem in dict.fromkeys(itertools.chain.from_iterable(runs.values())):
        here = {searcher: {problem: mine[problem]} for searcher, mine in runs.items() if problem in mine}
        family = _family(here, margin=margin, where=f"on {problem}", worlds=worlds, open_runs=open_runs)
        rows += [{"problem": problem} | row for row in family]
    return pd.DataFrame(rows, columns=["problem", *COLUMNS])


def pairwise(
    found: Matrices,
    *,
    alike: bool = True,
    margin: float = MARGIN,
    worlds: Replications = NO_WORLDS,
    open_runs: Mapping[str, Open] = NO_RUNS,
) -> pd.DataFrame:
    """Every pair of searchers over all comparable problems, and what may be said of it.

    Parameters
    ----------
    found : Matrices
        See `mobench.analysis.statistics.matrices`.
    alike : bool
        Whether runs of one seed may be alike on different problems.
    margin : float
        Means that differ by less count as equal.
    worlds : Replications
        What runs would have scored under other trainings: see `mobench.analysis.replication.replicate`.
    open_runs : mapping of str to Open
        Runs of each searcher that have begun and have no score: see `mobench.analysis.open_runs`.

    Returns
    -------
    pandas.DataFrame
        What `mobench.analysis.verdicts.judge` says of each pair, and problems, wins, losses: on how many of how many,
        taken alone, the first is better, or worse.
    """
    part, _ = comparable(found)
    each = on_each_problem(found, margin=margin, open_runs=open_runs)
    runs = {searcher: runs_of(matrix) for searcher, matrix in part.items()}
    problems = list(next(iter(runs.values()), ()))
    each = each[(each["verdict"] == "better") & each["problem"].isin(problems)]
    where = f"on {problems[0]}" if len(problems) == 1 else f"over these {len(problems)} problems"
    how: dict[str, Any] = {"alike": alike, "margin": margin, "worlds": worlds, "open_runs": open_runs}
    rows = _family(runs, where=where, **how) if problems else []
    for row in rows:
        a, b = row["better"], row["worse"]
        wins, losses = (int(((each["better"] == x) & (each["worse"] == y)).sum()) for x, y in ((a, b), (b, a)))
        row |= {"problems": len(problems), "wins": wins, "losses": losses}
        if len(problems) > 1 and wins + losses:
            worse = f", worse on {losses}" if losses else ""
            row["sentence"] += f"; taken alone, {a} is better on {wins} of {len(problems)}{worse}"
    return pd.DataFrame(rows, columns=[*COLUMNS[:-1], "problems", "wins", "losses", COLUMNS[-1]])


def _family(
    runs: Mapping[str, Runs],
    *,
    margin: float,
    where: str,
    worlds: Replications,
    open_runs: Mapping[str, Open],
    alike: bool = False,
) -> list[dict[str, Any]]:
    """The rows of all pairs of searchers, with p-values corrected over them; the order of searchers plays no part."""
    pairs = []
    for names in itertools.combinations(runs, 2):
        a, b = sorted(names)
        if beats(runs[a], runs[b]) < 0.5:
            a, b = b, a
        floor = noise_floor(worlds, a, b, list(runs[a]))
        gaps = open_runs.get(a, {}), open_runs.get(b, {})
        pairs.append(((a, b), weigh(runs[a], runs[b], alike=alike, floor=floor, open_runs=gaps)))
    adjusted = holm([evidence.p_value for _, evidence in pairs]).tolist()
    least = min(1.0, len(pairs) * min((evidence.least for _, evidence in pairs), default=1.0))
    family = Family(len(pairs), least, margin, where)
    return [judge(names, evidence, p, family) for (names, evidence), p in zip(pairs, adjusted, strict=True)]
