"""Verdicts on pairs of searchers in a published result: from its record, and the noise floors that its logs tell.

`scripts/sampling` says the same of its searchers with `judged` and `MARKS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from published import by_then, ended, folder

from mobench.analysis.families import holm
from mobench.analysis.measures import MARGIN
from mobench.analysis.replication import noise_floor, replicate
from mobench.analysis.verdicts import Family, Runs, judge, weigh
from mobench.campaigns.study import read_study
from mobench.scoring.contract import Contract
from mobench.scoring.outcome import Outcome, outcome_of

MARKS = {"better": "", "within noise": "~", "equal": "=", "undecided": "?", "worse": "-"}
"""Verdict to what stands in tables."""
ALL = "all"
"""In place of a problem: over all of a group."""
WHERE = ["group", "problem", "amount"]

Pair = tuple[str, str]


@dataclass
class _Read:
    """What runs of one problem delivered by an amount: (searcher, seed) to outcome."""

    problem: Any
    contract: Contract
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)


def floors(
    name: str,
    group: str,
    amounts: Mapping[str, Sequence[float]],
    pairs: Iterable[Pair],
    *,
    together: bool = False,
    renamed: Mapping[str, str] | None = None,
) -> Iterator[dict[str, Any]]:
    """The noise floors of a group of campaigns, read from their logs: a row a problem, amount and pair.

    Parameters
    ----------
    name, group : str
        The published result, and what the rows call the group.
    amounts : mapping of str to sequence of float
        The campaigns whose runs are compared with each other, and where each is read.
    pairs : iterable of (str, str)
        Searchers; those without runs on a problem are left out.
    together : bool
        Whether there are rows over all problems, too.
    renamed : mapping of str to str
        Searchers that are read in the place of others, whose own runs are left out.
    """
    read: dict[tuple[str, float], _Read] = {}
    for campaign, moments in amounts.items():
        _read(name, campaign, moments, read)
    worlds: dict[float, dict[str, Any]] = {}
    for (problem, amount), found in read.items():
        for instead, searcher in (renamed or {}).items():
            runs = {seed: outcome for (who, seed), outcome in found.outcomes.items() if who == instead}
            found.outcomes |= {(searcher, seed): outcome for seed, outcome in runs.items()}
        if known := replicate(found.problem, found.contract, found.outcomes):
            worlds.setdefault(amount, {})[problem] = known
    for amount, known in worlds.items():
        sets = {problem: [problem] for problem in known} | ({ALL: list(known)} if together else {})
        for problem, over in sets.items():
            for a, b in pairs:
                if all(a in known[one] and b in known[one] for one in over):
                    floor = noise_floor(known, a, b, over)
                    yield {"group": group, "problem": problem, "amount": amount, "a": a, "b": b, "floor": floor}


def _read(name: str, campaign: str, amounts: Sequence[float], read: dict[tuple[str, float], _Read]) -> None:
    """Add the outcomes of a campaign's ended runs at these amounts."""
    study = read_study([folder(name, campaign)])
    ((axis, _),) = study.budget.items()
    for spec, _, whole in ended(study):
        for amount in amounts:
            result = by_then(whole, axis, amount, study.contract, spec.simulated_workers)
            contract = result.contract(study.contract)
            here = read.setdefault((spec.problem_label, amount), _Read(result.problem, contract))
            outcome = outcome_of(result, contract=study.contract, axis=axis)
            here.outcomes[spec.searcher_label, spec.seed] = outcome


def compare(runs: pd.DataFrame, families: Mapping[str, Sequence[Pair]], floor: pd.DataFrame) -> pd.DataFrame:
    """The verdicts on pairs of searchers, a row a place, family and pair.

    Parameters
    ----------
    runs : pandas.DataFrame
        Rows of a record with a column ``group``; runs of one group are compared with each other.
    families : mapping of str to sequence of (str, str)
        Pairs that are corrected together at each group, problem and amount.
    floor : pandas.DataFrame
        Rows of `floors`.
    """
    known = {tuple(row[:-1]): row[-1] for row in floor.itertuples(index=False)}
    rows = []
    for (group, problem, amount), own in runs.groupby(WHERE):
        scores = {searcher: {problem: _scores(part)} for searcher, part in own.groupby("searcher")}
        rows += judged((group, problem, amount), scores, families, known, alike=False)
    return pd.DataFrame(rows)


def compare_over(runs: pd.DataFrame, families: Mapping[str, Sequence[Pair]], floor: pd.DataFrame) -> pd.DataFrame:
    """As `compare`, over all problems of a group, on which runs of one seed may be alike."""
    known = {tuple(row[:-1]): row[-1] for row in floor.itertuples(index=False)}
    rows = []
    for (group, amount), own in runs.groupby(["group", "amount"]):
        scores: dict[str, Runs] = {}
        for searcher, part in own.groupby("searcher"):
            scores[searcher] = {problem: _scores(on) for problem, on in part.groupby("problem")}
        rows += judged((group, ALL, amount), scores, families, known, alike=True)
    return pd.DataFrame(rows)


def _scores(part: pd.DataFrame) -> dict[int, float]:
    return dict(zip(part["seed"].tolist(), part["hypervolume"].tolist(), strict=True))


def judged(
    place: tuple[str, str, float],
    scores: Mapping[str, Runs],
    families: Mapping[str, Sequence[Pair]],
    known: Mapping[tuple[Any, ...], float],
    *,
    alike: bool,
) -> Iterator[dict[str, Any]]:
    """The verdicts on the pairs of each family that have scores at a place (`WHERE`), a row each; see `compare`.

    Parameters
    ----------
    known : mapping
        The place and a pair to its noise floor, where that is known.
    alike : bool
        Whether runs of one seed may be alike on different problems.
    """
    for family, named in families.items():
        pairs = [(a, b) for a, b in named if a in scores and b in scores]
        if not pairs:
            continue
        evidence = {
            (a, b): weigh(scores[a], scores[b], alike=alike, floor=known.get((*place, a, b), float("nan")))
            for a, b in pairs
        }
        adjusted = holm([each.p_value for each in evidence.values()]).tolist()
        whole = Family(len(pairs), min(each.least for each in evidence.values()), MARGIN, "")
        for pair, p_adjusted in zip(pairs, adjusted, strict=True):
            said = judge(pair, evidence[pair], p_adjusted, whole)
            row = dict(zip(WHERE, place, strict=True)) | {"family": family, "a": pair[0], "b": pair[1]}
            row |= {key: said[key] for key in ("runs", "difference", "difference_low", "difference_high", "p_adjusted")}
            row |= {"noise_floor": said["noise_floor"], "verdict": verdict(said)}
            yield {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}


def verdict(said: Mapping[str, Any]) -> str:
    """What is so of the first of a pair, by what `judge` says of it: a key of `MARKS`."""
    if said["verdict"] != "better":
        return str(said["verdict"])
    if said["improvement"] < 0.5:
        return "worse"
    return "within noise" if said["difference"] <= said["noise_floor"] else "better"
