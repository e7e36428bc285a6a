"""Time a campaign of 6 searchers x 5 problems x 31 seeds x 500 evaluations, and its report."""

import argparse
import os
import tempfile
import time
from pathlib import Path

from mobench import make_campaign, run_campaign, write_report

PROBLEMS = [
    "nasbench_graph:dataset=cora",
    "nasbench_graph:dataset=arxiv",
    "nasbench_graph:dataset=proteins",
    "catsum",
    "lotz:bits=20",
]
SEARCHERS = ["random_search", "local_search", "regularized_evolution", "nsga2", "nsga3", "smsemoa"]

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=31)
    parser.add_argument("--workers", type=int)
    args = parser.parse_args()
    entries = {"problems": PROBLEMS, "searchers": SEARCHERS, "seeds": args.seeds, "budget": 500}
    campaign = make_campaign(entries)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        tally = run_campaign(campaign, Path(folder), workers=args.workers)
        ran = time.perf_counter() - start
        busy = time.process_time()
        write_report(folder, progress=True)
        busy, reported = time.process_time() - busy, time.perf_counter() - start - ran
    print(f"{len(tally.ended)} runs ended, {len(tally.failed)} failed, on {os.cpu_count()} cores")
    per = 1000 * ran / max(1, len(tally.ended))
    print(f"campaign {ran:.1f} s, {per:.0f} ms a run; report {reported:.1f} s, {busy:.1f} s CPU")
