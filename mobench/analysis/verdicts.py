"""Two searchers compared: what their runs say before any correction, and one of three verdicts in a sentence."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from mobench.analysis.intervals import Interval, jackknife, mean_improvement, vargha_delaney
from mobench.analysis.permutation import least_p_value, rank_sums, sign_flips
from mobench.analysis.power import least_effect, seeds_needed
from mobench.core.space import Array

__all__ = ["ALPHA", "Evidence", "Family", "Open", "Runs", "beats", "equal", "judge", "weigh"]

ALPHA = 0.05
"""Error rate of each family of tests, and of each claim of equality."""

EQUAL_FROM = 5
"""Runs of either searcher from which equality may be claimed."""

EQUAL_AT = 0.99
"""Confidence of the interval that must lie inside the margin. With 0.90 a claim of equality is wrong in 5 % of cases
where runs are normal, and in 16 % where a searcher's losses are exponential; with this one in 5 % there, too."""

FAR = 100
"""Where more seeds than these are needed, the least detectable effect says more than their number."""

Runs = Mapping[str, Mapping[int, float]]
"""Problem to seed to score, more is better."""

Open = Mapping[str, Sequence[int]]
"""Problem to the seeds of runs without a score."""

NONE: tuple[Open, Open] = ({}, {})


@dataclass(frozen=True)
class Evidence:
    """What the runs of two searchers say, before any correction for others.

    Attributes
    ----------
    problems, runs : int
        How many problems, and the fewest runs of either searcher on any of them.
    alike : bool
        Whether runs of one seed count as one over the problems.
    p_value, least : float
        Of the exact test, and the smallest one that so many runs can reach.
    improvement, interval : float, Interval
        Mean over problems of the probability that a run of the first beats one of the second; 95 %.
    difference, within : float, Interval
        Mean over problems of the difference of means, first less second; `EQUAL_AT`.
    floor : float
        What other trainings of the tables would move the difference by (95 %); NaN where nobody knows.
    open_runs : int
        Runs of either that have begun and have no score.
    """

    problems: int
    runs: int
    alike: bool
    p_value: float
    least: float
    improvement: float
    interval: Interval
    difference: float
    within: Interval
    floor: float
    open_runs: int


def beats(a: Runs, b: Runs) -> float:
    """Mean over problems, the same in both, of the probability that a run of `a` beats one of `b`; ties count half."""
    return float(np.mean([vargha_delaney(*_sides(a, b, problem)) for problem in a]))


def _sides(a: Runs, b: Runs, problem: str) -> tuple[Array, Array]:
    """Scores of both on one problem, (n,) and (m,)."""
    return np.array(list(a[problem].values())), np.array(list(b[problem].values()))


def weigh(a: Runs, b: Runs, *, alike: bool, floor: float = math.nan, open_runs: tuple[Open, Open] = NONE) -> Evidence:
    """The evidence of two searchers with runs on the same problems.

    Parameters
    ----------
    a, b : Runs
        The same problems in both, each with a run.
    alike : bool
        Whether runs of one seed may be alike on different problems. Then the signs of the seeds' differences are
        flipped, of midranks so that each problem weighs the same; otherwise ranks are exchanged within each problem.
    floor : float
        The replication noise floor: see `mobench.analysis.replication.noise_floor`.
    open_runs : (Open, Open)
        Of either, seeds of runs without a score. Which these are may be no accident, so that a claim has to hold if all
        of them were worse than any other.
    """
    alike = alike and len(a) > 1
    improvement = beats(a, b)
    p_value, sizes = _tested(a, b, alike=alike)
    for mine, other, gaps in ((a, b, open_runs[0]), (b, a, open_runs[1])):
        if any(gaps.get(problem) for problem in mine) and beats(mine, other) >= 0.5:
            worst = {problem: {**dict.fromkeys(gaps.get(problem, ()), -math.inf), **mine[problem]} for problem in mine}
            p_value = max(p_value, _tested(worst, other, alike=alike)[0]) if beats(worst, other) > 0.5 else 1.0
    difference, *without = _differences(a, b)
    return Evidence(
        problems=len(a),
        runs=min(map(min, sizes)),
        alike=alike,
        p_value=p_value,
        least=least_p_value(sizes, alike=alike),
        improvement=improvement,
        interval=mean_improvement(a, b, alike=alike),
        difference=difference,
        within=jackknife(difference, np.array(without), confidence=EQUAL_AT),
        floor=floor,
        open_runs=sum(len(gaps.get(problem, ())) for gaps in open_runs for problem in a),
    )


