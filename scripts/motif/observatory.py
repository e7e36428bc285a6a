"""The hypergradient observatory: what each estimator's gradient knows of the true merit of every choice on Motif.

python scripts/motif/observatory.py measure   # resumable: lines of observatory.csv, seed by seed
python scripts/motif/observatory.py draw      # the figure and the table of docs/observatory.md

Weights are trained for so many trainings on uniform paths, on the mixture at uniform alpha, or by the method itself
(its alpha moves with them, Adam at 0.1). Then every estimator looks at uniform alpha, on as many batches as `LOOK`
trainings pay for, and the mean of its gradients is compared with the table: how much each operation on each edge lowers
the scored error of all cells that have it.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy.stats import pearsonr, spearmanr
from torch import Tensor

from mobench import Array
from mobench.problems._cells.plans import plan, support_of
from mobench.problems._cells.space import NONE
from mobench.problems.tables.motif import Motif, problem
from mobench.searchers._relaxed import descent, joint, krylov
from mobench.searchers._relaxed.hypergradients import implicit_gradient, through_next_step
from mobench.searchers._relaxed.linear import Operator, Vector, detached, gradient, plus, times
from mobench.searchers._relaxed.relaxations import Sampling
from mobench.searchers._relaxed.search import Search, clipped, descend, initial
from mobench.searchers._relaxed.settings import RADIUS, SampledAdam
from mobench.searchers.bilevel import bome, darts, f2sa, milenas, unrolled

HERE = Path(__file__).parent
RECORD, FIGURE = HERE / "observatory.csv", HERE.parents[1] / "docs" / "figures" / "observatory.png"
COLUMNS = ("seed", "weights", "trainings", "estimator", "batches", "pearson", "spearman", "without_none")
TITLES = {
    "uniform paths": "weights of uniform paths",
    "mixture": "weights of the mixture",
    "own": "weights of the method's own search",
}
SPENT = (0.25, 1.0, 4.0)
"""Trainings after which is looked."""
OWN = 1.0
"""The most that the methods' own ways spend, each from its beginning."""
LOOK = 0.25
"""Trainings that an estimator may spend on one look."""
BATCH, PENALTY = 256, 10.0

Estimator = Callable[[Search], Tensor | None]
"""A gradient of the error by alpha, in alpha's shape; None where the drawn cell has no path."""


@cache
def motif() -> Motif:
    """The problem, error alone."""
    return problem(objectives=("error",), batch=BATCH)


def merits() -> Array:
    """By how many points each operation on each edge lowers the scored error in the mean over all cells; (6, 5)."""
    X = motif().space.all()
    error = motif().score(X)[:, 0]
    return np.array([[error.mean() - error[X[:, e] == op].mean() for op in range(5)] for e in range(6)])


def first_order(search: Search) -> Tensor | None:
    """DARTS's, of whatever relaxation the settings name."""
    relaxed = search.relax()
    sampled = search.settings.relaxation not in ("softmax", "dirichlet")
    if sampled and not any(plan(support_of(relaxed(search.alpha))[0]).support):
        return None  # batch norm divides its zeros by next to nothing
    return darts.hypergradient(search.valid(relaxed), search.weights, search.alpha)


def second_order(search: Search) -> Tensor:
    """DARTS's through one step of the weights."""
    relaxed = search.relax()
    return through_next_step(search, search.valid(relaxed), search.lower(relaxed), radius=RADIUS)


def through_steps(search: Search) -> Tensor:
    """Through five steps of the weights."""
    relaxed = search.relax()
    lowers = [search.lower(relaxed) for _ in range(5)]
    now, _ = unrolled.train(
        lowers, search.weights, search.alpha, step=search.rate, velocity=search.velocity, momentum=0.9
    )
    return unrolled.hypergradient(search.valid(relaxed), now, search.alpha)


def implicit(search: Search) -> Tensor:
    """By a damped solve of twenty products."""
    relaxed = search.relax()
    h, _ = implicit_gradient(
        search.valid(relaxed),
        search.lower(relaxed),
        search.weights,
        search.alpha,
        solve=lambda multiply, u: krylov.solve(multiply, u, damping=1.5, iterations=20)[0],
    )
    return h


