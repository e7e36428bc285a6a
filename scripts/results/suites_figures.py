"""Figures of the suite results, and the tables of their page, from the tables in CSV.

python scripts/results/suites_figures.py   # docs/figures/suites-*.png, and docs/results/suites.md between its marks
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import published
import suites
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from mobench.figures.style import palette, styled

HOME = published.HOME / suites.NAME
DOCS = published.HOME.parents[1] / "docs"
PAGE = DOCS / "results" / "suites.md"
STANDINGS = ("best", "equal", "open", "ahead")
"""Of those who are not shown to be worse than the best."""
MARKS = {"better": "", "equal": " =", "undecided": " ?", "worse": " -"}
FAMILIES = {
    "baselines": ("random_search", "grid", "local_search"),
    "evolution": (
        *("regularized_evolution", "nsga2", "nsga3", "moead", "smsemoa", "agemoea2", "nsca", "nsga_net"),
        "lemonade_tabular",
    ),
    "policies and trees": ("reinforce", "mcts", "lanas", "lamoo"),
    "models": ("parego", "qnehvi", "bananas", "nsganetv2"),
}


def ordered(board: pd.DataFrame) -> list[str]:
    """Searchers by their place over all problems at 200, where all of them are."""
    return list(board[(board["suite"] == suites.ALL) & (board["amount"] == 200)]["searcher"])


def draw_ranks(board: pd.DataFrame, file: Path) -> None:
    """Mean ranks, a searcher a row and a suite a column, at each amount; boxes are those not shown to be worse."""
    rows, columns = ordered(board), list(suites.groups())
    with styled():
        figure, axes = plt.subplots(1, 3, figsize=(9.8, 4.6), sharey=True, layout="constrained")
        figure.get_layout_engine().set(wspace=0.06)
        for ax, amount in zip(axes, suites.AMOUNTS, strict=True):
            part = board[board["amount"] == amount]
            cells = part.pivot(index="searcher", columns="suite", values="mean_rank").reindex(
                index=rows, columns=columns
            )
            image = ax.imshow(cells, cmap="YlGnBu_r", vmin=1, vmax=len(rows), aspect="auto")
            for row in part.itertuples():
                x, y = columns.index(str(row.suite)), rows.index(str(row.searcher))
                dark, top = row.mean_rank < 0.4 * len(rows), row.standing in STANDINGS
                weight = "bold" if row.standing == "best" else "normal"
                colour = "white" if dark else "black"
                ax.text(x, y, f"{row.mean_rank:.1f}", ha="center", va="center", size=6, color=colour, weight=weight)
                if top:
                    box = Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor="#d62728", linewidth=1.2)
                    ax.add_patch(box)
            ax.axvline(len(columns) - 1.5, color="white", linewidth=2)
            ax.set_title(f"{amount} evaluations")
            ax.set_xticks(range(len(columns)), columns, rotation=90)
            ax.set_yticks(range(len(rows)), rows)
            ax.tick_params(length=0)
            for spine in ax.spines.values():
                spine.set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.01, label="mean rank of medians")
        bar.set_ticks([1, *range(5, len(rows) + 1, 5)])
        bar.ax.invert_yaxis()
        figure.savefig(file, dpi=160)
    plt.close(figure)


def draw_cpu(board: pd.DataFrame, file: Path) -> None:
    """What is missing over all problems against CPU time an evaluation; a line joins what nothing beats in both."""
    colours = palette(list(FAMILIES))
    with styled():
        figure, axes = plt.subplots(1, 2, figsize=(9.2, 4.2), layout="constrained")
        for ax, amount in zip(axes, suites.AMOUNTS[1:], strict=True):
            part = board[(board["suite"] == suites.ALL) & (board["amount"] == amount)].sort_values("cpu_ms")
            part = part.assign(missing=1 - part["iqm"], least=1 - part["high"], most=1 - part["low"])
            edge = part[part["missing"] <= part["missing"].cummin()]
            ax.step(edge["cpu_ms"], edge["missing"], where="post", color="0.8", linewidth=1, zorder=0)
            for family, names in FAMILIES.items():
                mine = part[part["searcher"].isin(names)]
                if mine.empty:
                    continue
                bars = [mine["missing"] - mine["least"], mine["most"] - mine["missing"]]
                style: dict[str, Any] = {"fmt": "o", "markersize": 4, "elinewidth": 0.6, "color": colours[family]}
                ax.errorbar(mine["cpu_ms"], mine["missing"], yerr=bars, label=family, **style)
            ax.set(xscale="log", yscale="log", xlabel="CPU time an evaluation [ms]", title=f"{amount} evaluations")
            ax.invert_yaxis()
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
            ax.margins(x=0.22)
        axes[0].set_ylabel("missing share of the true front's hypervolume\n(interquartile mean over 43 problems, 95 %)")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(FAMILIES))
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # names shall not move what they stand beside
        for ax, amount in zip(axes, suites.AMOUNTS[1:], strict=True):
            _label(ax, board[(board["suite"] == suites.ALL) & (board["amount"] == amount)])
        figure.savefig(file, dpi=160)
    plt.close(figure)


PLACES = [
    (cosine * length, sine * length)
    for length in (7, 14, 22, 32, 44, 56)
    for cosine, sine in ((1, 0), (1, 0.8), (1, -0.8), (-1, 0), (-1, 0.8), (-1, -0.8), (0.1, 1), (0.1, -1))
]
"""Where a name may be beside its point, in points, the nearest first."""


def _label(ax: Any, part: pd.DataFrame) -> None:
    """Names beside their points, each where it covers no other and no point, with a line to its point."""
    dots = ax.transData.transform(list(zip(part["cpu_ms"], 1 - part["iqm"], strict=True)))
    renderer = ax.figure.canvas.get_renderer()
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in dots]
    for row in part.sort_values("iqm", ascending=False).itertuples():
        for dx, dy in PLACES:
            side = "left" if dx > 1 else "right" if dx < -1 else "center"
            style: dict[str, Any] = {"ha": side, "va": "center", "fontsize": 6, "textcoords": "offset points"}
            line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
            where = (row.cpu_ms, 1 - row.iqm)
            text = ax.annotate(row.searcher, where, (dx, dy), arrowprops=line, annotation_clip=False, **style)
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer).expanded(1.02, 1.1)
            if box.x1 < ax.figure.bbox.x1 and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def head(*names: str) -> Iterator[str]:
    """The first two lines of a table."""
    yield f"| {' | '.join(names)} |"
    yield "|---" * len(names) + "|"


def overall(board: pd.DataFrame, amount: int) -> Iterator[str]:
    """The leaderboard over all problems."""
    yield from head(
        "searcher", "seeds", "mean rank", "of suites", "share", "less random search's (99 %)", "cliques", "CPU ms"
    )
    for row in board[(board["suite"] == suites.ALL) & (board["amount"] == amount)].itertuples():
        beside = ""
        if pd.notna(row.difference):
            ends = f"{row.difference_low:+.3f} to {row.difference_high:+.3f}"
            beside = f"{row.difference:+.3f} ({ends}){MARKS[row.verdict]}"
        cells = [f"`{row.searcher}`", row.seeds, f"{row.mean_rank:.2f}", f"{row.suite_rank:.2f}"]
        cells += [
            f"{row.iqm:.3f} ({row.low:.3f} to {row.high:.3f})",
            beside,
            "" if pd.isna(row.cliques) else row.cliques,
        ]
        yield "| " + " | ".join(map(str, [*cells, f"{row.cpu_ms:.2g}"])) + " |"


def by_suite(board: pd.DataFrame) -> Iterator[str]:
    """Who is best of each suite at each amount, and who is not shown to be worse."""
    yield from head("suite", "evaluations", "best mean rank", "equal, or better by the tests", "not shown to be worse")
    for (suite, amount), part in board.groupby(["suite", "amount"], sort=False):
        named = {word: ", ".join(f"`{s}`" for s in part[part["standing"] == word]["searcher"]) for word in STANDINGS}
        first = part.iloc[0]
        best = f"`{first['searcher']}` ({first['mean_rank']:.1f})"
        close = ", ".join(filter(None, (named["ahead"], named["equal"])))
        yield f"| {suite} ({first['problems']}) | {amount} | {best} | {close} | {named['open']} |"


def measures(table: pd.DataFrame) -> Iterator[str]:
    """What other measures say, a row a suite."""
    both = ("best by hypervolume", "best by the measure")
    yield from head("suite", "evaluations", "measure", "problems", "tau", *both, "kept", "lost", "reversed", "gained")
    names = {"igd_plus": "IGD+", "epsilon": "epsilon"}
    for row in table.itertuples():
        cells = [row.suite, row.amount, names[row.measure], row.problems, f"{row.tau:.2f}", f"`{row.best_hypervolume}`"]
        yield f"| {' | '.join(map(str, [*cells, f'`{row.best}`', row.kept, row.lost, row.reversed, row.gained]))} |"


def claims(table: pd.DataFrame) -> Iterator[str]:
    """False claims, a row a suite and number of twins."""
    kinds = list(dict.fromkeys(table["kind"]))
    yield from head("suite", "twins", "campaigns", *kinds)
    for (suite, twins, campaigns), part in table.groupby(["suite", "twins", "campaigns"], sort=False):
        rates = part.set_index("kind")["rate"]
        yield f"| {suite} | {twins} | {campaigns:,} | {' | '.join(f'{rates[kind]:.3f}' for kind in kinds)} |"


def fill(page: Path, tables: dict[str, Sequence[str]]) -> None:
    """Write tables into a page, each between its mark, ``<!-- table of NAME -->``, and ``<!-- end -->``."""
    text = page.read_text(encoding="utf-8")
    for name, lines in tables.items():
        mark = f"<!-- table of {name} -->"
        pattern = re.compile(re.escape(mark) + r"\n.*?<!-- end -->", flags=re.S)
        if not pattern.search(text):
            raise ValueError(f"{page.name}: no {mark}")
        table = "\n".join(lines)
        text = pattern.sub(lambda _, new=f"{mark}\n\n{table}\n\n<!-- end -->": new, text)  # type: ignore[misc]
    page.write_text(text, encoding="utf-8")


def main() -> None:
    """Draw the figures and fill the page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    board = pd.read_csv(HOME / "leaderboard.csv", dtype={"cliques": str})
    draw_ranks(board, DOCS / "figures" / "suites-ranks.png")
    draw_cpu(board, DOCS / "figures" / "suites-cpu.png")
    found = {f"overall at {amount}": list(overall(board, amount)) for amount in suites.AMOUNTS}
    found |= {"suites": list(by_suite(board)), "measures": list(measures(pd.read_csv(HOME / "sensitivity.csv")))}
    fill(PAGE, found | {"false claims": list(claims(pd.read_csv(HOME / "false_claims.csv")))})


if __name__ == "__main__":
    main()