def _tested(a: Runs, b: Runs, *, alike: bool) -> tuple[float, list[tuple[int, int]]]:
    """The exact test's p-value, and how many runs or seeds of either side it compares."""
    if alike:
        steps = _seed_differences(a, b)
        inverted = steps.sum() * (beats(a, b) - 0.5) < 0  # where seeds are missing the two may disagree
        return 1.0 if inverted else sign_flips(steps), [(len(steps), len(steps))]
    sides = {problem: _sides(a, b, problem) for problem in a}
    return rank_sums(sides), [(len(x), len(y)) for x, y in sides.values()]


def _seed_differences(a: Runs, b: Runs) -> Array:
    """Midrank of the first less that of the second, summed over problems; (n,), for the n seeds that both ran."""
    found: dict[int, float] = {}
    for problem in a:
        seeds = [seed for seed in a[problem] if seed in b[problem]]
        ranks = rankdata([part[problem][seed] for part in (a, b) for seed in seeds]) / max(len(seeds), 1)
        for i, seed in enumerate(seeds):
            found[seed] = found.get(seed, 0.0) + float(ranks[i] - ranks[i + len(seeds)])
    return np.array([found[seed] for seed in sorted(found)])


def _differences(a: Runs, b: Runs) -> list[float]:
    """Mean over problems of the difference of means, then the same without each seed; NaN where no problem has both."""
    seeds = sorted({seed for part in (*a.values(), *b.values()) for seed in part})
    sides = [(_means(a[problem], seeds), _means(b[problem], seeds)) for problem in a]
    found = []
    for place in range(1 + len(seeds)):
        means = [(x[place], y[place]) for x, y in sides]
        gaps = [x - y for x, y in means if x is not None and y is not None]
        known = gaps and all(map(math.isfinite, gaps))
        found.append(math.fsum(gaps) / len(gaps) if known else float("nan"))
    return found


def _means(runs: Mapping[int, float], seeds: Sequence[int]) -> list[float | None]:
    """The mean of all runs, then without each of the seeds; None of no runs."""
    whole, *parts = _left_out(tuple(runs.values()))
    without = dict(zip(runs, parts, strict=True))
    return [whole, *(without.get(seed, whole) for seed in seeds)]


@functools.lru_cache(maxsize=4096)  # every pair of searchers asks for the same few
def _left_out(scores: tuple[float, ...]) -> tuple[float | None, ...]:
    """The mean of all scores, and without each of them; None of none."""
    n = len(scores)
    if not all(map(math.isfinite, scores)):
        return tuple(_mean(part) for part in (scores, *(scores[:i] + scores[i + 1 :] for i in range(n))))
    total = math.fsum(scores)
    rest = math.fsum((*scores, -total))  # what rounding took: with it each mean is as good as that of a sum anew
    return _mean(scores), *(math.fsum((total, rest, -x)) / (n - 1) if n > 1 else None for x in scores)


def _mean(scores: tuple[float, ...]) -> float | None:
    return math.fsum(scores) / len(scores) if scores else None


def equal(evidence: Evidence, margin: float) -> bool:
    """Whether the means differ by less than a margin, as far as so many runs can tell, and no run is open."""
    return (
        not evidence.open_runs
        and evidence.runs >= EQUAL_FROM
        and -margin < evidence.within.low
        and evidence.within.high < margin
    )


@dataclass(frozen=True)
class Family:
    """The pairs that are tested together, and how their verdicts are put.

    Attributes
    ----------
    pairs : int
        How many.
    least : float
        The smallest corrected p-value that any of them could have reached.
    margin : float
        Means that differ by less count as equal.
    where : str
        What sentences are about: ``on motif``, ``over these 8 problems``.
    """

    pairs: int
    least: float
    margin: float
    where: str


