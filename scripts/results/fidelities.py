"""Several fidelities, in trainings and on the simulated clock: record, tables, figure (`docs/results/fidelities.md`).

python scripts/results/published.py fidelities run    # results/fidelities-trainings and so on: resumable
python scripts/results/fidelities.py collect          # runs.csv.gz, floors.csv and the tables
python scripts/results/fidelities.py draw             # the figure, and the tables of the page
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from published import HOME, campaigns, do, read_runs, recorded, write_record
from verdicts import MARKS, compare, floors

import mobench
from mobench.figures.style import AXIS_LABELS, palette, styled

NAME = "fidelities"
HERE, FIGURE = HOME / NAME, HOME.parents[1] / "docs" / "figures" / "fidelities.png"
PROBLEMS = ("motif", "motif_chain", "motif_transformer", "nasbench201")
WORKERS = ("1", "8", "64")
AMOUNTS: Mapping[str, Sequence[float]] = {
    "clock_nasbench201": (3500, 7000, 14_000, 28_000),
    "clock": (25, 50, 100, 200),
    "trainings": (5, 20, 50),
    "scheduled": (5, 20, 50),
}
"""How a campaign's name begins to where its runs are read, the first that fits."""
SCHEDULED = ("shemoa", "random_search:fidelity")
"""They look at their budget: their runs are read at its end only."""
FLOOR, BRACKET = "random_search", "successive_halving:architectures="
ONE_BY_ONE = "random_search:batch=1"
"""Random search where there is one worker."""
SEARCHERS = (
    FLOOR,
    "random_search:fidelity=1",
    "random_search:fidelity=3",
    "random_search:fidelity=12",
    "regularized_evolution",
    "nsga2",
    "successive_halving",
    f"{BRACKET}72",
    f"{BRACKET}576",
    "hyperband",
    "bohb",
    "asha",
    "shemoa",
    "curve_stopping",
)
WAITING = ("successive_halving", f"{BRACKET}72", f"{BRACKET}576", "hyperband", "bohb")
FAMILIES = {
    FLOOR: [(searcher, FLOOR) for searcher in SEARCHERS[1:]],
    "asynchrony": [*(("asha", searcher) for searcher in WAITING), ("regularized_evolution", "nsga2")],
}
"""Pairs that are corrected together at each axis, number of workers, problem and amount."""
DRAWN = (FLOOR, "regularized_evolution", "nsga2", "successive_halving", f"{BRACKET}576", "hyperband", "asha", "shemoa")
"""In the figure: more lines would hide each other."""


def amounts(campaign: str) -> tuple[float, ...]:
    """Where the runs of a campaign are read."""
    (most,) = campaigns(NAME)[campaign].budget.values()
    known = next(moments for begin, moments in AMOUNTS.items() if campaign.startswith(begin))
    return tuple(moment for moment in known if moment <= most)


def group(campaign: str) -> str:
    """What a campaign's runs are compared within: ``trainings``, or so many workers."""
    return campaign.rpartition("_")[2] if campaign.startswith("clock") else "trainings"


def collect() -> None:
    """Write the record of all runs, their noise floors, and the tables made of both."""
    plans = campaigns(NAME)
    spent = ("evaluations", "flops", "seconds", "clock")
    write_record(NAME, (row for plan in plans for row in read_runs(NAME, plan, amounts(plan), spent=spent)))
    pairs = sorted({pair for family in FAMILIES.values() for pair in family})
    rows: list[dict[str, object]] = []
    for where in ("trainings", *WORKERS):
        read = {plan: amounts(plan) for plan in plans if group(plan) == where}
        rows += floors(NAME, where, read, pairs, renamed={ONE_BY_ONE: FLOOR} if where == "1" else {})
    pd.DataFrame(rows).to_csv(HERE / "floors.csv", index=False, float_format="%.4g")
    for file, table in tables(recorded(NAME)).items():
        table.to_csv(HERE / f"{file}.csv", index=False)


