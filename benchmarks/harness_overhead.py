"""What metering and logging cost: the door's own CPU time against the searcher's, a batch of 100 at a time.

A run of NSGA-II (population 100, 10,000 evaluations, 3 objectives, log on disk) whose `evaluate` and `record` are
timed, and the problem's answers within. ``python benchmarks/harness_overhead.py [repeats]``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nsga2_speed import GENERATIONS, POPULATION, PROBLEM

from mobench import Problem, Run, make_problem
from mobench.core.budget import parse_budget
from mobench.harness.execute import search_problem
from mobench.harness.log import Log
from mobench.searchers.evolution import nsga2


class Watch:
    """CPU time spent in functions, in seconds by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def over(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, timed."""
        self.spent.setdefault(name, 0.0)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.spent[name] += time.thread_time() - start

        return timed


def shares(problem: Problem, seed: int) -> dict[str, float]:
    """CPU microseconds a batch of 100: the problem's, the door's and the searcher's own."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder) / "log.jsonl") as log:
        limit = parse_budget({"asked": POPULATION * GENERATIONS}, problem.training)
        run = _watched_doors(watch)(_Watched(problem, watch), limit=limit, seed=seed, log=log)
        watch.over("all", search_problem)(nsga2.search, run, {"population": POPULATION})
    doors = watch.spent["evaluate"] + watch.spent["record"]
    parts = {
        "problem": watch.spent["problem"],
        "door": doors - watch.spent["problem"],
        "searcher": watch.spent["all"] - doors,
    }
    return {name: 1e6 * seconds / GENERATIONS for name, seconds in parts.items()}


def _watched_doors(watch: Watch) -> type[Run]:
    """A run whose doors are timed."""

    class Watched(Run):
        __slots__ = ()
        evaluate = watch.over("evaluate", Run.evaluate)
        record = watch.over("record", Run.record)

    return Watched


class _Watched:
    """A problem whose answers are timed."""

    def __init__(self, problem: Problem, watch: Watch) -> None:
        self.space, self.objectives, self.training = problem.space, problem.objectives, problem.training
        self.deterministic, self.score = problem.deterministic, problem.score
        self.evaluate = watch.over("problem", problem.evaluate)


def main(repeats: int) -> None:
    """Print medians and the ratio that must stay below 1."""
    name, options = PROBLEM
    found = [shares(make_problem(name, options), seed) for seed in range(repeats)]
    medians = {part: statistics.median(each[part] for each in found) for part in found[0]}
    print(f"problem: {name}; CPU microseconds a batch of {POPULATION}, median of {repeats} runs")
    for part, median in medians.items():
        print(f"{part:10s} {median:8.1f}")
    print(f"door / searcher: {medians['door'] / medians['searcher']:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
