"""What it costs that a run can be verified: to hash what is logged, and to compare it when it is read, over the run.

A run of 10,000 questions on the embedded table of Motif, its log on disk; CPU time of this process, the median of some
repeats. ``python benchmarks/checks.py [repeats]``
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mobench import make_problem
from mobench.analysis.verification import check_run
from mobench.core.budget import parse_budget
from mobench.harness.execute import execute
from mobench.harness.history import read_history
from mobench.harness.identity import identified
from mobench.harness.sealed import check_ledger, read_run, seal
from mobench.harness.spec import RunSpec
from mobench.plugins.sources import Sources

ASKED = 10_000


def timed(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[float, Any]:
    """CPU seconds of a call, and what it returned."""
    start = time.process_time()
    found = call(*args, **kwargs)
    return time.process_time() - start, found


def once(seed: int) -> dict[str, float]:
    """CPU seconds of a run, and of everything that is there to check it."""
    problem = make_problem("motif", {})
    options = {"population": 100}
    spec = RunSpec("motif", "nsga2", seed, {"asked": ASKED}, {}, options)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        naming, spec = timed(identified, spec, problem, Sources())
        run, _ = timed(execute, spec, folder)
        sealing, _ = timed(seal, (folder / "log.jsonl").read_bytes())
        reading, found = timed(read_run, folder, expected=spec)
        history = read_history(folder / "log.jsonl", d=6, m=2, lines=found.log)
        adding, _ = timed(check_ledger, folder, history, found.end, parse_budget(spec.budget, problem.training))
        verifying, checked = timed(check_run, spec, folder)
    assert not checked.fault, checked.fault
    parts = {"code and data": naming, "hash of the log": sealing, "compare when read": reading, "ledger": adding}
    return {"run": run} | parts | {"(mobench verify)": verifying}


def main(repeats: int) -> None:
    """Print each part, and the sum of the checks over the run."""
    once(0)  # what is imported and built once
    found = [once(seed) for seed in range(1, repeats + 1)]
    medians = {part: statistics.median(each[part] for each in found) for part in found[0]}
    for part, seconds in medians.items():
        print(f"{part:20s} {1e3 * seconds:9.2f} ms")
    checks = sum(seconds for part, seconds in medians.items() if part != "run" and not part.startswith("("))
    print(f"checks / run: {checks / medians['run']:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
