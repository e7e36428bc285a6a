"""Does bilevel theory help? The record, its tables and its figure (`docs/results/bilevel.md`).

python scripts/results/published.py bilevel run --missing --seeds 3   # the first seeds of the plan: resumable
python scripts/results/bilevel.py collect                             # runs.csv.gz, blind.csv and the tables
python scripts/results/bilevel.py draw                                # the figure, and the tables of the page

What is said of `motif` is made of the record of `docs/motif-live.md`, whose runs are these, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from blind import blind_quartiles, whole_trainings
from published import HOME, campaigns, do, ended, folder, read_runs, recorded, write_record
from scipy.stats import binomtest
from verdicts import compare

from mobench.analysis.families import holm
from mobench.campaigns.study import read_study
from mobench.figures.style import styled

NAME = "bilevel"
HERE, FIGURE = HOME / NAME, HOME.parents[1] / "docs" / "figures" / "bilevel.png"
MOTIF, BLIND_OF_MOTIF = (HOME.parents[1] / "scripts" / "motif" / f"{name}.csv" for name in ("live", "live_blind"))
KINDS = {
    "floor": (
        "random_search",
        "random_search:fidelity=1",
        "random_search:fidelity=2",
        "random_search:fidelity=3",
        "nsga2:population=10",
        "successive_halving",
        "asha",
        "qnehvi",
        "reinforce",
    ),
    "one-shot": ("spos", "random_weight_sharing", "enas"),
    "hypernetwork": ("modnas", "pareto_hypernetwork", "smash", "ghn"),
    "gradients": ("scalarization", "mgda", "epo", "pareto_mtl", "snas", "fbnet", "proxyless_nas", "setn"),
    "bilevel": (
        "darts",
        "darts:order=2",
        "milenas",
        "unrolled",
        "implicit",
        "auxiliary",
        "f2sa",
        "bome",
        "fair_darts",
        "p_darts",
    ),
}
KIND = {searcher: kind for kind, searchers in KINDS.items() for searcher in searchers}
COLOURS = {
    "floor": "0.45",
    "one-shot": "#2f855a",
    "hypernetwork": "#b7791f",
    "gradients": "#2b6cb0",
    "bilevel": "#c53030",
}
LEVEL = 0.05


def collect() -> None:
    """Write the record of the runs at hand, blind sets of the sizes that they trained, and the tables."""
    write_record(NAME, (row for campaign in campaigns(NAME) for row in rows(campaign)))
    write_blind(recorded(NAME))
    for file, table in tables(recorded(NAME)).items():
        table.to_csv(HERE / f"{file}.csv", index=False)


def rows(campaign: str) -> Iterator[dict[str, Any]]:
    """A campaign's ended runs, as `read_runs` has them, and how many networks each trained to the end."""
    if not folder(NAME, campaign).exists():
        return
    trained = {
        (spec.searcher_label, spec.seed): whole_trainings(whole)
        for spec, _, whole in ended(read_study([folder(NAME, campaign)]))
    }
    ((_, budget),) = campaigns(NAME)[campaign].budget.items()
    for row in read_runs(NAME, campaign, (budget,)):
        yield row | {"trained": trained[row["searcher"], row["seed"]]}


def write_blind(record: pd.DataFrame) -> None:
    """Quartiles of blind sets of each size that was trained: random searches with as many evaluations."""
    place = HERE / "blind.csv"
    found = pd.read_csv(place).set_index(["problem", "size"]) if place.exists() else None
    lines = [] if found is None else found.reset_index().to_dict("records")
    for problem, size in sorted(set(zip(record["problem"], record["trained"], strict=True))):
        if found is None or (problem, size) not in found.index:
            quartiles = dict(zip(("q25", "median", "q75"), blind_quartiles(problem, size), strict=True))
            lines.append({"problem": problem, "size": size} | quartiles)
    pd.DataFrame(lines).sort_values(["problem", "size"]).to_csv(place, index=False)


