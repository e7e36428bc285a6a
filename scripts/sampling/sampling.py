"""Run the campaigns of all searchers that sample, and say where each is ahead of random search (`docs/sampling.md`).

python scripts/sampling/sampling.py run --workers 2   # resumable: results/sampling, ..., a seed of all pairs at a time
python scripts/sampling/sampling.py collect           # sampling.csv: a line a campaign, problem, amount and searcher
python scripts/sampling/sampling.py draw              # the figure, and the tables of the page
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mobench
from mobench.analysis.families import holm
from mobench.analysis.measures import MARGIN
from mobench.analysis.replication import noise_floor, replicate
from mobench.analysis.verdicts import Family, judge, weigh
from mobench.campaigns.study import read_study, run_state
from mobench.core.budget import parse_budget
from mobench.files.documents import read_document
from mobench.harness.spec import END
from mobench.plugins.references import parse_reference
from mobench.scoring.contract import Contract
from mobench.scoring.load import load
from mobench.scoring.outcome import Outcome, outcome_of

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
RECORD, FIGURE = HERE / "sampling.csv", DOCS / "figures" / "sampling.png"
CAMPAIGNS = ("sampling", "sampling_models", "sampling_fidelities", "sampling_graphs")
AMOUNTS = (50, 200, 500)
"""Of evaluations or trainings, where runs are read; runs of the largest budget are read on their way, too."""
SCHEDULED = ("nsga_net", "shemoa")
"""They look at their budget: at each amount they have runs of it."""
FLOOR = "random_search"
MARKS = {"better": "", "within noise": "~", "equal": "=", "undecided": "?", "worse": "-"}
"""Verdict to what stands in figure and tables."""
SHORT = {
    "nasbench201:dataset=cifar10,objectives=[error,params,latency:titan_rtx_32]": "201 C10",
    "nasbench201:dataset=cifar100,objectives=[error,params,latency:titan_rtx_32]": "201 C100",
    "nasbench201:dataset=ImageNet16-120,objectives=[error,params,flops]": "201 IN16",
}


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
    others = [name for name in names if name != FLOOR]
    floors = {name: noise_floor(worlds, name, FLOOR, [""]) for name in others}
    evidence = {name: weigh(runs[name], runs[FLOOR], alike=False, floor=floors[name]) for name in others}
    adjusted = dict(zip(others, holm([each.p_value for each in evidence.values()]).tolist(), strict=True))
    family = Family(len(others), min(each.least for each in evidence.values()), MARGIN, "")
    for name in names:
        own, chance = runs[name][""], runs[FLOOR][""]
        shares, same = np.array(list(own.values())), own.keys() & chance.keys()
        row: dict[str, Any] = {"searcher": name, "seeds": len(own), "median": np.median(shares), "mean": shares.mean()}
        row["cpu_seconds"] = np.median([spent for (who, _), spent in read.cpu.items() if who == name])
        if name != FLOOR:
            said = judge((name, FLOOR), evidence[name], adjusted[name], family)
            row["ahead"] = np.mean([own[seed] > chance[seed] for seed in same])
            row |= {key: said[key] for key in ("difference", "difference_low", "difference_high", "p_adjusted")}
            row |= {"noise_floor": floors[name], "verdict": _verdict(said)}
        yield {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}


def _verdict(said: Mapping[str, Any]) -> str:
    """What is so of a searcher beside random search; ``within noise`` is better by less than the table can tell."""
    if said["verdict"] != "better":
        return str(said["verdict"])
    if said["improvement"] < 0.5:
        return "worse"
    return "within noise" if said["difference"] <= said["noise_floor"] else "better"


def short(problem: str) -> str:
    """A problem's name in a column's head."""
    return SHORT.get(problem) or parse_reference(problem)[1].get("dataset") or problem


def draw() -> None:
    """Draw the differences from random search, and print the tables."""
    record = pd.read_csv(RECORD)
    record["short"] = record["problem"].map(short)
    graphs, record = record[record["campaign"] == CAMPAIGNS[-1]], record[record["campaign"] != CAMPAIGNS[-1]]
    record = record.drop_duplicates(["axis", "amount", "problem", "searcher"])  # random search is in each campaign
    most = record[record["amount"] == record.groupby("campaign")["amount"].transform("max")]
    record["searcher"] = pd.Categorical(record["searcher"], list(dict.fromkeys(most["searcher"])))
    record = record.sort_values("searcher", kind="stable")
    parts = [(axis, n) for axis in ("evaluations", "trainings") for n in AMOUNTS if len(_part(record, axis, n))]
    for axis, amount in parts:
        print(f"\n{amount} {axis}\n", *table(_part(record, axis, amount)), sep="\n")
    print("\nother graphs: on how many it is better\n")
    print((graphs["verdict"] == "better").groupby([graphs["searcher"], graphs["amount"]], sort=False).sum().unstack())
    _draw(record[record["searcher"] != FLOOR], parts)


def _part(record: pd.DataFrame, axis: str, amount: int) -> pd.DataFrame:
    return record[(record["axis"] == axis) & (record["amount"] == amount)]


def table(part: pd.DataFrame) -> Iterator[str]:
    """The lines of a table: median shares with the mark of their verdict, and CPU seconds of a run."""
    heads = sorted(set(part["short"]))
    yield f"| searcher | {' | '.join(heads)} | CPU s |"
    yield f"|---|{'---|' * len(heads)}---|"
    for searcher, group in part.groupby("searcher", sort=False, observed=True):
        own = group.set_index("short")
        cells = [_cell(own.loc[head]) if head in own.index else "" for head in heads]
        yield f"| `{searcher}` | {' | '.join(cells)} | {own['cpu_seconds'].median():.2g} |"


def _cell(row: Any) -> str:
    mark = MARKS.get(str(row["verdict"]), "")
    return f"{row['median']:.3f}{' ' * bool(mark)}{mark}"


def _draw(record: pd.DataFrame, parts: Sequence[tuple[str, int]]) -> None:
    """A map an amount: a row a searcher, a column a problem, coloured by the difference of means."""
    order = list(dict.fromkeys(record["searcher"]))
    heads = [sorted(set(_part(record, *part)["short"])) for part in parts]
    figure, axes = plt.subplots(
        1,
        len(parts),
        figsize=(2.6 + 0.34 * sum(map(len, heads)), 1.4 + 0.21 * len(order)),
        sharey=True,
        layout="constrained",
        width_ratios=list(map(len, heads)),
    )
    for ax, (axis, amount), columns in zip(axes, parts, heads, strict=True):
        part = _part(record, axis, amount)
        cells = part.pivot(index="searcher", columns="short", values="difference").reindex(index=order, columns=columns)
        image = ax.imshow(cells, cmap="RdBu", vmin=-0.2, vmax=0.2, aspect="auto")
        for row in part.itertuples():
            place = columns.index(row.short), order.index(row.searcher)
            colour = "white" if abs(row.difference) > 0.15 else "black"
            ax.text(*place, MARKS[row.verdict], ha="center", va="center", size=8, color=colour)
        ax.set_title(f"{amount}\n{axis}", fontsize=8)
        ax.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
        ax.set_yticks(range(len(order)), order, fontsize=8)
        ax.tick_params(length=0)
    figure.colorbar(image, ax=axes, shrink=0.6, label="mean share less random search's", extend="both")
    figure.savefig(FIGURE, dpi=150)


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "collect", "draw"))
    parser.add_argument("--workers", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--campaign", choices=CAMPAIGNS, help="which to run or collect (default: all)")
    given = parser.parse_args()
    names = (given.campaign,) if given.campaign else CAMPAIGNS
    if given.what == "run":
        run(names, given.workers)
    elif given.what == "collect":
        collect(names)
    else:
        draw()


if __name__ == "__main__":
    main()
