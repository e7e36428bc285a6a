"""Does the response of the weights help where all estimators have the same weights? An ablation on Motif.

python scripts/motif/shared_weights.py measure --seeds 10   # resumable: a file of the record, seed by seed
python scripts/motif/shared_weights.py draw                 # the figure, and the tables of docs/results/bilevel.md

One supernet learns on uniform paths for half of twenty trainings. Then every estimator has the other half for alpha
alone: the same weights, batches, unit of the error and steps of Adam. What alpha stands for, `none` left out, is
looked up in the table of scored errors. Beside them stands the choice without a gradient: the least one-shot error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from observatory import METHODS, Method, add_seeds, begin, do, first_order, motif, trained_to
from scipy.stats import wilcoxon

from mobench import Array
from mobench.analysis.families import holm
from mobench.problems._cells.space import NONE
from mobench.searchers._relaxed.discretisation import architecture
from mobench.searchers._relaxed.relaxations import one_hot
from mobench.searchers._relaxed.search import Search
from mobench.searchers._relaxed.units import error_unit

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "results" / "published" / "bilevel" / "shared_weights.csv"
FIGURE = ROOT / "docs" / "figures" / "shared-weights.png"
COLUMNS = ("seed", "estimator", "trainings", "steps", "cell", "error", "share_better")
FIRST, CHOICE = "first order", "one-shot choice"
ESTIMATORS = (FIRST, "second order", "unrolled", "implicit", "auxiliary", "F2SA", "BOME", "MiLeNAS", "score function")
"""The first order, all that add a response of the weights or mix the levels, and the score function."""
WARM, SPENT = 10.0, (0.25, 1.0, 4.0, 10.0)
"""Trainings on the weights, and on alpha until what it stands for is looked up."""
BATCHES = 4
"""Validation batches behind a one-shot error, the same for all architectures."""
COLOURS = {FIRST: "black", CHOICE: "#2f855a", "score function": "#b7791f"}


def warmed(seed: int) -> tuple[Search, list[float]]:
    """A search whose weights have learned, and whose error has its unit; alpha is where it began."""
    shared = Method(first_order)
    search, spent = begin(seed, shared)
    search.settings = replace(search.settings, leave_out=("none",))
    trained_to(search, spent, WARM, "uniform paths", shared)
    search.progress = 0.5
    search.extra["unit"] = error_unit(search, motif().space)
    return search, spent


def descended(search: Search, spent: list[float], name: str, seed: int) -> Iterator[tuple[float, int, Array]]:
    """Trainings spent on alpha, steps of it, and the cell, (6,), that it stands for then, of one estimator."""
    method = METHODS[name]
    own = replace(
        search,
        settings=replace(search.settings, relaxation=method.relaxation),
        alpha=search.alpha.detach().clone().requires_grad_(),
        moments=torch.zeros_like(search.moments),
        generator=torch.Generator().manual_seed(seed),
        count=0,
    )
    spent[0] = 0.0
    for until in SPENT:
        while spent[0] < until:
            h = method.estimate(own)
            if h is not None:
                own.step_alpha(h)
                own.count += 1
        yield until, own.count, architecture(own)[0]


def chosen(search: Search, spent: list[float], seed: int) -> Iterator[tuple[float, int, Array]]:
    """The same of the choice without a gradient: the cell of the least one-shot error of those seen so far."""
    space, rng, best, seen = motif().space, np.random.default_rng([seed, 7]), (np.inf, np.zeros(6, dtype=np.int64)), 0
    batches = [search.network.valid_batch() for _ in range(BATCHES)]
    spent[0] = 0.0
    for until in SPENT:
        while spent[0] < until:
            (x,) = space.sample(rng, 1)
            if (x == NONE).any():
                continue
            (p,) = one_hot(x[None], search.alpha.detach())
            with torch.no_grad():
                losses = [float(search.network.valid_loss(search.weights, p, batch)) for batch in batches]
            best, seen = min(best, (float(np.mean(losses)), x), key=lambda found: found[0]), seen + 1
        yield until, seen, best[1]


def seen(seed: int) -> Iterator[tuple[str, float, int, Array]]:
    """Everything of one seed: estimator, trainings, steps and cell; all begin at the same place and batches."""
    search, spent = warmed(seed)
    drawn = dict(search.network.drawn)
    for name in (*ESTIMATORS, CHOICE):
        search.network.drawn.update(drawn)
        found = chosen(search, spent, seed) if name == CHOICE else descended(search, spent, name, seed)
        for until, steps, cell in found:
            yield name, until, steps, cell


def measure(seeds: list[int]) -> None:
    """Add the rows of seeds that the record lacks, each seed whole."""
    errors = motif().score(motif().space.all())[:, 0]

    def rows(seed: int) -> Iterator[tuple[Any, ...]]:
        for name, until, steps, cell in seen(seed):
            error = motif().score(cell[None])[0, 0]
            share = (errors < error).mean()
            yield seed, name, until, steps, "".join(map(str, cell)), f"{error:.3f}", f"{share:.4f}"

    add_seeds(RECORD, COLUMNS, seeds, rows)


def table(record: pd.DataFrame) -> pd.DataFrame:
    """A row an estimator: mean errors by trainings; at the most, the difference to the first order, seed by seed.

    ``p`` is of Wilcoxon's exact test on these differences, by Holm over the estimators; not a number below two seeds.
    """
    errors = record.pivot_table(index="seed", columns=["estimator", "trainings"], values="error")
    last = errors.xs(max(SPENT), axis=1, level="trainings")
    rows = []
    for name in (*ESTIMATORS, CHOICE):
        difference = last[name] - last[FIRST]
        row = {"estimator": name} | {f"{spent:g}": errors[name][spent].mean() for spent in SPENT}
        own = record[(record["estimator"] == name) & (record["trainings"] == max(SPENT))]
        row |= {"steps": own["steps"].median(), "share_better": own["share_better"].mean()}
        row |= {"difference": difference.mean(), "better": int((difference < 0).sum()), "seeds": len(difference)}
        known = name != FIRST and len(difference) > 1
        row["p"] = wilcoxon(difference).pvalue if known and difference.any() else 1.0 if known else np.nan
        rows.append(row)
    found = pd.DataFrame(rows)
    tested = found["p"].notna()
    found.loc[tested, "p"] = holm(found.loc[tested, "p"].tolist())
    return found


def page_lines(found: pd.DataFrame) -> Iterator[str]:
    """The page's table."""
    spent = [f"{each:g}" for each in SPENT]
    yield f"| estimator | steps of alpha | {' | '.join(spent)} | better networks | beside the first order | p |"
    yield "|---|" + "---|" * (len(spent) + 4)
    for _, row in found.iterrows():
        cells = [f"{row['steps']:.0f}", *(f"{row[each]:.2f}" for each in spent), f"{100 * row['share_better']:.1f} %"]
        if row["estimator"] == FIRST:
            cells += ["", ""]
        else:
            told = f"{row['difference']:+.2f}, better in {row['better']} of {row['seeds']}"
            cells += [told, "" if np.isnan(row["p"]) else f"{row['p']:.2g}"]
        yield f"| {row['estimator']} | {' | '.join(cells)} |"


