"""MODNAS's protocol at equal unique evaluations: the record, its tables and its figure (`docs/results/modnas.md`).

python scripts/results/published.py modnas run    # results/modnas-devices and so on: resumable
python scripts/results/modnas.py collect          # runs.csv.gz, floors.csv and the tables
python scripts/results/modnas.py draw             # the figure, and the tables of the page
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from published import HOME, campaigns, do, read_runs, recorded, write_record
from verdicts import ALL, MARKS, compare, compare_over, floors

import mobench
from mobench.figures.style import TRUTH, palette, styled
from mobench.plugins.references import parse_reference
from mobench.scoring.contract import contract_for

NAME = "modnas"
HERE, FIGURE = HOME / NAME, HOME.parents[1] / "docs" / "figures" / "modnas-protocol.png"
AMOUNTS = (24, 50, 100, 200)
"""Of evaluations: 24 is how many rays the paper has a device."""
ENDS = (5, 20, max(AMOUNTS))
"""Where runs are compared problem by problem, and noise floors are known."""
FLOOR, SHORT, LOCAL = "random_search", "random_search:fidelity=1", "local_search"
SEARCHERS = (FLOOR, "grid", LOCAL, "regularized_evolution", "nsga2", "asha", "parego", "qnehvi")
METHOD = "modnas"
OTHERS = ", others' mean"
GROUPS: Mapping[str, Sequence[str]] = {
    "devices": ("devices", "models"),
    "unseen": ("unseen",),
    "5 trainings": ("supernet_5",),
    "20 trainings": ("supernet_20",),
}
"""Campaigns whose runs are compared with each other."""


def published_settings() -> str:
    """The label of `modnas` with the paper's settings."""
    return next(
        spec.searcher_label for spec in campaigns(NAME)["supernet_5"].specs if "published" in spec.searcher_label
    )


def families() -> dict[str, list[tuple[str, str]]]:
    """The pairs that are corrected together."""
    live = [SHORT, "nsga2:population=10", METHOD, published_settings()]
    return {
        FLOOR: [(searcher, FLOOR) for searcher in (*SEARCHERS[1:], *live)],
        LOCAL: [(searcher, LOCAL) for searcher in SEARCHERS[3:]],
        METHOD: [(METHOD, SHORT), (METHOD, published_settings())],
    }


def amounts(campaign: str) -> tuple[float, ...]:
    """Where the runs of a campaign are read."""
    ((axis, most),) = campaigns(NAME)[campaign].budget.items()
    return (most,) if axis == "trainings" else AMOUNTS


def collect() -> None:
    """Write the record of all runs, their noise floors, and the tables made of both."""
    write_record(NAME, (row for campaign in campaigns(NAME) for row in read_runs(NAME, campaign, amounts(campaign))))
    pairs = sorted({pair for family in families().values() for pair in family})
    rows: list[dict[str, object]] = []
    for group, members in GROUPS.items():
        read = {campaign: amounts(campaign)[-1:] for campaign in members}
        rows += floors(NAME, group, read, pairs, together=group == "devices")
    pd.DataFrame(rows).to_csv(HERE / "floors.csv", index=False, float_format="%.4g")
    for file, table in tables(recorded(NAME)).items():
        table.to_csv(HERE / f"{file}.csv", index=False)


