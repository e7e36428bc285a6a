"""Whether equal seeds give equal logs under several Pythons: the same campaigns under each, log by log.

``python scripts/equal_logs.py python3.11 python3.12 python3.13``, of which each has mobench installed; searchers that
need torch are left out where one of them has none.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CAMPAIGNS = {
    "tables": (
        "-p catsum -p motif -p motif:noise=true -p lotz:bits=14 -p nasbench_graph:dataset=cora -b 150 --seeds 2 "
        "-s random_search -s local_search -s regularized_evolution -s nsga2:population=20 -s smsemoa:population=20"
    ),
    "gradients": "-p bilevel_toys:name=ridge -b trainings=2 --seeds 2 -s mgda -s darts -s scalarization",
}
"""Name to what `mobench run` is told."""


def logs(python: str, name: str, arguments: str) -> dict[str, str]:
    """SHA-256 of each log of a campaign by its run, under one Python; none where it cannot carry it out."""
    with tempfile.TemporaryDirectory() as home:
        program = Path(shutil.which(python) or python).absolute()  # not resolved: a link is an environment of its own
        command = [str(program), "-m", "mobench", "run", *arguments.split(), "-q", "--name", name]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{python}: {name}: left out, {done.stderr.strip().splitlines()[-1]}")
            return {}
        found = sorted(Path(home).glob("results/*/runs/*/*/*/log.jsonl"))
        return {str(path.parent.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def main(pythons: list[str]) -> int:
    """Compare all with the first; 1 where a log differs."""
    differ = 0
    for name, arguments in CAMPAIGNS.items():
        found = {python: logs(python, name, arguments) for python in pythons}
        found = {python: digests for python, digests in found.items() if digests}
        first, *others = found
        for python in others:
            wrong = [run for run, digest in found[first].items() if found[python].get(run) != digest]
            differ += len(wrong)
            print(f"{name}: {len(found[first])} logs under {first} and {python}, {len(wrong)} differ")
            for run in wrong[:5]:
                print(f"  {run}")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