def draw() -> None:
    """Draw how many networks are better than what alpha stands for, a panel an amount; print the page's table."""
    record = pd.read_csv(RECORD)
    names = [*ESTIMATORS, CHOICE]
    figure, axes = plt.subplots(1, len(SPENT), figsize=(9.6, 3.6), sharey=True, layout="constrained")
    for ax, spent in zip(axes, SPENT, strict=True):
        for y, name in enumerate(names):
            own = record[(record["estimator"] == name) & (record["trainings"] == spent)]["share_better"] * 100.0
            colour = COLOURS.get(name, "#2b6cb0")
            ax.plot(own, [y] * len(own), "o", color=colour, markersize=4, alpha=0.5, markeredgewidth=0)
            ax.plot(own.mean(), y, "|", color=colour, markersize=13, markeredgewidth=2)
        ax.axvline(50, color="0.6", linewidth=1, linestyle="--")
        ax.set_xscale("log")
        ax.set_xlim(0.1, 130)
        ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        ax.set_title(f"{spent:g} training{'s' * (spent != 1)} on alpha", fontsize=9)
        ax.grid(axis="x", color="0.92")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    figure.supxlabel(
        "networks that are better than what alpha stands for, % (dashed: half of them, as by chance)", size=9
    )
    seeds = record["seed"].nunique()
    figure.suptitle(f"The same weights for all: {seeds} seeds, and their mean", size=10)
    figure.savefig(FIGURE, dpi=150)
    print(*page_lines(table(record)), sep="\n")


if __name__ == "__main__":
    do(__doc__, measure, draw, seeds=10)