def tables(record: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table of the record, by the name of its file."""
    runs = grouped(record)
    floor = pd.read_csv(HERE / "floors.csv")
    verdicts = compare(runs[runs["amount"].isin(ENDS)], families(), floor)
    over = compare_over(runs[runs["group"] == "devices"], families(), floor)
    return {
        "over_devices": over_devices(runs[runs["group"] == "devices"], over),
        "by_device": by_device(runs[(runs["group"] == "devices") & (runs["amount"] == max(AMOUNTS))], verdicts),
        "unseen": unseen(runs[runs["amount"] == max(AMOUNTS)]),
        "supernet": supernet(runs[runs["axis"] == "trainings"], verdicts),
        "verdicts": pd.concat([over, verdicts, lost(runs[runs["amount"] == max(AMOUNTS)])]),
    }


def grouped(record: pd.DataFrame) -> pd.DataFrame:
    """The record with the group of each campaign."""
    names = {campaign: group for group, members in GROUPS.items() for campaign in members}
    return record.assign(group=record["campaign"].map(names))


def device(problem: str) -> str:
    """The device of a problem's label."""
    _, options = parse_reference(problem)
    return str(options["device"]) if "device" in options else str(options["objectives"][1]).partition(":")[2]


def devices() -> dict[str, str]:
    """Device to the label of its problem, in the paper's order."""
    labels = dict.fromkeys(spec.problem_label for spec in campaigns(NAME)["devices"].specs)
    return {device(label): label for label in labels}


def over_devices(runs: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Means over the 19 devices, a row a searcher and amount, beside the verdicts of both families."""
    rows = []
    for (searcher, amount), part in runs.groupby(["searcher", "amount"]):
        row = {"searcher": searcher, "amount": amount, "seeds": part["seed"].nunique()}
        row |= {"share": part["hypervolume"].mean(), "cpu_seconds": part["cpu_seconds"].median()}
        said = verdicts[(verdicts["a"] == searcher) & (verdicts["amount"] == amount)].set_index("family")
        for family in (FLOOR, LOCAL):
            row[f"than {family}"] = said["verdict"].get(family, "")
        rows.append(row)
    table = pd.DataFrame(rows).round({"share": 4, "cpu_seconds": 4})
    return table.sort_values(["amount", "searcher"], key=_places)


def by_device(runs: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Mean hypervolumes in the paper's unit after all evaluations, a row a device, and the verdicts against chance."""
    said = verdicts[(verdicts["family"] == FLOOR) & (verdicts["amount"] == max(AMOUNTS))]
    rows = []
    for name, label in devices().items():
        contract = contract_for(mobench.make_problem(*parse_reference(label)), "modnas")
        means = runs[runs["problem"] == label].groupby("searcher")["hypervolume"].mean() * contract.volume
        marks = said[said["problem"] == label].set_index("a")["verdict"]
        row = {"device": name, "true": contract.volume} | {searcher: means[searcher] for searcher in SEARCHERS}
        rows.append(row | {f"{searcher} is": marks[searcher] for searcher in SEARCHERS[1:]})
    return pd.DataFrame(rows).round(4)


def unseen(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean shares on the six unseen devices: searched with the others' mean latency, with their own, what is lost."""
    rows = []
    for (label, searcher), part in runs[runs["group"] == "unseen"].groupby(["problem", "searcher"], sort=False):
        own = runs[(runs["problem"] == devices()[device(label)]) & (runs["searcher"] == searcher)]
        row = {"device": device(label), "searcher": searcher, "others": part["hypervolume"].mean()}
        rows.append(row | {"itself": own["hypervolume"].mean()})
    table = pd.DataFrame(rows)
    return table.assign(lost=table["itself"] - table["others"]).round(4)


def lost(runs: pd.DataFrame) -> pd.DataFrame:
    """The verdicts over the six unseen devices on searches with the device's own latency and with the others'."""
    others = runs[runs["group"] == "unseen"]
    both = pd.concat([runs[runs["group"] == "devices"], others.assign(searcher=others["searcher"] + OTHERS)])
    both = both.assign(group="unseen", problem=both["problem"].map(device))
    both = both[both["problem"].isin(set(others["problem"].map(device)))]
    pairs = [(searcher, searcher + OTHERS) for searcher in dict.fromkeys(others["searcher"])]
    return compare_over(both, {"transfer": pairs}, pd.DataFrame())


def supernet(runs: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Shares on Motif at the price of so many trainings, a row a searcher, beside its verdicts."""
    rows = []
    for (amount, searcher), part in runs.groupby(["amount", "searcher"], sort=False):
        found = part["hypervolume"]
        row = {"trainings": amount, "searcher": searcher, "seeds": len(part), "median": found.median()}
        row |= {
            "mean": found.mean(),
            "least": found.min(),
            "most": found.max(),
            "cpu_seconds": part["cpu_seconds"].median(),
        }
        said = verdicts[(verdicts["group"] == f"{amount:g} trainings") & (verdicts["a"] == searcher)]
        marks = said[said["family"] == FLOOR]["verdict"].tolist()
        rows.append(row | {f"than {FLOOR}": "".join(marks)})
    return pd.DataFrame(rows).round(4)


def _places(column: pd.Series) -> pd.Series:
    return column.map(SEARCHERS.index) if column.name == "searcher" else column


def short(searcher: str) -> str:
    """A searcher's name in figures and tables."""
    return re.sub(r":.*version=published.*", ", published settings", searcher)


def draw() -> None:
    """Draw the figure, and print the tables of the page."""
    made = {path.stem: pd.read_csv(path) for path in HERE.glob("*.csv") if path.stem != "floors"}
    with styled():
        _draw(made["by_device"], made["over_devices"])
    print(*over_lines(made["over_devices"]), "", *device_lines(made["by_device"]), "", sep="\n")
    print(*unseen_lines(made["unseen"]), "", *supernet_lines(made["supernet"]), sep="\n")
    said = made["verdicts"]
    print(said[said["family"].isin([METHOD, "transfer"])].to_string(index=False))
    print(said[(said["family"] == LOCAL) & (said["problem"] == ALL)].to_string(index=False))


def over_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table over devices."""
    yield f"| searcher | {' | '.join(map(str, AMOUNTS))} | devices | CPU s |"
    yield "|---|" + "---|" * (len(AMOUNTS) + 2)
    counts = pd.read_csv(HERE / "by_device.csv")
    for searcher, part in table.groupby("searcher", sort=False):
        own = part.set_index("amount")
        marks = [MARKS.get(str(own.loc[n, f"than {FLOOR}"]), "") for n in AMOUNTS]
        cells = [f"{own.loc[n, 'share']:.3f} {mark}".strip() for n, mark in zip(AMOUNTS, marks, strict=True)]
        better = "" if searcher == FLOOR else f"{(counts[f'{searcher} is'] == 'better').sum()}"
        yield f"| `{searcher}` | {' | '.join(cells)} | {better} | {own['cpu_seconds'].iloc[0]:.2g} |"


def device_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table by device."""
    yield f"| device | true | {' | '.join(f'`{searcher}`' for searcher in SEARCHERS)} |"
    yield "|---|---|" + "---|" * len(SEARCHERS)
    for _, row in table.iterrows():
        marks = ["", *(MARKS[row[f"{searcher} is"]] for searcher in SEARCHERS[1:])]
        cells = [f"{row[searcher]:.3f} {mark}".strip() for searcher, mark in zip(SEARCHERS, marks, strict=True)]
        yield f"| `{row['device']}` | {row['true']:.4f} | {' | '.join(cells)} |"


def unseen_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table of unseen devices: others' mean, itself."""
    searchers = list(dict.fromkeys(table["searcher"]))
    yield f"| device | {' | '.join(f'`{searcher}`' for searcher in searchers)} |"
    yield "|---|" + "---|" * len(searchers)
    for name, part in table.groupby("device", sort=False):
        own = part.set_index("searcher")
        cells = [f"{own.loc[searcher, 'others']:.3f}, {own.loc[searcher, 'itself']:.3f}" for searcher in searchers]
        yield f"| `{name}` | {' | '.join(cells)} |"


def supernet_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table on Motif: median, least to largest, verdict against random search, CPU seconds."""
    budgets = sorted(set(table["trainings"]))
    yield f"| searcher | {' | '.join(f'{n:g} trainings | CPU s' for n in budgets)} |"
    yield "|---|" + "---|---|" * len(budgets)
    for searcher, part in table.groupby("searcher", sort=False):
        cells = []
        for _, row in part.sort_values("trainings").iterrows():
            mark = MARKS.get(str(row[f"than {FLOOR}"]), "")
            cells += [f"{row['median']:.2f} ({row['least']:.2f} to {row['most']:.2f}) {mark}".strip()]
            cells += [f"{row['cpu_seconds']:.2g}"]
        yield f"| `{short(str(searcher))}` | {' | '.join(cells)} |"


def _draw(by: pd.DataFrame, over: pd.DataFrame) -> None:
    """On the left each device after all evaluations, beside its true front; on the right means over devices."""
    colours = palette(SEARCHERS)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.6), width_ratios=[1.5, 1], layout="constrained")
    places = range(len(by))
    left.hlines(places, by[list(SEARCHERS)].min(axis=1), by["true"], color="0.9", linewidth=4, zorder=0)
    left.plot(by["true"], places, "|", color="black", markersize=10, markeredgewidth=1.4, label="true front")
    for searcher in SEARCHERS:
        left.plot(by[searcher], places, "o", color=colours[searcher], markersize=3.6, alpha=0.9)
    left.set_yticks(places, by["device"])
    left.invert_yaxis()
    left.axhline(12.5, color=TRUTH, linewidth=0.8)
    left.text(left.get_xlim()[0], 12.6, " unseen by MODNAS's search", va="top", size=6, color="0.45")
    left.set(xlabel="hypervolume after 200 evaluations, reference 1", title="each device")
    for searcher, part in over.groupby("searcher", sort=False):
        right.plot(part["amount"], part["share"], "o-", color=colours[searcher], markersize=3.6, label=searcher)
    right.set(xscale="log", xlabel="unique evaluations", ylabel="share of the front's hypervolume")
    right.set(title="mean over 19 devices", xticks=AMOUNTS, xticklabels=AMOUNTS)
    right.tick_params(which="minor", bottom=False, labelbottom=False)
    marks = [*right.get_legend_handles_labels()[0], *left.get_legend_handles_labels()[0]]
    figure.legend(handles=marks, loc="outside lower center", ncols=5)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    do(__doc__, collect=collect, draw=draw)