def auxiliary(search: Search) -> Tensor:
    """The auxiliary program's, by one polynomial of the Hessian."""

    def prepare(multiply: Operator, like: Vector) -> joint.Solve:
        ends = krylov.spectrum(multiply, like, generator=search.generator)
        polynomial = krylov.Polynomial.fitting(ends, damping=1.5, products=10)
        return lambda name, b: polynomial.solve(multiply, b)

    relaxed = search.relax()
    point = joint.Point(
        search.valid(relaxed), search.costs(relaxed), search.lower(relaxed), search.weights, search.alpha
    )
    return joint.direction(point, mixture=lambda values, H: search.preference, prepare=prepare).h


def penalised(search: Search) -> Tensor:
    """F2SA's, the second copy having come ten steps away from the weights."""
    y = detached(search.weights)
    velocity = times(search.velocity, 0.0)
    for _ in range(10):
        relaxed = search.relax()
        lower, upper, alpha = search.lower(relaxed), search.valid(relaxed), search.alpha.detach()
        slope = plus(gradient(upper(y, alpha), y), gradient(lower(y, alpha), y), PENALTY)
        descend(y, clipped(times(slope, 1.0 / (1.0 + PENALTY))), velocity, rate=search.rate, momentum=0.9)
    relaxed = search.relax()
    return f2sa.hypergradient(
        search.valid(relaxed), search.lower(relaxed), y, search.weights, search.alpha, penalty=PENALTY
    )


def barrier(search: Search) -> Tensor:
    """BOME's."""
    relaxed = search.relax()
    return bome.direction(
        search.valid(relaxed),
        search.lower(relaxed),
        search.weights,
        search.alpha,
        inner_steps=10,
        inner_rate=search.rate,
    ).alpha


def mixed_levels(search: Search) -> Tensor:
    """MiLeNAS's."""
    relaxed = search.relax()
    return milenas.hypergradient(search.valid(relaxed), search.lower(relaxed), search.weights, search.alpha)


def score(search: Search) -> Tensor:
    """By the score function, of three paths."""
    return descent.by_score(search, search.weights)[1]


@dataclass(frozen=True)
class Method:
    """An estimator, the relaxation it looks through, and the steps of the weights before each of its own steps."""

    estimate: Estimator
    relaxation: Sampling = "softmax"
    steps: int = 1


METHODS = {
    "first order": Method(first_order),
    "second order": Method(second_order),
    "unrolled": Method(through_steps, steps=5),
    "implicit": Method(implicit, steps=4),
    "auxiliary": Method(auxiliary, steps=20),
    "F2SA": Method(penalised),
    "BOME": Method(barrier),
    "MiLeNAS": Method(mixed_levels),
    "dirichlet": Method(first_order, "dirichlet"),
    "gumbel": Method(first_order, "gumbel"),
    "gdas": Method(first_order, "gdas"),
    "reinmax": Method(first_order, "reinmax"),
    "reinmax_sampled": Method(first_order, "reinmax_sampled"),
    "score function": Method(score, "score"),
}


def begin(seed: int, method: Method) -> tuple[Search, list[float]]:
    """A search of the error alone, and its meter: trainings spent, its one entry."""
    spent, price = [0.0], motif().training.flops

    def charge(flops: float) -> None:
        spent[0] += flops / price

    settings = SampledAdam(relaxation=method.relaxation, temperatures=(1.0, 1.0), paths="alpha")
    return initial(motif().supernet(charge=charge, seed=seed), settings, np.array([1.0]), seed), spent


def train(search: Search, way: str, method: Method) -> None:
    """Train the weights for a step; in the method's own way alpha moves, too."""
    if way != "own":
        search.train(search.lower(descent.uniform(search) if way == "uniform paths" else search.draw("softmax")))
        return
    for _ in range(method.steps):
        search.train(search.lower(search.relax()))
    h = method.estimate(search)
    if h is not None:
        search.step_alpha(h)
        search.count += 1


def look(search: Search, spent: list[float], method: Method) -> tuple[Array, int]:
    """The mean gradient at uniform alpha, (6, 5), of as many batches as `LOOK` pays for, and how many these were."""
    settings = replace(search.settings, relaxation=method.relaxation)
    there = replace(search, settings=settings, alpha=torch.zeros_like(search.alpha).requires_grad_())
    total, batches, before = torch.zeros_like(search.alpha), 0, spent[0]
    while not batches or spent[0] < before + LOOK:
        h = method.estimate(there)
        if h is not None:
            total, batches = total + h.detach(), batches + 1
    return (total / batches).double().numpy(), batches


