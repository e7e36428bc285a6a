"""What NSGA-II's CPU time is in a space too large to number, beside that in NAS-Bench-201's, harness and log included.

Both sides do 10,000 evaluations (population 100): `ofa_mbv3`, more than 1e19 architectures with inactive genes, and
`nasbench201`, 15,625. ``python benchmarks/large_spaces.py [repeats]``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec

PROBLEMS = ("nasbench201", "ofa_mbv3")


def milliseconds(problem: str, seed: int, folder: Path) -> float:
    """CPU time of one run into a fresh folder."""
    spec = RunSpec(problem, "nsga2", seed, {"asked": 10_000}, searcher_options={"population": 100})
    start = time.process_time()
    end = execute(spec, folder / spec.folder)
    if end["reason"] != "budget: asked":
        raise RuntimeError(f"{problem}: {end}")
    return 1e3 * (time.process_time() - start)


def main(repeats: int) -> None:
    """Take turns, so that a busy machine slows both alike, and print medians and their ratio."""
    times: dict[str, list[float]] = {problem: [] for problem in PROBLEMS}
    with tempfile.TemporaryDirectory() as scratch:
        for problem in PROBLEMS:
            milliseconds(problem, 10_000, Path(scratch))  # imports and loads
        for seed in range(repeats):
            for problem in PROBLEMS:
                times[problem].append(milliseconds(problem, seed, Path(scratch)))
    medians = {problem: statistics.median(found) for problem, found in times.items()}
    for problem, median in medians.items():
        print(f"{problem:12s} {median:8.1f} ms   {median / medians['nasbench201']:5.2f} x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