def judge(names: tuple[str, str], evidence: Evidence, p_adjusted: float, family: Family) -> dict[str, Any]:
    """The verdict on a pair, with all that it rests on.

    Parameters
    ----------
    names : tuple of str
        The searchers, in the order of the evidence, the second not the better one.
    evidence : Evidence
        Of these two.
    p_adjusted : float
        The p-value corrected for the family.
    family : Family
        The pairs that are tested together.

    Returns
    -------
    dict
        better, worse (by probability of improvement, whatever the verdict), verdict (``better``, ``equal`` or
        ``undecided``), runs, p_value, p_adjusted, least_p, improvement with low and high, difference with
        difference_low and difference_high, more_seeds, least_effect, sentence.
    """
    level, problems = ALPHA / family.pairs, 1 if evidence.alike else evidence.problems
    within, interval = evidence.within, evidence.interval
    close = equal(evidence, family.margin)
    verdict = "better" if p_adjusted <= ALPHA else "equal" if close else "undecided"
    needed = seeds_needed(evidence.improvement, level=level, problems=problems, alike=evidence.alike)
    row: dict[str, Any] = {"better": names[0], "worse": names[1], "verdict": verdict, "runs": evidence.runs}
    row |= {"p_value": evidence.p_value, "p_adjusted": p_adjusted, "least_p": max(family.least, evidence.least)}
    row |= {"improvement": evidence.improvement, "low": interval.low, "high": interval.high}
    row |= {"difference": evidence.difference, "difference_low": within.low, "difference_high": within.high}
    row |= {"noise_floor": evidence.floor}
    row |= {"more_seeds": max(1.0, needed - evidence.runs) if verdict == "undecided" else 0.0}
    row["least_effect"] = least_effect(evidence.runs, level=level, problems=problems, alike=evidence.alike)
    sentence = _sentence(row, family, close=close)
    if evidence.open_runs and verdict == "undecided":
        sentence += f"; {evidence.open_runs} runs of theirs have no score, and count as the worst"
    return row | {"sentence": sentence}


def _sentence(row: dict[str, Any], family: Family, *, close: bool) -> str:
    """What the numbers of a pair support, and nothing more."""
    floor = f"{row['noise_floor']:.4f} (95 %)"
    a, b, margin, where = row["better"], row["worse"], family.margin, family.where
    effect = f"a run of {a} beats one of {b} with probability {row['improvement']:.2f}"
    if np.isfinite(row["low"]):
        effect += f" (95 % {row['low']:.2f} to {row['high']:.2f})"
    if row["verdict"] == "better":
        text = f"{a} is better than {b} {where} (p = {row['p_adjusted']:.2g}); {effect}"
        text += f"; their means differ by less than {margin:g}" if close else ""
        if abs(row["difference"]) <= row["noise_floor"]:
            text += f"; the noise of the table alone can make such a difference of means, up to {floor}"
        return text
    if row["verdict"] == "equal":
        return (
            f"{a} and {b} are equal within {margin:g} {where}: their means differ by {row['difference']:.4f} "
            f"({EQUAL_AT * 100:.0f} % {row['difference_low']:.4f} to {row['difference_high']:.4f})"
            + (f"; the noise of the table alone makes up to {floor}" if np.isfinite(row["noise_floor"]) else "")
        )
    text = f"{a} and {b}: undecided {where} (p = {row['p_adjusted']:.2g}"
    if row["least_p"] > ALPHA:
        text += f"; from {_seeds(row['runs'])} it cannot be less than {row['least_p']:.2g}"
    text += f"); {effect}"
    if row["more_seeds"] <= FAR:
        return f"{text}; if that is so, about {_seeds(row['more_seeds'], 'more ')} would show it"
    if row["least_effect"] < 1:
        return f"{text}; {_seeds(row['runs'])} would show a probability from {row['least_effect']:.2f} on"
    return text


def _seeds(count: float, which: str = "") -> str:
    return f"{count:.0f} {which}seed{'s' * (count != 1)}"
