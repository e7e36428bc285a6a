"""Run the campaigns of all searchers that sample, and say where each is ahead of random search (`docs/sampling.md`).

python scripts/sampling/sampling.py run --workers 2   # resumable: results/sampling, ..., a seed of all pairs at a time
python scripts/sampling/sampling.py collect           # sampling.csv: a line a campaign, problem, amount and searcher
python scripts/sampling/draw.py                       # the figure, and the tables of the page
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mobench
from mobench.analysis.replication import noise_floor, replicate
from mobench.campaigns.study import read_study, run_state
from mobench.core.budget import parse_budget
from mobench.files.documents import read_document
from mobench.harness.spec import END
from mobench.scoring.contract import Contract
from mobench.scoring.load import load
from mobench.scoring.outcome import Outcome, outcome_of

sys.path.append(str(Path(__file__).parents[1] / "results"))
from verdicts import MARKS, judged

__all__ = ["DOCS", "FLOOR", "MARKS", "RECORD", "collect", "run"]

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
RECORD = HERE / "sampling.csv"
CAMPAIGNS = ("sampling", "sampling_models", "sampling_fidelities", "sampling_graphs")
AMOUNTS = (50, 200, 500)
"""Of evaluations or trainings, where runs are read; runs of the largest budget are read on their way, too."""
SCHEDULED = ("nsga_net", "shemoa")
"""They look at their budget: at each amount they have runs of it."""
FLOOR = "random_search"
SAID = ("difference", "difference_low", "difference_high", "p_adjusted", "noise_floor", "verdict")


@dataclass
class Read:
    """Runs of one problem, read at one amount.

    Attributes
    ----------
    problem : Problem
        What was searched.
    contract : Contract
        Of it.
    outcomes, shares, cpu : dict of (str, int) to Outcome or float
        (searcher, seed) to what it delivered by then, the share of hypervolume, and CPU seconds of the whole run.
    """

    problem: Any
    contract: Contract
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    shares: dict[tuple[str, int], float] = field(default_factory=dict)
    cpu: dict[tuple[str, int], float] = field(default_factory=dict)

    def of(self, searcher: str) -> dict[int, float]:
        """Seed to share of one searcher's runs, rounded as reports do."""
        return {seed: round(share, 12) for (name, seed), share in sorted(self.shares.items()) if name == searcher}


def run(names: Sequence[str], workers: int) -> None:
    """Carry the campaigns out or on, with runs of their own at each amount for who looks at the budget."""
    for name in names:
        campaign = mobench.read_campaign(DOCS / "campaigns" / f"{name}.toml")
        mobench.run_campaign(campaign, Path("results") / name, workers=workers)
        ((axis, most),) = campaign.budget.items()
        own = tuple(searcher for searcher in campaign.searchers if searcher[0] in SCHEDULED)
        for amount in (amount for amount in AMOUNTS if amount < most and own):
            one = replace(campaign, name=f"{name}-{amount}", budget={axis: float(amount)}, searchers=own)
            mobench.run_campaign(one, Path("results") / one.name, workers=workers)


def collect(names: Sequence[str]) -> None:
    """Write the record of the named campaigns' runs that have ended anew; the rows of others stay."""
    rows = []
    for name in names:
        found: dict[tuple[str, int], Read] = {}
        for folder in (Path("results") / f"{name}{own}" for own in ("", *(f"-{amount}" for amount in AMOUNTS))):
            if folder.exists():
                axis = _read(folder, found)
        keys = ({"campaign": name, "axis": axis, "problem": problem, "amount": amount} for problem, amount in found)
        rows += [key | row for key, read in zip(keys, found.values(), strict=True) for row in _rows(read)]
    old = pd.read_csv(RECORD) if RECORD.exists() else pd.DataFrame(columns=["campaign"])
    record = pd.concat([old[~old["campaign"].isin(names)], pd.DataFrame(rows)])
    record = record.astype({"amount": int, "seeds": int})
    record["campaign"] = pd.Categorical(record["campaign"], CAMPAIGNS)
    record.sort_values(["campaign", "problem", "amount"], kind="stable").to_csv(RECORD, index=False)


def _read(folder: Path, found: dict[tuple[str, int], Read]) -> str:
    """Add the runs of a folder at each amount that their budget holds; the axis of it."""
    study = read_study([folder])
    ((axis, most),) = study.budget.items()
    for spec, at in study.runs:
        amounts = [n for n in AMOUNTS if n == most or (n < most and spec.searcher not in SCHEDULED)]
        if run_state(at) != "ended":
            continue
        whole, key = load(at, expected=spec), (spec.searcher_label, spec.seed)
        for amount in amounts:
            result = replace(whole, limit=parse_budget({axis: amount}, whole.problem.training))
            place = (spec.problem_label, amount)
            here = found.setdefault(place, Read(result.problem, result.contract(study.contract)))
            here.outcomes[key] = outcome_of(result, contract=study.contract, axis=axis)
            here.shares[key] = here.contract.share(here.outcomes[key].F)
            here.cpu[key] = float(read_document(at / "end.json", END)["cpu_seconds"])
    return axis


def _rows(read: Read) -> Iterator[dict[str, Any]]:
    """A row a searcher: how good, how dear, and the verdict on it and random search, by Holm over all searchers."""
    names = list(dict.fromkeys(name for name, _ in read.shares))
    runs = {name: {"": read.of(name)} for name in names}
    worlds = {"": found} if (found := replicate(read.problem, read.contract, read.outcomes)) else {}
    pairs = [(name, FLOOR) for name in names if name != FLOOR]
    place = ("", "", 0.0)
    floors = {(*place, *pair): noise_floor(worlds, *pair, [""]) for pair in pairs}
    said = {row["a"]: row for row in judged(place, runs, {"": pairs}, floors, alike=False)}
    for name in names:
        own, chance = runs[name][""], runs[FLOOR][""]
        shares, same = np.array(list(own.values())), own.keys() & chance.keys()
        row: dict[str, Any] = {"searcher": name, "seeds": len(own), "median": np.median(shares), "mean": shares.mean()}
        row["cpu_seconds"] = np.median([spent for (who, _), spent in read.cpu.items() if who == name])
        if name != FLOOR:
            row["ahead"] = np.mean([own[seed] > chance[seed] for seed in same])
            row |= {key: said[name][key] for key in SAID}
        yield {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "collect"))
    parser.add_argument("--workers", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--campaign", choices=CAMPAIGNS, help="which to run or collect (default: all)")
    given = parser.parse_args()
    names = (given.campaign,) if given.campaign else CAMPAIGNS
    if given.what == "run":
        run(names, given.workers)
    else:
        collect(names)


if __name__ == "__main__":
    main()
