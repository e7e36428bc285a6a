"""Draw what `sampling.csv` says of each searcher beside random search, and print the tables of `docs/sampling.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from sampling import DOCS, FLOOR, MARKS, RECORD

from mobench.plugins.references import parse_reference

FIGURE, GRAPHS = DOCS / "figures" / "sampling.png", "sampling_graphs"
SHORT = {
    "nasbench201:dataset=cifar10,objectives=[error,params,latency:titan_rtx_32]": "201 C10",
    "nasbench201:dataset=cifar100,objectives=[error,params,latency:titan_rtx_32]": "201 C100",
    "nasbench201:dataset=ImageNet16-120,objectives=[error,params,flops]": "201 IN16",
}


def short(problem: str) -> str:
    """A problem's name in a column's head."""
    return SHORT.get(problem) or parse_reference(problem)[1].get("dataset") or problem


def draw() -> None:
    """Draw the differences from random search, and print the tables."""
    record = pd.read_csv(RECORD)
    record["short"] = record["problem"].map(short)
    graphs, record = record[record["campaign"] == GRAPHS], record[record["campaign"] != GRAPHS]
    record = record.drop_duplicates(["axis", "amount", "problem", "searcher"])  # random search is in each campaign
    most = record[record["amount"] == record.groupby("campaign")["amount"].transform("max")]
    record["searcher"] = pd.Categorical(record["searcher"], list(dict.fromkeys(most["searcher"])))
    record = record.sort_values("searcher", kind="stable")
    parts = [
        (axis, n)
        for axis in ("evaluations", "trainings")
        for n in sorted(set(record["amount"]))
        if len(_part(record, axis, n))
    ]
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


if __name__ == "__main__":
    draw()