def correlations(h: Array, merit: Array) -> tuple[float, float, float]:
    """Pearson's and Spearman's with the merits, and Spearman's without `none`; positive where descent goes right."""
    some = [op for op in range(merit.shape[1]) if op != NONE]
    descent, true = (x - x.mean(axis=1, keepdims=True) for x in (-h[:, some], merit[:, some]))
    found = (pearsonr(-h.ravel(), merit.ravel()), spearmanr(-h.ravel(), merit.ravel()), spearmanr(descent, true, None))
    return tuple(float(each.statistic) for each in found)  # type: ignore[return-value]


def trails(seed: int) -> Iterator[tuple[str, float, str, Array, int]]:
    """Everything that is seen with one seed: way, trainings, estimator, mean gradient and batches."""
    shared = Method(first_order)
    for way in ("uniform paths", "mixture"):
        search, spent = begin(seed, shared)
        for until in SPENT:
            trained_to(search, spent, until, way, shared)
            for name, method in METHODS.items():
                kept = spent[0]
                yield way, until, name, *look(search, spent, method)
                spent[0] = kept
    for name, method in METHODS.items():
        search, spent = begin(seed, method)
        for until in [until for until in SPENT if until <= OWN]:
            trained_to(search, spent, until, "own", method)
            kept = spent[0]
            yield "own", until, name, *look(search, spent, method)
            spent[0] = kept


def trained_to(search: Search, spent: list[float], until: float, way: str, method: Method) -> None:
    """Train until so many trainings are spent."""
    while spent[0] < until:
        train(search, way, method)


def measure(seeds: list[int]) -> None:
    """Add the lines of seeds that the record lacks, each seed whole."""
    merit = merits()

    def rows(seed: int) -> Iterator[tuple[Any, ...]]:
        for way, until, name, h, batches in trails(seed):
            yield seed, way, until, name, batches, *(f"{c:.3f}" for c in correlations(h, merit))

    add_seeds(RECORD, COLUMNS, seeds, rows)


def add_seeds(
    record: Path, columns: Sequence[str], seeds: list[int], rows: Callable[[int], Iterator[tuple[Any, ...]]]
) -> None:
    """Add to a record the rows of seeds that it lacks, each seed whole."""
    there = set(pd.read_csv(record)["seed"]) if record.exists() else set()
    torch.set_num_threads(1)
    for seed in [seed for seed in seeds if seed not in there]:
        made = []
        for row in rows(seed):
            made.append(row)
            print(*row, flush=True)
        with record.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows(made if file.tell() else [columns, *made])


def draw(measured: str = "spearman") -> None:
    """Draw correlation by trainings, a panel a way of training; print the table behind it."""
    found = pd.read_csv(RECORD)
    order = found[found["weights"] == "uniform paths"].groupby("estimator")[measured].mean().sort_values()[::-1].index
    shown = found.pivot_table(index="estimator", columns=["weights", "trainings"], values=measured).reindex(order)
    seeds = found["seed"].nunique()
    figure, axes = plt.subplots(1, len(TITLES), figsize=(11, 4.6), layout="constrained")
    for ax, way in zip(axes, TITLES, strict=True):
        values = shown[way]
        image = ax.imshow(values, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(values.to_numpy()):
            colour = "white" if abs(value) > 0.6 else "black"
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
        ax.set_xticks(range(values.shape[1]), [f"{t:g}" for t in values.columns])
        ax.set_yticks(range(len(order)), order if ax is axes[0] else [])
        ax.set(title=TITLES[way], xlabel="trainings spent on the weights")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    figure.colorbar(image, ax=axes, label="rank correlation with the true merit", shrink=0.8)
    said = "one seed" if seeds == 1 else f"means of {seeds} seeds"
    figure.suptitle(f"What a gradient at uniform alpha knows of 30 choices ({said})")
    figure.savefig(FIGURE, dpi=150)
    with pd.option_context("display.width", 200, "display.max_columns", 30):
        print(shown.round(2))
        for other in ("pearson", "without_none"):
            print(other, found.pivot_table(index="estimator", columns=["weights", "trainings"], values=other).round(2))
        print(found.groupby("estimator")["batches"].median())


def do(doc: str | None, measure: Callable[[list[int]], None], draw: Callable[[], None], *, seeds: int) -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "draw"))
    parser.add_argument("--seeds", type=int, default=seeds, help=f"how many (default: {seeds})")
    given = parser.parse_args()
    if given.what == "measure":
        measure(list(range(given.seeds)))
    else:
        draw()


if __name__ == "__main__":
    do(__doc__, measure, draw, seeds=3)
