"""How hard problems are: what random search and NSGA-II reach of the true front's hypervolume, a row a problem.

    python scripts/difficulty.py macro "accel:objectives=[error,throughput:a100]"

Means (standard errors) over the seeds, by contract mobench-2, of what each run delivers; all runs in this one process.
"""

import argparse
import math

import numpy as np

import mobench
from mobench import Array
from mobench.plugins.references import parse_reference

SEARCHERS = ("random_search", "nsga2")
BUDGETS = (50, 200, 1000)
COMPARED = 500
"""Evaluations at which the two are compared."""


def shares(searcher: str, problem: mobench.Problem, budget: int, seeds: int) -> Array:
    """Shares of the true front's hypervolume that runs of unique evaluations deliver, (seeds,)."""
    return np.array([mobench.run(searcher, problem, budget=budget, seed=s).hypervolume() for s in range(seeds)])


def told(sample: Array) -> str:
    """Mean and standard error."""
    return f"{sample.mean():.3f} ({sample.std(ddof=1) / math.sqrt(len(sample)):.3f})"


def row(name: str, seeds: int) -> str:
    """The row of one problem."""
    problem = mobench.make_problem(*parse_reference(name))
    budgets = [min(budget, problem.space.size) for budget in BUDGETS]
    cells = [told(shares("random_search", problem, budget, seeds)) for budget in budgets]
    random, nsga2 = (shares(searcher, problem, min(COMPARED, problem.space.size), seeds) for searcher in SEARCHERS)
    error = math.sqrt((random.var(ddof=1) + nsga2.var(ddof=1)) / seeds)
    ahead = (nsga2.mean() - random.mean()) / error if error else 0.0
    cells += [told(random), told(nsga2), f"{ahead:+.1f}"]
    return f"| `{name}` | {len(problem.front()[0])} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problems", nargs="+", metavar="PROBLEM", help="name, or name:option=value,...")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    heads = [f"random {budget:,}" for budget in (*BUDGETS, COMPARED)]
    print(f"| problem | front | {' | '.join(heads)} | nsga2 {COMPARED} | standard errors ahead |")
    print("|---" * 8 + "|")
    for name in options.problems:
        print(row(name, options.seeds), flush=True)


if __name__ == "__main__":
    main()
