"""Random search against itself on the suites of the suite campaign: how often is a difference claimed?

    python scripts/results/twins.py   # false_claims.csv

Runs are drawn without replacement from a pool of runs of each problem, whose seeds no campaign has.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
import pandas as pd
import published
import suites

import mobench
from mobench.analysis.intervals import share_interval
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.analysis.verdicts import ALPHA
from mobench.core.space import Array
from mobench.plugins.references import parse_reference

BUDGET = 50
SEEDS = 10
"""Of each twin."""
POOL = 200
FIRST = 10_000
"""Seeds of the pool begin here."""
TWINS = {2: 500, 5: 60}
"""How many twins are compared, in how many campaigns."""
FILE = published.HOME / suites.NAME / "false_claims.csv"


def pool(problem: str, size: int = POOL) -> Array:
    """Shares of so many runs of random search on a problem, (size,), rounded as reports do."""
    built = mobench.make_problem(*parse_reference(problem))
    runs = (mobench.run(suites.FLOOR, built, budget=BUDGET, seed=FIRST + seed) for seed in range(size))
    return np.array([run.hypervolume() for run in runs]).round(12)


def claims(pools: Mapping[str, Array], twins: int, campaigns: int) -> dict[str, float]:
    """In which part of campaigns is any pair of so many twins told apart?

    Returns
    -------
    dict
        Over the problems, corrected and not; and on a problem taken alone (mean over problems), corrected and not.
    """
    counts = dict.fromkeys(("over problems", "over problems, uncorrected", "on each", "on each, uncorrected"), 0.0)
    rng = np.random.default_rng([twins, *map(len, pools)])
    for _ in range(campaigns):
        drawn = {problem: rng.choice(runs, (twins, SEEDS), replace=False) for problem, runs in pools.items()}
        found = {f"twin {i}": pd.DataFrame({problem: runs[i] for problem, runs in drawn.items()}) for i in range(twins)}
        over, each = pairwise(found, alike=False), on_each_problem(found)
        counts["over problems"] += (over["verdict"] == "better").any()
        counts["over problems, uncorrected"] += (over["p_value"] <= ALPHA).any()
        counts["on each"] += (each["verdict"] == "better").groupby(each["problem"]).any().mean()
        counts["on each, uncorrected"] += (each["p_value"] <= ALPHA).groupby(each["problem"]).any().mean()
    return {kind: float(count) / campaigns for kind, count in counts.items()}


def rates(groups: Mapping[str, list[str]], pools: Mapping[str, Array], twins: Mapping[int, int]) -> pd.DataFrame:
    """A row a suite, number of twins and kind of claim: the rate, with its interval over the problems (Wilson's)."""
    rows = []
    for suite, problems in groups.items():
        for count, campaigns in twins.items():
            for kind, rate in claims({problem: pools[problem] for problem in problems}, count, campaigns).items():
                low, high = share_interval(np.array([rate]), campaigns)
                row = {"suite": suite, "problems": len(problems), "twins": count, "campaigns": campaigns, "kind": kind}
                rows.append(row | {"rate": rate, "low": low[0], "high": high[0]})
            print(suite, count, rows[-4]["rate"], flush=True)
    return suites.rounded(pd.DataFrame(rows))


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    groups = suites.groups()
    pools = {problem: pool(problem) for problem in groups[suites.ALL]}
    rates(groups, pools, TWINS).to_csv(FILE, index=False)


if __name__ == "__main__":
    main()
