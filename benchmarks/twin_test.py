"""Random search against itself with other seeds, on shipped suites: how often a report would claim a difference.

python benchmarks/twin_test.py --figure docs/figures/twin-test.png
"""

import argparse
import zlib
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mobench.analysis.intervals import share_interval
from mobench.analysis.significance import on_each_problem, pairwise
from mobench.core.indicators import nondominated
from mobench.core.problem import minimised
from mobench.plugins.catalogue import make_problem
from mobench.plugins.references import parse_reference
from mobench.scoring.contract import Contract, contract_for

GRAPHS = "arxiv citeseer computers cora cs photo physics proteins pubmed".split()
OBJECTIVES = (
    "error,flops",
    "error,params",
    "error,latency:cpu_b1",
    "error,latency:cpu_b64",
    "error,flops,params",
    "error,flops,latency:cpu_b64",
)
SUITES = {
    "nasbench_graph": [f"nasbench_graph:dataset={name}" for name in GRAPHS],
    "motif": [f"motif:objectives=[{names}]" for names in OBJECTIVES],
    "toys": ["catsum", "lotz:bits=10", "lotz:bits=14"],
}

KINDS = ("over problems", "if independent", "on each")
"""What is claimed falsely: over the problems; the same where shared streams are taken as independent; on a problem."""


@dataclass(frozen=True)
class Answered:
    """A problem with all answers at hand, by the place of an architecture among all of them."""

    label: str
    cardinalities: np.ndarray
    keys: np.ndarray
    seen: np.ndarray
    scored: np.ndarray
    contract: Contract


def answered(label: str) -> Answered:
    """Ask everything once."""
    problem = make_problem(*parse_reference(label))
    X = problem.space.all()
    values = problem.evaluate(X, fidelity=None, seeds=np.zeros(len(X), np.uint64))
    seen = minimised(np.asarray(values.F, dtype=np.float64), problem.objectives)
    sizes = np.array(problem.space.cardinalities)
    return Answered(label, sizes, problem.space.key(X), seen, problem.score(X), contract_for(problem))


def share(problem: Answered, seed: int, budget: int, *, shared: bool) -> float:
    """What random search of so many evaluations delivers: a gather, with the stream that a run has."""
    rng = np.random.default_rng([seed, 0] if shared else [seed, 0, zlib.crc32(problem.label.encode())])
    drawn = (rng.random((3 * budget, len(problem.cardinalities))) * problem.cardinalities).astype(np.int64)
    places = np.ravel_multi_index(tuple(drawn.T), tuple(problem.cardinalities))
    first = np.sort(np.unique(problem.keys[places], return_index=True)[1])[:budget]
    rows = places[first]
    best = rows[nondominated(problem.seen[rows])]
    return problem.contract.share(problem.scored[best])


def claims(problems: list[Answered], campaigns: int, budget: int, seeds: int, *, shared: bool) -> dict[str, float]:
    """Part of the campaigns that claim a difference over the problems, and of (campaign, problem) that do there.

    Over the problems as a report does and, where streams are shared, by the test that takes them as independent, too.
    """
    counts = dict.fromkeys(("over problems", *["if independent"] * shared, "on each"), 0.0)
    for campaign in range(campaigns):
        first = 2 * seeds * campaign
        found = {}
        for name, start in (("one", first), ("other", first + seeds)):
            runs = range(start, start + seeds)
            columns = {p.label: [share(p, seed, budget, shared=shared) for seed in runs] for p in problems}
            found[name] = pd.DataFrame(columns).round(12)
        counts["over problems"] += int((pairwise(found, alike=shared)["verdict"] == "better").any())
        if shared:
            counts["if independent"] += int((pairwise(found, alike=False)["verdict"] == "better").any())
        counts["on each"] += int((on_each_problem(found)["verdict"] == "better").sum())
    counts["on each"] /= len(problems)
    return {name: count / campaigns for name, count in counts.items()}


def draw(rates: dict[str, dict[str, float]], campaigns: int, file: Path) -> None:
    """Draw the rates of each suite with their 95 % intervals (Wilson's), against the 5 % that are the aim."""
    figure, axes = plt.subplots(figsize=(7.0, 3.4), layout="constrained")
    marks = {"over problems": ("o", "#2b6cb0"), "on each": ("s", "#2f855a"), "if independent": ("x", "#c53030")}
    labels = {"if independent": "over problems, shared streams taken as independent"}
    for k, (kind, (mark, colour)) in enumerate(marks.items()):
        rows = [i for i, mine in enumerate(rates.values()) if kind in mine]
        found = np.array([mine[kind] for mine in rates.values() if kind in mine])
        low, high = share_interval(found, campaigns)
        place = np.array(rows) + 0.2 * (k - 1)
        bars = np.array([found - low, high - found]).clip(min=0)
        axes.errorbar(found, place, xerr=bars, fmt=mark, color=colour, capsize=2, label=labels.get(kind, kind))
    axes.axvline(0.05, color="grey", linewidth=1, linestyle="--")
    axes.set(xlabel=f"part of {campaigns:,} campaigns a row with a false claim", xlim=(0, None))
    axes.set_yticks(range(len(rates)), list(rates))
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    figure.savefig(file, dpi=130)


def main() -> None:
    """Print a line a suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=1000, help="of each suite (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="of each campaign (default: %(default)s)")
    parser.add_argument("--budget", type=int, default=50, help="evaluations a run (default: %(default)s)")
    parser.add_argument("--figure", type=Path, help="file to draw the rates to")
    args = parser.parse_args()
    every = {}
    print(f"{args.campaigns} campaigns of {args.seeds} seeds, {args.budget} evaluations a run; at most 0.05 is the aim")
    print(f"{'suite':<16} {'problems':>8}  {'streams':<12} " + " ".join(f"{kind:>14}" for kind in KINDS))
    for suite, labels in SUITES.items():
        problems = [answered(label) for label in labels]
        for shared in (False, True):
            found = claims(problems, args.campaigns, args.budget, args.seeds, shared=shared)
            rates = " ".join(f"{found[kind]:>14.3f}" if kind in found else " " * 14 for kind in KINDS)
            streams = "shared" if shared else "independent"
            every[f"{suite}, {'streams shared by seed' if shared else 'a stream a problem'}"] = found
            print(f"{suite:<16} {len(problems):>8}  {streams:<12} {rates}", flush=True)
    if args.figure:
        draw(every, args.campaigns, args.figure)


if __name__ == "__main__":
    main()
