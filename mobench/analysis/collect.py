"""Scores of a campaign's runs as tidy frames: one row a run, one row a pair, one row a searcher, and anytime curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mobench.analysis.measures import HYPERVOLUME, Measure
from mobench.analysis.open_runs import without_score
from mobench.campaigns.study import OVER, STATES, Study, run_spent, run_state
from mobench.core.budget import AXES, CURRENCIES, on_axis
from mobench.core.indicators import log10_regret
from mobench.core.progress import Progress
from mobench.core.space import Array
from mobench.harness.sealed import DamagedRunError
from mobench.harness.spec import RunSpec
from mobench.scoring.contract import Contract
from mobench.scoring.load import load
from mobench.scoring.outcome import Outcome, outcome_of
from mobench.scoring.result import NoPopulationError, Result

__all__ = ["collect", "framed", "mean_ranks", "median_seeds", "resample", "score", "summarise"]


def collect(
    study: Study, *, axis: str = "evaluations", distance: str = "", progress: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame, dict[tuple[str, str, int], Outcome]]:
    """Read every log once: score the run, trace it over its course, and keep what it delivered.

    Parameters
    ----------
    study : Study
        Which runs, and the contract that scores them; see `mobench.campaigns.study.read_study`.
    axis : str
        Currency of the curves.
    distance : str
        One of the contract's distances (``igd_plus``, ``epsilon``, ``r2``) that curves are to have, too.
    progress : bool
        Whether to show progress on standard error.

    Returns
    -------
    scores : pandas.DataFrame
        One row a run, none left out: problem, searcher, seed, state, error, run (where it lies in its campaign), data
        (checksum), and for runs that ended or failed what they spent (``evaluations``, ``asked``, ``flops``,
        ``seconds``, ``trainings``: the ledger at their end and the trainings looked up for what they deliver) and the
        measures of the contract: what a failed run had delivered by then (NaN for runs that are missing or not over, or
        that the contract cannot score: error says why).
    curves : pandas.DataFrame
        Problem, searcher, seed, `axis`, ``hypervolume``, ``log10_regret``: a row wherever such a run's share changes.
    outcomes : dict of (str, str, int) to Outcome
        (problem, searcher, seed) to what such a run delivered and recorded.

    Raises
    ------
    ValueError
        A document cannot be read, or a problem cannot be built.
    """
    labels = list(study.problems)
    contracts: dict[str, dict[str, Contract]] = {label: {} for label in labels}
    order = sorted(range(len(study.runs)), key=lambda i: labels.index(study.runs[i][0].problem_label))
    rows: dict[int, dict[str, Any]] = {}
    curves: dict[int, pd.DataFrame | None] = {}
    outcomes: dict[tuple[str, str, int], Outcome] = {}
    with Progress(len(study.runs), unit="score", show=progress) as bar:
        for i in order:  # a problem after the other: building one can take long, and only the last few are kept
            spec, folder = study.runs[i]
            rows[i], result = _row(spec, folder, contracts[spec.problem_label])
            if result is not None:
                rows[i], curves[i] = score(rows[i], result, run_spent(folder), study.contract, axis, distance)
                if curves[i] is not None:
                    key = (spec.problem_label, spec.searcher_label, spec.seed)
                    outcomes[key] = outcome_of(result, contract=study.contract, axis=axis)
            bar.advance()
    scores, lines = framed([(rows[i], curves.get(i)) for i in sorted(rows)], axis, distance)
    return scores, lines, outcomes


def score(
    row: Mapping[str, Any], result: Result, ended: Mapping[str, float], contract: str, axis: str, distance: str = ""
) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """A run's row with what it spent and how its contract measures it, and its curve; None where that cannot score it.

    Parameters
    ----------
    row : mapping
        Problem, searcher, seed and what else is known of it.
    result : Result
        The run.
    ended : mapping
        The ledger at its end, as far as anything but its log says so.
    contract, axis, distance : str
        See `collect`.
    """
    found = dict(row) | _spent(result, ended, contract)
    try:
        found |= result.measures(contract=contract)
    except NoPopulationError as error:
        return found | {"error": str(error)}, None
    return found, result.curve(axis=axis, contract=contract, indicator=distance)


def framed(
    scored: Sequence[tuple[Mapping[str, Any], pd.DataFrame | None]], axis: str, distance: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and curves of runs as two frames, which have all their columns however little there is."""
    keys = ("problem", "searcher", "seed")
    columns = [*keys, axis, "hypervolume", "log10_regret", *([distance] if distance else [])]
    scores = pd.DataFrame([row for row, _ in scored])
    for measure in (*AXES, "hypervolume", "log10_regret"):
        if measure not in scores:
            scores[measure] = np.nan
    found = [(row, curve) for row, curve in scored if curve is not None]
    if not found:
        return scores, pd.DataFrame(columns=columns)
    lines = pd.concat([curve for _, curve in found], ignore_index=True)
    for key in keys:
        lines[key] = [row[key] for row, curve in found for _ in range(len(curve))]
    return scores, lines[columns]


