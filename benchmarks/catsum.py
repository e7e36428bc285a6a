"""What searchers reach on CatSum, as the pages of methods say it: hypervolume by the point (85, 25), of 1,796.

``python benchmarks/catsum.py nsga2 nsga_net:exploration=1 --seeds 40 --at 100 300 500``
"""

import argparse

import numpy as np

import mobench
from mobench.core.indicators import hypervolume

REFERENCE = (85, 25)

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("searchers", nargs="*", default=["random_search", "nsga2"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--at", type=int, nargs="+", default=[100, 200, 300, 500], help="evaluations")
    args = parser.parse_args()
    print(f"CatSum, means of {args.seeds} seeds with standard errors, after {', '.join(map(str, args.at))} evaluations")
    for searcher in args.searchers:
        runs = [mobench.run(searcher, "catsum", budget=max(args.at), seed=seed) for seed in range(args.seeds)]
        found = np.array([[hypervolume(run.history.F[:n], REFERENCE) for n in args.at] for run in runs])
        errors = found.std(axis=0, ddof=1) / np.sqrt(args.seeds)
        print(
            f"{searcher:40s}", "  ".join(f"{m:7.1f} ({e:.1f})" for m, e in zip(found.mean(axis=0), errors, strict=True))
        )
