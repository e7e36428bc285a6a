"""How much less CPU time NSGA-III, MOEA/D and SMS-EMOA take here, harness and log included, than pymoo's on a table.

Both sides ask 10,000 questions on `nasbench201` with three objectives. pymoo's answers come out of a numpy array: no
ledger, no log; its algorithms have mobench's categorical operators and the same directions.
``python benchmarks/evolution_speed.py [repeats] [questions]``
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pymoo.algorithms.moo.moead import MOEAD
from pymoo.algorithms.moo.nsga3 import NSGA3
from pymoo.algorithms.moo.sms import SMSEMOA
from pymoo.core.problem import Problem as PymooProblem
from pymoo.optimize import minimize

from mobench import Array, Problem, make_problem, minimised
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec
from mobench.searchers._population import pymoo as _pymoo
from mobench.searchers._population.directions import directions

POPULATIONS = (105, 21)
"""Lattices of three objectives: as many directions as members; near to 100, and to the default of 20."""
PROBLEM: tuple[str, dict[str, Any]] = ("nasbench201", {"objectives": ["error", "params", "flops"]})
"""Name and options."""


class Bare(PymooProblem):  # type: ignore[misc] # pymoo has no types
    """The table as pymoo sees it: one gather. In units of its values, as pymoo's MOEA/D does not normalise."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(n_var=6, n_obj=3, xl=0, xu=4, vtype=int)
        self.space = problem.space
        values = problem.evaluate(problem.space.all(), fidelity=None, seeds=None).F  # type: ignore[arg-type]
        F = minimised(values, problem.objectives)
        self.F = (F - F.min(axis=0)) / np.ptp(F, axis=0)
        self.asked = 0

    def _evaluate(self, x: Array, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.asked += len(x)
        out["F"] = self.F[self.space.index(x)]


def theirs(name: str, space: Any, population: int) -> Any:
    """The algorithm as pymoo has it, with options as here."""
    lattice = directions(3, population)
    if name == "nsga3":
        return NSGA3(lattice, pop_size=population, **_pymoo.operators(space, crossover_probability=1.0))
    if name == "moead":
        weights = np.maximum(lattice, 1e-6)
        return MOEAD(weights, n_neighbors=population // 5, prob_neighbor_mating=1.0, **_pymoo.operators(space))
    return SMSEMOA(pop_size=population, n_offsprings=1, **_pymoo.operators(space, crossover_probability=0.9))


def ours(name: str, folder: Path, seed: int, questions: int, population: int) -> None:
    """One run through the whole harness, into a fresh folder."""
    problem, options = PROBLEM
    budget = {"asked": questions}
    spec = RunSpec(problem, name, seed, budget, problem_options=options, searcher_options={"population": population})
    end = execute(spec, folder / spec.folder)
    if end["reason"] != "budget: asked" or end["spent"]["asked"] != questions:
        raise RuntimeError(f"expected {budget}, found {end}")


def milliseconds(task: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    task()
    return 1e3 * (time.process_time() - start)


def main(repeats: int, questions: int) -> None:
    """Take turns, so that a busy machine slows both sides alike, and print medians and their ratios."""
    bare = Bare(make_problem(*PROBLEM))
    print(f"problem: {PROBLEM[0]}; {questions} questions; CPU ms, median of {repeats}")
    with tempfile.TemporaryDirectory() as scratch:
        for population, name in itertools.product(POPULATIONS, ("nsga3", "moead", "smsemoa")):
            folder = Path(scratch) / str(population)
            ours(name, folder, 10_000, questions, population)  # imports
            here, there = [], []
            for seed in range(repeats):
                here.append(milliseconds(partial(ours, name, folder, seed, questions, population)))
                bare.asked = 0
                algorithm = theirs(name, bare.space, population)
                there.append(milliseconds(partial(minimize, bare, algorithm, ("n_eval", questions), seed=seed)))
                there[-1] *= questions / bare.asked  # it ends a little later than told
            mine, other = statistics.median(here), statistics.median(there)
            print(f"{name:8s} population {population:3d}: {mine:8.1f} ms, pymoo {other:8.1f} ms, {other / mine:5.1f} x")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [3, 10_000][len(numbers) :]))
