"""Tune every searcher that shares weights by equal means on Motif; print what the rule chooses (`docs/tuning.md`).

python scripts/motif/tuning.py run        # resumable: a line of tuning.csv a run, seed by seed
python scripts/motif/tuning.py test       # what was chosen against what was, on another problem: tuning_test.csv
python scripts/motif/tuning.py choose     # the tables of the page

The rule, written before any configuration but the first had run: searchers of one grid share their defaults. They keep
what they have unless, over at least `PAIRS` pairs of searcher and seed, the configuration with the highest mean
hypervolume is better by more than two standard errors of the differences.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import mobench

HERE = Path(__file__).parent
RECORD, TESTS = HERE / "tuning.csv", HERE / "tuning_test.csv"
COLUMNS = ("searcher", "options", "problem", "trainings", "seed", "hypervolume", "networks", "cpu_seconds", "source")
PAIRS = 6
"""Fewest pairs by which anything is chosen."""
TEST_PROBLEM, TEST_SEEDS = "cell_training:dataset=digits", (200, 201, 202)

Job = tuple[str, str, str, float, int]
"""Searcher, options, problem, trainings, seed."""


def read_grid() -> dict[str, Any]:
    """The grid.

    Raises
    ------
    ValueError
        A grid with another number of configurations than is stated.
    """
    grid = tomllib.loads((HERE / "tuning.toml").read_text())
    for name, lines in grid["grids"].items():
        if len(set(lines)) != grid["configurations"]:
            raise ValueError(f"tuning.toml: {name} has {len(set(lines))} configurations, not {grid['configurations']}")
    return grid


def jobs(grid: dict[str, Any]) -> Iterator[Job]:
    """All runs: seeds outermost, so that at any time all searchers have had about as many."""
    for seed in grid["seeds"]:
        for place in range(grid["configurations"]):
            for searcher, name in grid["searchers"].items():
                yield searcher, grid["grids"][name][place], grid["problem"], grid["trainings"], seed


def tests(grid: dict[str, Any]) -> Iterator[Job]:
    """What the rule changes, before and after, on the second problem."""
    chosen = choice(pd.read_csv(RECORD), grid)
    for seed in TEST_SEEDS:
        for searcher, name in grid["searchers"].items():
            if chosen[name] != grid["grids"][name][0]:
                for options in (grid["grids"][name][0], chosen[name]):
                    yield searcher, options, TEST_PROBLEM, grid["trainings"], seed


def carry_out(todo: Iterator[Job], record: Path) -> None:
    """Run what the record lacks, and add a line for each run as it ends."""
    there = set() if not record.exists() else {tuple(row[:5]) for row in csv.reader(record.read_text().splitlines())}
    source = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout
    torch.set_num_threads(1)
    for job in todo:
        if tuple(map(str, job)) in there:
            continue
        searcher, options, problem, trainings, seed = job
        begun = time.process_time()
        result = mobench.run(f"{searcher}:{options}", problem, budget={"trainings": trainings}, seed=seed)
        found = (f"{result.hypervolume():.4f}", len(result.front()), f"{time.process_time() - begun:.1f}")
        with record.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not file.tell():
                writer.writerow(COLUMNS)
            writer.writerow([*job, *found, source.strip()])
        print(*job[:2], seed, *found, flush=True)


def contrasts(runs: pd.DataFrame, grid: dict[str, Any]) -> pd.DataFrame:
    """A row a configuration: its mean, what it gains on the first of its grid, the gain's standard error, and pairs.

    Pairs are searchers and seeds with which every configuration of the grid has run.
    """
    rows = []
    for name, lines in grid["grids"].items():
        own = runs[runs["searcher"].isin([s for s, g in grid["searchers"].items() if g == name])]
        table = own.pivot_table(index=["searcher", "seed"], columns="options", values="hypervolume")
        table = table.reindex(columns=lines).dropna()
        for line in lines:
            gain = table[line] - table[lines[0]]
            rows.append((name, line, table[line].mean(), gain.mean(), gain.sem(), len(gain)))
    columns = ["grid", "options", "mean", "gain", "standard error", "pairs"]
    return pd.DataFrame(rows, columns=columns).set_index(["grid", "options"])


def best(found: pd.DataFrame) -> dict[str, str]:
    """Of each grid that has pairs, the configuration with the highest mean."""
    means = found.loc[found["pairs"] > 0, "mean"]
    return {str(grid): options for grid, options in means.groupby("grid").idxmax()}


def choice(runs: pd.DataFrame, grid: dict[str, Any]) -> dict[str, str]:
    """The options that the rule gives to each grid."""
    found = contrasts(runs, grid)
    chosen = {name: lines[0] for name, lines in grid["grids"].items()}
    for name, options in best(found).items():
        row = found.loc[name, options]
        if row["pairs"] >= PAIRS and row["gain"] > 2.0 * row["standard error"]:
            chosen[name] = options
    return chosen


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "test", "choose"))
    parser.add_argument("--grid", help="run the searchers of one grid only")
    given, grid = parser.parse_args(), read_grid()
    what = given.what
    if given.grid:
        grid["searchers"] = {name: own for name, own in grid["searchers"].items() if own == given.grid}
    if what == "run":
        carry_out(jobs(grid), RECORD)
    elif what == "test":
        carry_out(tests(grid), TESTS)
    else:
        runs = pd.read_csv(RECORD)
        with pd.option_context("display.width", 250, "display.max_columns", 20, "display.max_colwidth", 70):
            print(contrasts(runs, grid).round(3))
            print(*(f"{name}: {options}" for name, options in choice(runs, grid).items()), sep="\n")
            print(f"\n{len(runs)} runs, {runs['cpu_seconds'].sum() / 3600:.2f} CPU-hours")
            if TESTS.exists():
                print(pd.read_csv(TESTS).groupby(["searcher", "options"])["hypervolume"].agg(["mean", "min", "max"]))


if __name__ == "__main__":
    main()
