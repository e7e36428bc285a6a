"""Run the campaigns of `live.toml` at several budgets, and say what they say (`docs/motif-live.md`).

python scripts/motif/live.py run --workers 2   # what live.csv lacks, resumable: results/motif-live-5-seed-0 and so on
python scripts/motif/live.py collect           # a line of live.csv more for each run that has ended
python scripts/motif/live.py draw              # the figure, and the tables of the page

A method that has changed is run again once its lines are taken out of live.csv.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import mobench
from mobench.campaigns.study import read_study, run_state
from mobench.core.networks import Supernet
from mobench.plugins.catalogue import find
from mobench.plugins.references import describe
from mobench.problems._cells.space import OPERATIONS, live
from mobench.scoring.load import load

sys.path.append(str(Path(__file__).parents[1] / "results"))
from blind import blind_quartiles, whole_trainings

HERE = Path(__file__).parent
RECORD, BLIND = HERE / "live.csv", HERE / "live_blind.csv"
FIGURE = HERE.parents[1] / "docs" / "figures" / "motif-live.png"
KEY = ["trainings", "searcher", "seed"]
BUDGETS = (5, 20, 50)
"""In full trainings."""
SETTINGS = "warm_up=0"
"""What the options of lines with published settings have: these are compared at the least budget alone."""
BLUES = ("#9ecae1", "#4292c6", "#08306b")
GREY = "0.6"


def run(seeds: int, workers: int, budgets: Sequence[int]) -> None:
    """Carry out what the record lacks, a seed at all budgets before the next seed: what is there is balanced."""
    campaign = mobench.read_campaign(HERE / "live.toml")
    there = set(recorded().index)
    for seed, budget in itertools.product(range(seeds), budgets):
        planned = [s for s in campaign.searchers if budget == BUDGETS[0] or SETTINGS not in describe(*s)]
        wanted = [s for s in planned if (budget, describe(*s), seed) not in there]
        if wanted:
            one = replace(campaign, budget={"trainings": budget}, seeds=(seed,), searchers=tuple(wanted))
            mobench.run_campaign(replace(one, name=folder(budget, seed).name), folder(budget, seed), workers=workers)


def folder(budget: int, seed: int) -> Path:
    """Where the runs of a budget and a seed lie."""
    return Path("results") / f"motif-live-{budget}-seed-{seed}"


def recorded() -> pd.DataFrame:
    """The record, by budget, searcher and seed."""
    return pd.read_csv(RECORD).set_index(KEY) if RECORD.exists() else pd.DataFrame(columns=KEY).set_index(KEY)


def facts(run_folder: Path) -> dict[str, float]:
    """Measure a run: score, networks trained to the end and delivered, least error, its live operations in per cent."""
    result = load(run_folder)
    operations = live(result.delivered())
    edges = max(int((operations > 0).sum()), 1)
    shares = {name: round(100.0 * (operations == op).sum() / edges) for op, name in enumerate(OPERATIONS) if op}
    front = result.front()
    return {
        "hypervolume": round(result.hypervolume(), 4),
        "trained": whole_trainings(result),
        "delivered": len(front),
        "least_error": round(front["error"].min(), 2) if len(front) else np.nan,
        "one_shot_tau": round(result.one_shot_tau(), 3),
        **shares,
    }


def collect() -> None:
    """Add runs that have ended to the record, and blind sets of the sizes that were trained to theirs."""
    there, rows = recorded(), []
    for place in sorted(Path("results").glob("motif-live-*-seed-*")):
        for spec, at in read_study([place]).runs:
            key = int(spec.budget["trainings"]), spec.searcher_label, spec.seed
            if key not in there.index and run_state(at) == "ended":
                rows.append(dict(zip(KEY, key, strict=True)) | facts(at))
    runs = pd.concat([there.reset_index(), *([pd.DataFrame(rows)] if rows else [])])
    runs.sort_values(["trainings", "seed"], kind="stable").to_csv(RECORD, index=False)
    known = pd.read_csv(BLIND).set_index("size") if BLIND.exists() else pd.DataFrame(columns=["q25", "median", "q75"])
    for size in sorted(set(runs["trained"]) - set(known.index)):
        known.loc[size] = blind_quartiles("motif", int(size))
    known.sort_index().rename_axis("size").to_csv(BLIND)


def table(runs: pd.DataFrame, blind: pd.Series) -> Iterator[pd.DataFrame]:
    """A table a budget, a row a searcher, the best first; beside it the median blind set of as many networks."""
    for budget, own in runs.groupby("trainings"):
        own = own.assign(blind=own["trained"].map(blind))
        grouped = own.groupby("searcher")
        found = grouped["hypervolume"].agg(["median", "min", "max"])
        found["blind set"] = grouped["blind"].median()
        found["above"] = (own["hypervolume"] > own["blind"]).groupby(own["searcher"]).mean()
        for column in ("trained", "delivered", "least_error", "one_shot_tau", *OPERATIONS[1:]):
            found[column] = grouped[column].median()
        found.insert(0, "trainings", budget)
        found.insert(1, "seeds", grouped.size())
        yield found.sort_values("median", ascending=False)


def draw() -> None:
    """Draw medians with the least and the largest, and blind sets of their sizes; print the tables."""
    runs, blind = pd.read_csv(RECORD), pd.read_csv(BLIND).set_index("size")["median"]
    tables = {int(each["trainings"].iloc[0]): each for each in table(runs, blind)}
    names = set(runs["searcher"])
    shared = [each["median"] for each in tables.values() if set(each.index) == names]  # budgets that all have run at
    order = sorted(sorted(names), key=lambda name: np.mean([medians[name] for medians in shared]))
    figure, axes = plt.subplots(
        1, len(tables), figsize=(3.2 + 3.2 * len(tables), 0.9 + 0.24 * len(order)), sharey=True, layout="constrained"
    )
    for ax, (budget, found), colour in zip(np.atleast_1d(axes), tables.items(), BLUES[-len(tables) :], strict=True):
        found = found.reindex([s for s in order if s in found.index])
        y = [order.index(s) for s in found.index]
        ax.hlines(y, found["min"], found["max"], color=colour, linewidth=1.2)
        ax.plot(found["blind set"], y, "|", color="#c53030", markersize=11, markeredgewidth=1.6, label="blind set")
        ax.plot(found["median"], y, "o", color=colour, markersize=5, label="median, least to largest")
        least, most = int(found["seeds"].min()), int(found["seeds"].max())
        seeds = f"{most} seeds" if least == most else f"{least} to {most} seeds"
        ax.set(title=f"{budget} trainings, {seeds}", xlabel="share of the front's hypervolume", xlim=(0, 1))
        ax.set_yticks(range(len(order)), order)
        ax.grid(axis="x", color="0.92")
        ax.spines[["top", "right"]].set_visible(False)
        for name in found.index[found["seeds"] < most]:
            text = counted(int(found.loc[name, "seeds"]))
            ax.text(1.01, order.index(name), text, va="center", size=6, color=GREY)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.savefig(FIGURE, dpi=150)
    for found in tables.values():
        print(found.round(2).to_string(), "\n")
    print(*(markdown(name, tables) for name in reversed(order)), "", sep="\n")
    print(*beside_published(tables[BUDGETS[0]]), sep="\n")


def counted(seeds: int) -> str:
    """So many seeds, in words."""
    return "one seed" if seeds == 1 else f"{seeds} seeds"


def markdown(searcher: str, tables: dict[int, pd.DataFrame]) -> str:
    """A row of the page's table: seeds, median, least and largest, blind set and networks trained at every budget."""
    cells = [f"`{searcher}`"]
    for found in tables.values():
        if searcher not in found.index:
            cells += ["", "", ""]
            continue
        row = found.loc[searcher]
        seeds = "" if row["seeds"] == found["seeds"].max() else f", {counted(int(row['seeds']))}"
        span = f"{row['min']:.2f} to {row['max']:.2f}{seeds}" if row["seeds"] > 1 else "one seed"
        cells += [f"{row['median']:.2f} ({span})"]
        cells += [f"{row['blind set']:.2f}", f"{row['trained']:.0f}"]
    return f"| {' | '.join(cells)} |"


