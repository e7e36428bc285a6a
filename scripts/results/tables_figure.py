"""The figure of what tables can tell, and the tables of its page, from tables.csv and budgets.csv.

python scripts/results/tables_figure.py   # docs/figures/tables-room.png, and docs/results/tables.md between its marks
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import suites
import suites_figures
import tables

from mobench.figures.style import styled
from mobench.plugins.references import parse_reference

PAGE = suites_figures.DOCS / "results" / "tables.md"
FIGURE = suites_figures.DOCS / "figures" / "tables-room.png"
MANY = 3
"""More objectives are not named."""
MOST = suites.AMOUNTS[-1]
SHADES = ("#c6dbef", "#6baed6", "#08519c")
"""Of the amounts, from the least."""


def short(problem: str) -> str:
    """A problem's name where there is little room: its options without the names of most."""
    name, options = parse_reference(problem)
    return " ".join([name, *map(_in_words, options.values())])


def _in_words(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join(value) if len(value) <= MANY else f"{len(value)} objectives"


def draw(table: pd.DataFrame, file: Path) -> None:
    """What is still missing of the front's hypervolume: random search, and the best median, at each amount; noise."""
    order = table[table["amount"] == MOST].assign(missing=lambda t: 1 - t["best"]).sort_values("missing")["problem"]
    rows = {problem: i for i, problem in enumerate(order)}
    with styled():
        figure, ax = plt.subplots(figsize=(7.6, 8.2), layout="constrained")
        for place, (amount, colour) in enumerate(zip(suites.AMOUNTS, SHADES, strict=True)):
            part = table[table["amount"] == amount]
            y = part["problem"].map(rows) + 0.24 * (place - 1)
            ax.hlines(y, 1 - part["best"], 1 - part["floor"], color=colour, linewidth=1.2)
            ax.plot(1 - part["floor"], y, "o", markersize=3.2, markerfacecolor="white", color=colour)
            ax.plot(1 - part["best"], y, "o", markersize=3.2, color=colour, label=f"{amount} evaluations")
        last = table[(table["amount"] == MOST) & table["noise_floor"].notna()]
        ax.plot(
            last["noise_floor"],
            last["problem"].map(rows),
            "|",
            color="#d62728",
            markersize=9,
            label="noise floor at 500",
        )
        ax.plot([], [], "o", markersize=3.2, markerfacecolor="white", color="0.3", label="random search")
        ax.plot([], [], "o", markersize=3.2, color="0.3", label="best median of all searchers")
        ax.set(xscale="log", xlabel="missing share of the true front's hypervolume", ylim=(len(rows) - 0.5, -0.5))
        ax.set_yticks(range(len(rows)), [short(str(problem)) for problem in rows], fontsize=6)
        ax.grid(axis="x", color="0.92", linewidth=0.6)
        figure.legend(loc="outside lower center", ncols=3)
        figure.savefig(file, dpi=160)
    plt.close(figure)


def lines(table: pd.DataFrame, amount: int) -> Iterator[str]:
    """A row a problem."""
    pair = ("nsga2 less random", "noise floor", "deviation", "seeds for it", "for 0.01", "apart")
    yield from suites_figures.head("problem", "random search", "best", "by", "room", *pair)
    for row in table[table["amount"] == amount].itertuples():
        noise = f"{row.noise_floor:.4f}" if pd.notna(row.noise_floor) else "?"
        within = " ~" if pd.notna(row.noise_floor) and abs(row.difference) <= row.noise_floor else ""
        best = row.best_searcher.split(", ")
        named = f"`{best[0]}`" + (f" and {len(best) - 1} more" if len(best) > 1 else "")
        cells = [f"`{row.problem}`", f"{row.floor:.3f}", f"{row.best:.3f}", named, f"{row.room:.2f}"]
        cells += [f"{row.difference:+.3f}{suites_figures.MARKS[row.verdict]}{within}", noise, f"{row.deviation:.4f}"]
        cells += [_count(row.seeds_pair), _count(row.seeds_margin), f"{row.apart} of {row.pairs}"]
        yield "| " + " | ".join(cells) + " |"


def _count(seeds: float) -> str:
    return "none" if math.isinf(seeds) else "> 999" if seeds > 999 else f"{seeds:.0f}"


def spread(table: pd.DataFrame) -> Iterator[str]:
    """How many problems each amount tells, and how many seeds most of them need."""
    counted = ("nsga2 better", "undecided", "equal", "worse")
    needed = ("seeds for it: median, three quarters", "for 0.01", "pairs apart")
    yield from suites_figures.head("evaluations", *counted, *needed)
    for amount, part in table.groupby("amount"):
        said = part["verdict"].value_counts()
        counts = [said.get(word, 0) for word in ("better", "undecided", "equal", "worse")]
        seeds = [
            ", ".join(_count(part[key].quantile(q, "higher")) for q in (0.5, 0.75))
            for key in ("seeds_pair", "seeds_margin")
        ]
        yield (
            "| "
            + " | ".join(map(str, [amount, *counts, *seeds, f"{(part['apart'] / part['pairs']).mean():.0%}"]))
            + " |"
        )


def main() -> None:
    """Draw the figure and fill the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    table = pd.read_csv(tables.HOME / "tables.csv", keep_default_na=False, na_values=[""])
    draw(table, FIGURE)
    found = {f"problems at {amount}": list(lines(table, amount)) for amount in (50, MOST)}
    suites_figures.fill(PAGE, found | {"amounts": list(spread(table))})


if __name__ == "__main__":
    main()
