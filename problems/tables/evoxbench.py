"""EvoXBench's suites: 33 problems over eight search spaces, answered by the package `evoxbench` and its database.

Lu, Cheng, Jin, Tan and Deb 2023, "Neural Architecture Search as Multiobjective Optimization Benchmarks: Problem
Formulation and Performance Assessment". The package is imported where you have installed it, when a problem is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval

from mobench import Array, Cost, Objective, Space, Values, fingerprint, in_short, nondominated
from mobench.problems._evoxbench import package as package

Suite = Literal["c10mop", "in1kmop", "citysegmop"]

PROBLEMS = {"c10mop": 9, "in1kmop": 9, "citysegmop": 15}
UNITS = {
    "NASBench201SearchSpace": {
        **{"err": "%", "params": "M", "flops": "M", "latency": "ms", "energy": "mJ"},
        "arithmetic_intensity": "operations/byte",
    },
    "NATSBenchSearchSpace": {"err": "%", "params": "M", "flops": "M", "latency": "s"},
    "MobileNetV3SearchSpace": {"latency": "ms"},
}
"""Units by search space; elsewhere errors are shares, parameters and FLOPs counts, and the package names no others."""
DRAWS = {"ResNet50DSearchSpace": 10, "MobileNetV3SearchSpace": 10, "MoSegNASSearchSpace": 10}
"""How many true evaluations a score is the mean of, in spaces where the package draws them."""
INVALID = 2.0
"""Costs of an invalid cell of NAS-Bench-101, in nadirs: more than any valid cell costs (the package says infinity)."""
_MEASURED = re.compile(r"(?P<device>edgegpu|eyeriss|h1|h2)_(?P<metric>[a-z_]+?)(_consumption)?")


@dataclass(frozen=True, eq=False, repr=False)
class EvoXBench:
    """One problem of a suite, with values as the package has them before it normalises them.

    Attributes
    ----------
    benchmark : object
        The package's problem.
    """

    space: Space
    objectives: tuple[Objective, ...]
    benchmark: Any
    training = Cost(evaluations=1)
    deterministic = False

    __repr__ = in_short

    def evaluate(self, X: Array, *, fidelity: int | None = None, seeds: Array | None = None) -> Values:
        """Validation view of (n, d) architectures: answer i is what the package draws after a seeding with seeds[i].

        Raises
        ------
        ValueError
            No seeds, or the database lacks an architecture.
        """
        if seeds is None:
            raise ValueError("seeds: needed, one a row of X, to draw a trial")
        return Values(self._ask(X, seeds, true_eval=False))

    def score(self, X: Array) -> Array:
        """What the package reports of (n, d) architectures: test error and costs, (n, m).

        Raises
        ------
        ValueError
            The database lacks an architecture.
        """
        draws = range(DRAWS.get(package.space_name(self.benchmark), 1))
        F: Array = np.mean([self._ask(X, np.full(len(X), seed), true_eval=True) for seed in draws], axis=0)
        return F

    def _ask(self, X: Array, seeds: Array, *, true_eval: bool) -> Array:
        F = package.ask(self.benchmark, X, seeds, true_eval=true_eval)
        return np.where(np.isfinite(F), F, INVALID * self.bounds("evoxbench")[1])

    def bounds(self, contract: str) -> tuple[Array, Array]:
        """Utopian and nadir point of the package, (m,) each, for every contract but `modnas`.

        Raises
        ------
        ValueError
            The contract is another paper's.
        """
        if contract == "modnas":
            raise ValueError(f"contract {contract!r}: it has no bounds for EvoXBench's problems; use 'evoxbench'")
        ideal, nadir = self.benchmark.utopian_point, self.benchmark.nadir_point
        return np.asarray(ideal, dtype=np.float64), np.asarray(nadir, dtype=np.float64)

    @cached_property
    def fingerprint(self) -> str:
        """Checksum of the bounds, the known front or else some scores, and the size of the database."""
        known = self.benchmark.pareto_front
        if known is None:
            known = self.score(self.space.sample(np.random.default_rng(0), 4))
        return fingerprint(*self.bounds("evoxbench"), known, np.array([package.database_size()]))


@dataclass(frozen=True, eq=False, repr=False)
class ListedEvoXBench(EvoXBench):
    """A problem whose Pareto set the package lists."""

    def front(self) -> tuple[Array, Array]:
        """The package's Pareto set, (k, d), each row once, and its scored values, (k, m); read-only."""
        return self._front

    @cached_property
    def _front(self) -> tuple[Array, Array]:
        X = package.listed(self.benchmark)
        F = self.score(X)
        best = nondominated(F)
        X, F = X[best], F[best]
        X.flags.writeable = F.flags.writeable = False
        return X, F


def problem(*, suite: Suite, number: Annotated[int, Interval(ge=1, le=15)]) -> EvoXBench:
    """One problem of EvoXBench's suites, for those who have its package and its database.

    Parameters
    ----------
    suite
        C-10/MOP (``c10mop``, 1 to 9), IN-1K/MOP (``in1kmop``, 1 to 9) or CitySeg/MOP (``citysegmop``, 1 to 15).
    number
        The problem's number in its suite.

    Raises
    ------
    ValueError
        The suite has no such number, or the package is not installed or not configured; the message says what to do.
    """
    if number > PROBLEMS[suite]:
        raise ValueError(f"number: {suite} has problems 1 to {PROBLEMS[suite]}, found {number}")
    benchmark = package.make(suite, number)
    widths = np.asarray(benchmark.search_space.ub) - package.low(benchmark) + 1
    units = UNITS.get(package.space_name(benchmark), {})
    objectives = tuple(_objective(name, units) for name in benchmark.evaluator.objs.split("&"))
    kind = EvoXBench if benchmark.pareto_set is None else ListedEvoXBench
    return kind(Space(tuple(widths.tolist())), objectives, benchmark)


def _objective(name: str, units: dict[str, str]) -> Objective:
    """The objective that the package calls `name`: ``eyeriss_latency`` becomes ``latency:eyeriss``."""
    match = _MEASURED.fullmatch(name)
    if match is None:
        return Objective({"err": "error"}.get(name, name), units.get(name, ""))
    return Objective(f"{match['metric']}:{match['device']}", units.get(match["metric"], ""))