def runs(record: pd.DataFrame) -> pd.DataFrame:
    """All runs of the plan: space, trainings, searcher and its kind, seed, score, networks trained, blind set."""
    own = record.assign(space=record["campaign"].str.partition("_")[0], trainings=record["amount"].astype(int))
    blind = pd.read_csv(HERE / "blind.csv").set_index(["problem", "size"])["median"]
    own = own.assign(blind=[blind[key] for key in zip(own["problem"], own["trained"], strict=True)])
    motif = pd.read_csv(MOTIF).assign(space="motif")
    motif["blind"] = motif["trained"].map(pd.read_csv(BLIND_OF_MOTIF).set_index("size")["median"])
    columns = ["space", "trainings", "searcher", "seed", "hypervolume", "trained", "blind"]
    both = pd.concat([motif[columns], own[columns]], ignore_index=True)
    both.insert(3, "kind", both["searcher"].map(KIND))
    return both.dropna(subset="kind").reset_index(drop=True)  # the published settings are a question of another page


def tables(record: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Every table of the plan, by the name of its file."""
    found = runs(record)
    return {"lines": lines(found), "claims": claims(found), "orders": orders(found)}


def lines(found: pd.DataFrame) -> pd.DataFrame:
    """A row a space, price and searcher: its scores beside blind sets (question 2: sign tests, Holm over the lines)."""
    made = []
    for (space, trainings), place in found.groupby(["space", "trainings"], sort=False):
        part = []
        for searcher, own in place.groupby("searcher", sort=False):
            scores, above = own["hypervolume"], int((own["hypervolume"] > own["blind"]).sum())
            row = {"space": space, "trainings": trainings, "searcher": searcher, "kind": own["kind"].iloc[0]}
            row |= {"seeds": len(own), "median": scores.median(), "least": scores.min(), "most": scores.max()}
            row |= {"blind": own["blind"].median(), "trained": own["trained"].median(), "above": above}
            part.append(row | {"p": binomtest(above, len(own), 0.5, alternative="greater").pvalue})
        adjusted = holm([row.pop("p") for row in part])
        made += [row | {"p_above": p} for row, p in zip(part, adjusted, strict=True)]
    return pd.DataFrame(made).round({"median": 4, "least": 4, "most": 4, "blind": 4, "p_above": 4})


def claims(found: pd.DataFrame) -> pd.DataFrame:
    """Question 1, a row a space and price: the best bilevel line beside the best floor, and what that says.

    The claim holds where the best bilevel line is better than every floor, is refuted where the best floor is better
    than every bilevel line, and is open else (exact rank sums, Holm over the pairs of one place, 5 %).
    """
    made = []
    for (space, trainings), place in found.groupby(["space", "trainings"], sort=False):
        medians = place.groupby(["kind", "searcher"])["hypervolume"].median()
        if not {"floor", "bilevel"} <= set(medians.index.get_level_values("kind")):
            continue
        best = {kind: str(medians[kind].idxmax()) for kind in ("floor", "bilevel")}
        pairs = {
            "holds": [(best["bilevel"], floor) for floor in medians["floor"].index],
            "refuted": [(best["floor"], line) for line in medians["bilevel"].index],
        }
        runs = place.assign(group=space, problem=space, amount=trainings)
        said = compare(runs, pairs, pd.DataFrame())
        wins = said.assign(won=(said["p_adjusted"] <= LEVEL) & (said["difference"] > 0)).groupby("family")["won"]
        verdict = next((name for name in pairs if wins.all()[name]), "open")
        row = {"space": space, "trainings": trainings, "bilevel": best["bilevel"]}
        row |= {"of bilevel": medians["bilevel"].max(), "floor": best["floor"], "of floor": medians["floor"].max()}
        row |= {"floors": len(pairs["holds"]), "floors it beats": int(wins.sum()["holds"])}
        row |= {"lines": len(pairs["refuted"]), "lines it beats": int(wins.sum()["refuted"])}
        made.append(row | {"claim": verdict})
    return pd.DataFrame(made).round({"of bilevel": 4, "of floor": 4})


def orders(found: pd.DataFrame) -> pd.DataFrame:
    """How the order of searchers on one space agrees with that on another at one price: Kendall's tau of medians."""
    shared = found[found["kind"] != "floor"]
    medians = shared.pivot_table(
        index=["trainings", "searcher"], columns="space", values="hypervolume", aggfunc="median"
    )
    made = []
    for trainings, part in medians.groupby("trainings"):
        spaces = [space for space in part.columns if part[space].notna().any()]
        for i, one in enumerate(spaces):
            for other in spaces[i + 1 :]:
                both = part[[one, other]].dropna()
                tau = both[one].corr(both[other], method="kendall")
                made.append({"trainings": trainings, "one": one, "other": other, "searchers": len(both), "tau": tau})
    return pd.DataFrame(made).round({"tau": 3})


def draw() -> None:
    """Draw the figure, and print the tables of the page."""
    table = pd.read_csv(HERE / "lines.csv")
    with styled():
        _draw(table)
    print(*page_lines(table), "", *claim_lines(pd.read_csv(HERE / "claims.csv")), sep="\n")
    print(pd.read_csv(HERE / "orders.csv").to_string(index=False))


def page_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table: a row a searcher, the median, the least, the blind set and the seeds in each place."""
    places = list(table.groupby(["space", "trainings"], sort=False).groups)
    yield f"| | searcher | {' | '.join(f'{space}, {n}' for space, n in places)} |"
    yield "|---|---|" + "---|" * len(places)
    for kind, searchers in KINDS.items():
        for searcher in searchers:
            own = table[table["searcher"] == searcher].set_index(["space", "trainings"])
            if len(own):
                cells = [_cell(own.loc[place]) if place in own.index else "" for place in places]
                yield f"| {kind} | `{searcher}` | {' | '.join(cells)} |"


def _cell(row: pd.Series) -> str:
    return f"{row['median']:.2f} ({row['least']:.2f}), {row['blind']:.2f}, {row['above']:.0f} of {row['seeds']:.0f}"


def claim_lines(table: pd.DataFrame) -> Iterator[str]:
    """The page's table of the claim."""
    yield "| space | trainings | best bilevel | | best floor | | floors it beats | lines it beats | the claim |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for _, row in table.iterrows():
        cells = [row["space"], row["trainings"], f"`{row['bilevel']}`", f"{row['of bilevel']:.2f}", f"`{row['floor']}`"]
        cells += [f"{row['of floor']:.2f}", f"{row['floors it beats']} of {row['floors']}"]
        cells += [f"{row['lines it beats']} of {row['lines']}", row["claim"]]
        yield f"| {' | '.join(map(str, cells))} |"


def _draw(table: pd.DataFrame) -> None:
    """A panel a space and price: medians by searcher, from the least to the largest, beside blind sets."""
    places = list(table.groupby(["space", "trainings"], sort=False).groups)
    order = [searcher for searchers in KINDS.values() for searcher in searchers if searcher in set(table["searcher"])]
    figure, axes = plt.subplots(
        1, len(places), figsize=(2.6 + 2.0 * len(places), 6.4), sharey=True, layout="constrained", squeeze=False
    )
    for ax, (space, trainings) in zip(axes[0], places, strict=True):
        own = table[(table["space"] == space) & (table["trainings"] == trainings)].set_index("searcher")
        for y, searcher in enumerate(order):
            if searcher in own.index:
                row, colour = own.loc[searcher], COLOURS[KIND[searcher]]
                ax.hlines(y, row["least"], row["most"], color=colour, linewidth=1.2)
                ax.plot(row["median"], y, "o", color=colour, markersize=4)
                ax.plot(row["blind"], y, "|", color="black", markersize=8, markeredgewidth=1.2)
        seeds = sorted({int(own["seeds"].min()), int(own["seeds"].max())})
        ax.set(title=f"{space}, {trainings} trainings\n{' to '.join(map(str, seeds))} seeds", xlim=(0, 1))
        ax.set_xlabel("share of the front's hypervolume")
        ax.set_yticks(range(len(order)), order)
    axes[0, 0].invert_yaxis()
    marks = [plt.Line2D([], [], marker="o", color=colour, label=kind) for kind, colour in COLOURS.items()]
    marks.append(plt.Line2D([], [], marker="|", linestyle="", color="black", label="blind set of its size"))
    figure.legend(handles=marks, loc="outside lower center", ncols=6)
    figure.savefig(FIGURE, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    do(__doc__, collect=collect, draw=draw)
