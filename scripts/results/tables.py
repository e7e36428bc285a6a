"""What the tables can tell: noise floors, difficulty, seeds and budgets, from the suite campaign's runs.

    python scripts/results/tables.py noise    # noise.csv, from the logs
    python scripts/results/tables.py tables   # tables.csv and budgets.csv, from the suite campaign's runs.csv.gz
    python scripts/results/tables_figure.py   # the figure and the table of the page

Every problem of the campaign at every amount; models, which have fewer seeds, play no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import published
import suites

from mobench.analysis.difficulty import difficulty
from mobench.analysis.intervals import vargha_delaney
from mobench.analysis.measures import MARGIN
from mobench.analysis.power import seeds_needed
from mobench.analysis.replication import noise_floor, replicate
from mobench.analysis.significance import on_each_problem
from mobench.analysis.statistics import matrices
from mobench.analysis.verdicts import ALPHA
from mobench.campaigns.study import OVER, read_study, run_state
from mobench.core.budget import parse_budget
from mobench.core.capabilities import Replicated, Surrogate
from mobench.core.indicators import log10_regret
from mobench.harness.spec import RunSpec
from mobench.scoring.contract import Contract
from mobench.scoring.load import load
from mobench.scoring.outcome import Outcome, outcome_of

HOME = published.HOME / "tables"
CAMPAIGN = "black_boxes"
AXIS = "evaluations"
BETTER, FLOOR = "nsga2", suites.FLOOR
"""The pair by which tables are judged: what a population learns from answers, and chance."""


def noise() -> None:
    """Write what other trainings would move the difference of the pair by: a row a problem and amount."""
    study = read_study([published.folder(suites.NAME, CAMPAIGN)])
    runs: dict[str, list[tuple[RunSpec, Any]]] = {}
    for spec, at in study.runs:
        if spec.searcher_label in (BETTER, FLOOR) and run_state(at) in OVER:
            runs.setdefault(spec.problem_label, []).append((spec, at))
    rows = [row for problem, mine in runs.items() for row in _noise(problem, mine, study.contract)]
    suites.rounded(pd.DataFrame(rows)).to_csv(HOME / "noise.csv", index=False)


def _noise(label: str, runs: Sequence[tuple[RunSpec, Any]], contract: str) -> Iterator[dict[str, Any]]:
    """The rows of one problem: the floor, and whether it is known: from repeated trainings or not at all."""
    contracts: dict[str, Contract] = {}
    results = [(spec, replace(load(at, expected=spec), _contracts=contracts)) for spec, at in runs]
    problem = results[0][1].problem
    for amount in suites.AMOUNTS:
        known = "surrogate" if isinstance(problem, Surrogate) else "no repeats"
        row = {"problem": label, "amount": amount, "noise_floor": float("nan"), "known": known}
        if isinstance(problem, Replicated):
            limit = parse_budget({AXIS: amount}, problem.training)
            outcomes: dict[tuple[str, int], Outcome] = {
                (spec.searcher_label, spec.seed): outcome_of(replace(result, limit=limit), contract=contract, axis=AXIS)
                for spec, result in results
            }
            worlds = replicate(problem, results[0][1].contract(contract), outcomes)
            if worlds:
                row |= {"noise_floor": noise_floor({label: worlds}, BETTER, FLOOR, [label]), "known": "replicated"}
        yield row


def told(record: pd.DataFrame, noise_rows: pd.DataFrame, problems: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A row a problem and amount: difficulty, the pair's difference, spread, seeds needed, and who is told apart.

    Columns: problem, amount; floor, best_searcher, best, best_run, room, at_ceiling and warning of
    `mobench.analysis.difficulty`; difference of the pair's means, deviation (of a searcher's runs: the median over
    searchers), improvement (the probability with which a run of `BETTER` beats one of `FLOOR`), verdict of the pair;
    seeds_pair and seeds_margin, which find that improvement, and one as of two searchers 0.01 apart, in four of five
    campaigns (no correction); noise_floor and known; pairs and apart (pairs of searchers, and those told apart).
    """
    floors = noise_rows.set_index(["problem", "amount"])
    for problem in problems:
        for amount in suites.AMOUNTS:
            runs = suites.scores(record, amount, [problem])
            runs = runs[runs["campaign"] != suites.MODELS]
            found = matrices(runs)
            hard = runs.assign(state="ended", log10_regret=log10_regret(runs["hypervolume"].to_numpy()))
            row = {"problem": problem, "amount": amount} | difficulty(hard).iloc[0].to_dict()
            values = {name: matrix[problem].dropna().to_numpy() for name, matrix in found.items()}
            ahead = vargha_delaney(values[BETTER], values[FLOOR])
            row |= {"difference": values[BETTER].mean() - values[FLOOR].mean(), "improvement": ahead}
            row["deviation"] = float(np.median([runs_.std(ddof=1) for runs_ in values.values()]))
            row |= {"seeds_pair": seeds_needed(ahead, level=ALPHA), "seeds_margin": _seeds_for_margin(values)}
            pairs = on_each_problem(found)
            both = pairs[pairs[["better", "worse"]].isin([BETTER, FLOOR]).all(axis=1)].iloc[0]
            row["verdict"] = _verdict(both)
            row |= {"pairs": len(pairs), "apart": int((pairs["verdict"] == "better").sum())}
            yield row | floors.loc[(problem, amount), ["noise_floor", "known"]].to_dict()


def _seeds_for_margin(values: Mapping[str, np.ndarray]) -> float:
    """Seeds that find two searchers `MARGIN` apart at the spread that runs have here: the median over searchers."""
    effects = [vargha_delaney(runs + MARGIN, runs) for runs in values.values()]
    return float(np.median([seeds_needed(effect, level=ALPHA) for effect in effects]))


def _verdict(pair: Any) -> str:
    """The verdict of the pair, from the side of `BETTER`, corrected over all pairs of the problem."""
    if pair["verdict"] != "better":
        return str(pair["verdict"])
    return "better" if pair["better"] == BETTER else "worse"


def budgets(table: pd.DataFrame) -> pd.DataFrame:
    """A row a problem: the least amount that tells the pair apart, beyond the noise, and the one that tells most apart.

    Columns: problem, known (of noise), separates (NaN where none does), separates_beyond_noise (NaN where none does or
    the noise is unknown), most_apart (the least amount at which most pairs are told apart), apart (their share).
    """
    rows = []
    for problem, group in table.groupby("problem", sort=False):
        better = group[group["verdict"] == "better"]
        beyond = better[better["difference"] > better["noise_floor"]]
        most = group.loc[group["apart"].idxmax()]
        row = {"problem": problem, "known": group["known"].iloc[0], "separates": better["amount"].min()}
        row |= {"separates_beyond_noise": beyond["amount"].min(), "most_apart": most["amount"]}
        rows.append(row | {"apart": most["apart"] / most["pairs"]})
    return suites.rounded(pd.DataFrame(rows))


def table_of(record: pd.DataFrame, problems: Sequence[str]) -> pd.DataFrame:
    """The rows of some problems, rounded."""
    return suites.rounded(pd.DataFrame(told(record, pd.read_csv(HOME / "noise.csv"), problems)))


def tables() -> None:
    """Write the tables that the record says."""
    table = table_of(suites.balanced(published.recorded(suites.NAME)), suites.groups()[suites.ALL])
    table.to_csv(HOME / "tables.csv", index=False)
    budgets(table).to_csv(HOME / "budgets.csv", index=False)


if __name__ == "__main__":
    published.do(__doc__, noise=noise, tables=tables)
