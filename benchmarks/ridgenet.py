"""What searches find on RidgeNet: hypervolumes that pages of docs/methods quote, median of seeds, least and most.

``python benchmarks/ridgenet.py [--only darts] [--seeds 5]``. A search of the bilevel ones is six preferences of some
steps, its set the architectures that it ends with; the reference point is (1, 11), all nine of the front have 9.044.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any

import moocore
import torch

import mobench

JOINT = {"learning_rate": 0.3, "weight_decay": 0.0}
ROWS: tuple[tuple[str, int, dict[str, Any]], ...] = (
    *(("darts", 150, {"relaxation": kind}) for kind in ("softmax", "gumbel", "dirichlet")),
    ("darts", 150, {"selection": "perturbation"}),
    ("darts", 150, {"stop": "eigenvalue"}),
    *(("implicit", 150, {"relaxation": kind}) for kind in ("softmax", "reinmax")),
    *(("auxiliary", 60, {"relaxation": kind, **JOINT}) for kind in ("softmax", "reinmax")),
    ("modnas", 300, {"warm_up": 0.0}),
)
"""Searcher, steps (of a preference, where it has some), and options."""


def found(searcher: str, steps: int, options: dict[str, Any], seed: int) -> tuple[float, float, int]:
    """Hypervolume and spent forward passes of the last set, and how many of the front are in it."""
    swept = {} if searcher == "modnas" else {"preferences": 6}
    result = mobench.run(
        searcher,
        "bilevel_toys:name=ridgenet",
        budget={"flops": 1e9},
        seed=seed,
        steps=steps,
        finalists=0,
        **swept,
        **options,
    )
    last, front = result.history.recommended[-1], result.problem.front()[0].tolist()
    F = result.problem.score(last.content)
    return moocore.hypervolume(F, ref=(1, 11)), last.spent["flops"], sum(x in front for x in last.content.tolist())


def main() -> None:
    """Print a line a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a searcher")
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for searcher, steps, options in ROWS:
        if asked.only in ("", searcher):
            ends = [found(searcher, steps, options, seed) for seed in range(asked.seeds)]
            volumes, spent, of_front = zip(*ends, strict=True)
            written = ",".join(f"{name}={value}" for name, value in options.items())
            print(
                f"{searcher + ':' + written:55s} {steps} steps: {median(volumes):.2f} "
                f"({min(volumes):.2f} to {max(volumes):.2f}), {median(spent):.0f} passes, "
                f"{min(of_front)} to {max(of_front)} of the front",
                flush=True,
            )


if __name__ == "__main__":
    main()