def beside_published(found: pd.DataFrame) -> Iterator[str]:
    """Rows of the page's table of searchers that share weights: above their blind sets, and with published settings."""
    published = {name.partition(":")[0]: row for name, row in found.iterrows() if SETTINGS in name}
    for searcher, row in found.iterrows():
        if SETTINGS not in searcher and shares_weights(searcher):
            cells = [f"`{searcher}`", *_span(row), f"{row['trained']:.0f}", f"{row['above'] * row['seeds']:.0f}"]
            cells += _span(published[searcher]) if searcher in published else ["", ""]
            yield f"| {' | '.join(cells)} |"


def shares_weights(searcher: str) -> bool:
    """Whether a searcher trains a supernet."""
    needs = find("searcher", searcher.partition(":")[0]).needs
    return any(Supernet in need.__mro__ for need in needs)


def _span(row: pd.Series) -> list[str]:
    return [f"{row['median']:.2f} ({row['min']:.2f} to {row['max']:.2f})", f"{row['blind set']:.2f}"]


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "collect", "draw"))
    parser.add_argument("--seeds", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--budgets", type=int, nargs="+", choices=BUDGETS, default=BUDGETS, help="of these alone")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time (default: 1)")
    given = parser.parse_args()
    if given.what == "run":
        run(given.seeds, given.workers, given.budgets)
    else:
        (collect if given.what == "collect" else draw)()


if __name__ == "__main__":
    main()