def tables(record: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table of the record, by the name of its file."""
    runs = readable(record)
    verdicts = compare(runs, FAMILIES, pd.read_csv(HERE / "floors.csv", dtype={"group": str}))
    return {"shares": shares(runs, verdicts), "busy": busy(runs), "verdicts": verdicts}


def readable(record: pd.DataFrame) -> pd.DataFrame:
    """The rows that are what a run with that amount delivers, with the group of each campaign."""
    most = record["campaign"].map({name: next(iter(plan.budget.values())) for name, plan in campaigns(NAME).items()})
    kept = (record["amount"] == most) | ~record["searcher"].str.startswith(SCHEDULED)
    runs = record[kept].assign(group=record["campaign"].map(group))
    runs = runs[(runs["group"] != "1") | (runs["searcher"] != FLOOR)]  # a batch of a hundred is answered at its end
    return runs.assign(searcher=runs["searcher"].replace(ONE_BY_ONE, FLOOR))


def shares(runs: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Mean shares of the front, a row a group, problem, amount and searcher, and the verdict against random search."""
    said = verdicts[verdicts["family"] == FLOOR].rename(columns={"a": "searcher"})
    said = said.set_index(["group", "problem", "amount", "searcher"])["verdict"]
    found = runs.groupby(["group", "problem", "amount", "searcher"])["hypervolume"]
    table = found.agg(seeds="size", mean="mean", error="sem").round(4)
    return table.assign(verdict=said).reset_index().sort_values(["group", "problem", "amount", "searcher"], key=_places)


def busy(runs: pd.DataFrame) -> pd.DataFrame:
    """Medians of the workers' time that was spent training and of trainings, a row a problem, group and searcher."""
    clocked = runs[runs["axis"] == "clock"].drop_duplicates(["group", "problem", "searcher", "seed"])
    worked = clocked["seconds"].where(clocked["problem"] == "nasbench201", clocked["flops"] / 1e9)
    part = worked / clocked["group"].astype(int) / clocked["clock"]
    found = clocked.assign(busy=part).groupby(["problem", "group", "searcher"])
    table = found[["busy", "evaluations", "cpu_seconds"]].median().round(4).reset_index()
    return table.sort_values(["problem", "group", "searcher"], key=_places)


def _places(column: pd.Series) -> pd.Series:
    order = {"searcher": SEARCHERS, "problem": (*PROBLEMS, "fcnet"), "group": ("trainings", *WORKERS)}
    return column.map(order[str(column.name)].index) if column.name in order else column


def draw() -> None:
    """Draw the figure, and print the tables of the page."""
    kinds = {"group": str}
    found, used = (pd.read_csv(HERE / f"{name}.csv", dtype=kinds) for name in ("shares", "busy"))
    said = pd.read_csv(HERE / "verdicts.csv", dtype=kinds)
    with styled():
        _draw(found)
    print(*training_lines(found), "", *asynchrony_lines(said), sep="\n")
    for problem in PROBLEMS:
        print("", *clock_lines(found, used, problem), sep="\n")


def _cell(row: pd.Series) -> str:
    mark = MARKS.get(str(row["verdict"]), "")
    return f"{row['mean']:.2f} {mark}".strip()


def training_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table in trainings: a row a searcher, three columns a problem."""
    own = table[(table["group"] == "trainings") & table["problem"].isin(PROBLEMS)]
    heads = [(problem, amount) for problem in PROBLEMS for amount in AMOUNTS["trainings"]]
    yield f"| searcher | {' | '.join(f'`{p}`, {n:g}' if n == 5 else f'{n:g}' for p, n in heads)} |"
    yield "|---|" + "---|" * len(heads)
    for searcher, part in own.groupby("searcher", sort=False):
        cells = part.set_index(["problem", "amount"])
        yield f"| `{searcher}` | {' | '.join(_cell(cells.loc[h]) if h in cells.index else '' for h in heads)} |"


def asynchrony_lines(verdicts: pd.DataFrame) -> Iterator[str]:
    """The page's table of asynchrony: mean gain of the one that does not wait, a row a pair, columns of workers."""
    said = verdicts[verdicts["family"] == "asynchrony"]
    for problem in PROBLEMS:
        moments = _moments(problem)
        heads = [(workers, moment) for workers in WORKERS for moment in (moments[1], moments[-1])]
        yield f"\n| `{problem}` | {' | '.join(f'{w} at {m:,} s' for w, m in heads)} |"
        yield "|---|" + "---|" * len(heads)
        for a, b in FAMILIES["asynchrony"]:
            pair = said[(said["a"] == a) & (said["b"] == b) & (said["problem"] == problem)]
            rows = [pair[(pair["group"] == w) & (pair["amount"] == m)].iloc[0] for w, m in heads]
            cells = [f"{row['difference']:+.2f} {MARKS[row['verdict']]}".strip() for row in rows]
            yield f"| `{a}` less `{b}` | {' | '.join(cells)} |"


def clock_lines(table: pd.DataFrame, used: pd.DataFrame, problem: str) -> Iterator[str]:
    """The page's table of a problem on the clock: for each number of workers an early and the last moment, and busy."""
    moments = _moments(problem)
    heads = [f"{w} at {moments[1]:,} s | {moments[-1]:,} s | busy" for w in WORKERS]
    yield f"| `{problem}` | {' | '.join(heads)} |"
    yield "|---|" + "---|" * 9
    cells = table[table["problem"] == problem].set_index(["group", "amount", "searcher"])
    times = used[used["problem"] == problem].set_index(["group", "searcher"])["busy"]
    for searcher in (searcher for searcher in SEARCHERS if ("1", searcher) in times.index):
        row = []
        for w in WORKERS:
            at = [(w, float(moment), searcher) for moment in (moments[1], moments[-1])]
            row += [_cell(cells.loc[place]) if place in cells.index else "" for place in at]
            row += [f"{times[w, searcher]:.2f}"]
        yield f"| `{searcher}` | {' | '.join(row)} |"


def _moments(problem: str) -> Sequence[float]:
    return AMOUNTS["clock_nasbench201" if problem == "nasbench201" else "clock"]


def _draw(table: pd.DataFrame) -> None:
    """A row a problem, a column a number of workers: means over the clock, with their standard errors."""
    colours = palette(DRAWN)
    figure, axes = plt.subplots(
        len(PROBLEMS), len(WORKERS), figsize=(8.2, 8.6), sharey="row", sharex="row", layout="constrained"
    )
    for problem, across in zip(PROBLEMS, axes, strict=True):
        training = mobench.make_problem(problem, {}).training
        length = training.seconds or training.flops / 1e9
        for workers, ax in zip(WORKERS, across, strict=True):
            own = table[(table["problem"] == problem) & (table["group"] == workers)]
            for searcher in DRAWN:
                part = own[own["searcher"] == searcher]
                style = {"color": colours[searcher], "markersize": 3.6, "label": searcher, "capsize": 1.5}
                ax.errorbar(part["amount"], part["mean"], part["error"], fmt="o-", elinewidth=0.7, **style)
            ax.set(xscale="log", ylim=(0, 1), xticks=_moments(problem))
            ax.set_xticklabels([f"{moment:,}\n({moment / length:.1f})" for moment in _moments(problem)])
            ax.tick_params(which="minor", bottom=False, labelbottom=False)
            ax.set_yticks(np.linspace(0, 1, 6))
            ax.grid(axis="y", color="0.93")
            if problem == PROBLEMS[0]:
                ax.set_title(f"{workers} worker{'s' * (workers != '1')}")
        across[0].set_ylabel(f"{problem}\nshare of the front")
    figure.supxlabel(f"{AXIS_LABELS['clock']} (in lengths of an average training)", fontsize=8)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    do(__doc__, collect=collect, draw=draw)
