"""How much less CPU time NSGA-II takes here, harness and log included, than pymoo's takes on a bare table.

Both sides do 10,000 evaluations (population 100, 100 generations) on `nasbench201` with three objectives. pymoo's
answers come out of a numpy array: no ledger, no log. ``python benchmarks/nsga2_speed.py [repeats]``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem as PymooProblem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize

from mobench import Array, Problem, make_problem, minimised
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec
from mobench.searchers._population import pymoo as _pymoo

POPULATION, GENERATIONS = 100, 100
PROBLEM: tuple[str, dict[str, Any]] = ("nasbench201", {"objectives": ["error", "params", "flops"]})
"""Name and options."""


class Bare(PymooProblem):  # type: ignore[misc] # pymoo has no types
    """The table as pymoo sees it: one gather."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(n_var=6, n_obj=3, xl=0, xu=4, vtype=int)
        self.space = problem.space
        self.F = minimised(problem.evaluate(problem.space.all(), fidelity=None, seeds=None).F, problem.objectives)  # type: ignore[arg-type]

    def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        out["F"] = self.F[self.space.index(x)]


def ours(name: str, options: dict[str, Any], folder: Path, seed: int) -> None:
    """One run through the whole harness, into a fresh folder."""
    budget = {"asked": POPULATION * GENERATIONS}
    spec = RunSpec(name, "nsga2", seed, budget, problem_options=options, searcher_options={"population": POPULATION})
    end = execute(spec, folder / spec.folder)
    if end["reason"] != "budget: asked" or end["spent"]["asked"] != budget["asked"]:
        raise RuntimeError(f"expected {budget}, found {end}")


def theirs(bare: Bare, operators: Callable[[], dict[str, Any]], seed: int) -> None:
    """One bare run of pymoo."""
    done = minimize(bare, NSGA2(pop_size=POPULATION, **operators()), ("n_gen", GENERATIONS), seed=seed)
    done_evaluations = done.algorithm.evaluator.n_eval  # a few less where mating found too few new children
    if done_evaluations < 0.95 * POPULATION * GENERATIONS:
        raise RuntimeError(f"expected {POPULATION * GENERATIONS} evaluations, found {done_evaluations}")


def integer() -> dict[str, Any]:
    """What pymoo's documentation has for integer variables."""
    repair = RoundingRepair()
    crossover = SBX(prob=1.0, eta=3.0, vtype=float, repair=repair)
    mutation = PM(prob=1.0, eta=3.0, vtype=float, repair=repair)
    return {"sampling": IntegerRandomSampling(), "crossover": crossover, "mutation": mutation}


def milliseconds(task: Callable[[], None]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    task()
    return 1e3 * (time.process_time() - start)


def main(repeats: int) -> None:
    """Take turns, so that a busy machine slows all sides alike, and print medians and their ratios."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        name, options = PROBLEM
        problem = make_problem(name, options)
        bare = Bare(problem)

        def categorical() -> dict[str, Any]:
            return _pymoo.operators(problem.space, crossover_probability=0.9)

        ours(name, options, folder, seed=10_000)  # imports
        times: dict[str, list[float]] = {"mobench": [], "pymoo, integer": [], "pymoo, categorical": []}
        for seed in range(repeats):
            times["mobench"].append(milliseconds(lambda seed=seed: ours(name, options, folder, seed)))  # type: ignore[misc]
            times["pymoo, integer"].append(milliseconds(lambda seed=seed: theirs(bare, integer, seed)))  # type: ignore[misc]
            times["pymoo, categorical"].append(milliseconds(lambda seed=seed: theirs(bare, categorical, seed)))  # type: ignore[misc]
        print(f"problem: {name}; {POPULATION * GENERATIONS} evaluations; CPU ms, median of {repeats}")
        medians = {side: statistics.median(found) for side, found in times.items()}
        for side, median in medians.items():
            print(f"{side:20s} {median:8.1f} ms   {median / medians['mobench']:5.1f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