def _row(spec: RunSpec, folder: Path, contracts: dict[str, Contract]) -> tuple[dict[str, Any], Result | None]:
    """What a run's row says before it is scored, and its result where it has ended or failed."""
    row: dict[str, Any] = {"problem": spec.problem_label, "searcher": spec.searcher_label, "seed": spec.seed}
    row |= {"state": run_state(folder), "error": "", "run": str(spec.folder), "data": ""}
    if row["state"] in ("running", "missing"):
        return row, None
    try:
        result = replace(load(folder, expected=spec), _contracts=contracts)  # all runs of a problem share them
    except DamagedRunError as error:
        return row | {"state": "damaged", "error": str(error)}, None
    return row | {"error": result.error, "data": result.history.data}, result


def _spent(result: Result, ended: Mapping[str, float], contract: str) -> dict[str, float]:
    """The ledger at the end of a run and, within the budget, the trainings looked up for what it delivers."""
    ledger, price = result.history.total | dict(ended), result.looked_up(contract=contract)
    total = {c: max(ledger[c], min(ledger[c] + price[c], getattr(result.limit, c))) for c in CURRENCIES}
    return total | {"trainings": float(on_axis(result.problem.training, total, "trainings"))}


def summarise(scores: pd.DataFrame, measure: Measure = HYPERVOLUME) -> pd.DataFrame:
    """One row a (problem, searcher) pair: median, quartiles, mean of a measure, log10 regret, size, rank, states.

    The size is the median number of delivered architectures. Searchers are ranked on each problem by their medians (1
    is best, ties share a rank); failed runs count as far as they came, and for ranks those without a score
    as the worst (`mobench.analysis.open_runs`): which these are may be no accident. Of a run that delivered nothing a
    distance is infinite: worse than any other.
    """
    rows, lacking = [], without_score(scores)
    for (problem, searcher), group in scores.groupby(["problem", "searcher"], sort=False):
        found = group[measure.name].dropna()
        low, median, high = _quartiles(found.to_numpy()) if len(found) else [np.nan] * 3
        row = {"problem": problem, "searcher": searcher, "median": median, "q25": low, "q75": high}
        row |= {"mean": found.mean() if len(found) else np.nan, "log10_regret": group["log10_regret"].dropna().median()}
        worst = [-np.inf if measure.maximise else np.inf] * int(lacking[group.index].sum())
        row["ranked"] = _quartiles(np.array([*found, *worst]))[1] if len(found) else np.nan
        row["size"] = group["size"].dropna().median() if "size" in group else np.nan
        rows.append(row | {state: int((group["state"] == state).sum()) for state in STATES})
    table = pd.DataFrame(rows)
    ranked = table.groupby("problem")["ranked"]
    table["rank"] = ranked.transform(lambda values: values.round(12).rank(ascending=not measure.maximise))
    return table.drop(columns="ranked")


def _quartiles(values: Array) -> list[float]:
    """Lower quartile, median and upper quartile, interpolated; infinite where a value that one lies between is."""
    ordered, places = np.sort(values), (len(values) - 1) * np.array([0.25, 0.5, 0.75])
    below, above = ordered[np.floor(places).astype(int)], ordered[np.ceil(places).astype(int)]
    ends = zip(below.tolist(), above.tolist(), (places % 1).tolist(), strict=True)
    return [low if low == high else (1 - part) * low + part * high for low, high, part in ends]


def mean_ranks(summary: pd.DataFrame) -> pd.DataFrame:
    """One row a searcher, best first: its mean rank, over how many problems, and its runs by state.

    Only problems on which every searcher has a rank count; a searcher without any rank has no mean.
    """
    ranks = summary.pivot(index="problem", columns="searcher", values="rank").dropna(axis=1, how="all").dropna()
    table = summary.groupby("searcher", sort=False)[list(STATES)].sum()
    table.insert(0, "mean_rank", ranks.mean())
    table.insert(1, "problems", len(ranks))
    return table.sort_values("mean_rank", kind="stable").reset_index()


def resample(curves: pd.DataFrame, axis: str, grid: Array, *, distance: str = "") -> dict[str, Array]:
    """Each searcher's curves of one problem on a common grid, the last value carried forward.

    Parameters
    ----------
    curves : pandas.DataFrame
        Rows of one problem, as `collect` returns them.
    axis : str
        The currency.
    grid : Array
        (g,) amounts, ascending.
    distance : str
        A column of distances in the place of log10 regrets.

    Returns
    -------
    dict of str to Array
        Searcher to (seeds, g) log10 regrets, 0 (nothing found) before a run's first answer; or distances, infinite
        before it.
    """
    column, before = (distance, [np.inf]) if distance else ("log10_regret", log10_regret([0.0]))
    found = {}
    for searcher, group in curves.groupby("searcher", sort=False):
        lines = []
        for _, run in group.groupby("seed", sort=True):
            at = np.searchsorted(run[axis].to_numpy(), grid, side="right")
            lines.append(np.concatenate([before, run[column].to_numpy()])[at])
        found[str(searcher)] = np.array(lines)
    return found


def median_seeds(scores: pd.DataFrame) -> dict[tuple[str, str], int]:
    """(problem, searcher) to the seed of its run whose share is the (lower) median; none where no run is over."""
    over = scores[scores["state"].isin(OVER)].sort_values(["hypervolume", "seed"])
    groups = over.groupby(["problem", "searcher"], sort=False)["seed"]
    return {(str(pair[0]), str(pair[1])): int(seeds.iloc[(len(seeds) - 1) // 2]) for pair, seeds in groups}
