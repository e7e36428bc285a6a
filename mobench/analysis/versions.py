"""Versions of one method beside each other: did a change help, on which problems, and how many seeds would decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from mobench.plugins.references import unversioned

__all__ = ["OUTCOMES", "compare_versions", "families"]

OUTCOMES = {"better": ("helped", "hurt"), "equal": ("equal", "equal"), "undecided": ("undecided", "undecided")}
"""A verdict as an answer, where the later version is the better one of its pair and where it is the worse one."""

COLUMNS = (
    "after before problem answer difference low high noise_floor improvement p_adjusted runs more_seeds least_effect"
).split()


def families(searchers: Sequence[str], plain: Callable[[str], str] = str) -> list[list[str]]:
    """Searchers that are one method, in several versions or with several options; the first of each is the earlier.

    Parameters
    ----------
    searchers : sequence of str
        In order.
    plain : callable
        Of what a searcher is called its label.
    """
    found: dict[str, list[str]] = {}
    for searcher in searchers:
        found.setdefault(unversioned(plain(searcher)).partition(":")[0], []).append(searcher)
    return [members for members in found.values() if len(members) > 1]


def compare_versions(groups: Sequence[Sequence[str]], pairs: pd.DataFrame, on_each: pd.DataFrame) -> pd.DataFrame:
    """Each later version against the first one of its family, over all problems and on each.

    Nothing is tested here: verdicts, corrected over all pairs of searchers, and intervals are those of the pairs. The
    interval leaves out a seed at a time in both, so where both have the same seeds it is Student's of the differences
    of one seed: luck that two versions share, since runs of a seed begin with the same random numbers, is not in it.

    Parameters
    ----------
    groups : sequence of sequences of str
        See `families`.
    pairs, on_each : pandas.DataFrame
        As `mobench.analysis.significance.pairwise` and `on_each_problem` return them.

    Returns
    -------
    pandas.DataFrame
        A row a pair of versions over the problems (problem is empty) and on each: after, before, problem, answer (of
        `OUTCOMES`), difference of means (after less before, more is better) with its 99 % interval, replication noise
        floor, improvement (probability that a run of the later beats one of the earlier), corrected p, runs,
        more_seeds that would show an effect as large as the observed one, and the least_effect that these runs show.
    """
    rows = []
    for first, *others in groups:
        for other in others:
            for table in (pairs.assign(problem=""), on_each):
                either = table["better"].isin((first, other)) & table["worse"].isin((first, other))
                rows += [_turned(row, other, first) for row in table[either].to_dict("records")]
    return pd.DataFrame(rows, columns=COLUMNS)


def _turned(row: dict[Any, Any], after: str, before: str) -> dict[str, Any]:
    """A row of a pair, seen from the later version."""
    ahead = row["better"] == after
    low, high = row["difference_low"], row["difference_high"]
    return {name: row[name] for name in ("noise_floor", "p_adjusted", "runs", "more_seeds", "least_effect")} | {
        "after": after,
        "before": before,
        "problem": row["problem"],
        "answer": OUTCOMES[row["verdict"]][not ahead],
        "difference": row["difference"] if ahead else -row["difference"],
        "low": low if ahead else -high,
        "high": high if ahead else -low,
        "improvement": row["improvement"] if ahead else 1.0 - row["improvement"],
    }
