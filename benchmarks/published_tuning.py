"""Published values of tuning with a known optimum, beside what the problem and the searchers say: two tables.

python benchmarks/published_tuning.py

A ridge of three rows and two columns, with w* and dF/dl in closed form, and the optimum that a hyper local search has
to find: both are on docs/problems/tuning/tuning.md, and tests/problems/tuning/test_published.py compares them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

import mobench
from mobench import Array
from mobench.problems._toys.constants import INPUTS, TARGETS, VALID_INPUTS, VALID_TARGETS
from mobench.problems._tuning.data import Data, Part
from mobench.problems._tuning.ridge import Ridge

OPTIMUM = -0.686526, 0.018125
"""Logarithm of the best penalty, and F there."""
GOLDEN: dict[float, tuple[tuple[float, float] | None, float, float | None]] = {
    -2.0: ((0.684442, 1.353228), 0.168562, -0.138199),
    -1.0: (None, 0.033470, -0.089621),
    0.0: ((0.410256, 0.948718), 0.133136, 0.372781),
    1.0: (None, 0.844745, 0.994536),
    OPTIMUM[0]: (None, OPTIMUM[1], 0.0),
}
"""By the logarithm l of the penalty: weights, F and dF/dl, as published; None where nothing is."""
PLAIN: dict[str, Any] = {"preference": 1.0, "finalists": 0, "weight_decay": 0.0, "momentum": 0.5, "learning_rate": 0.3}
"""The problem as it is stated: no weight decay of the searcher's own."""
SEARCHERS: dict[str, dict[str, Any]] = {
    "hls": {"steps": 60},
    "gbho": {"steps": 600},
    "auxiliary": {"steps": 100},
    "implicit": {"steps": 300, "warm_up": 0.0, "alpha_rate": 0.03, "alpha_decay": 0.0},
    "unrolled": {"steps": 300, "warm_up": 0.0, "alpha_rate": 0.03, "alpha_decay": 0.0, "unroll": 20},
}


class Row(NamedTuple):
    """Weights, F and dF/dl at the logarithm l of the penalty."""

    l: float  # noqa: E741 - the card's symbol
    weights: Array
    error: float
    slope: float


def values() -> list[Row]:
    """What the ridge of the tuning problems says at the published penalties; F is half the mean squared error."""
    owners = np.zeros(INPUTS.shape[1], dtype=np.int64)
    valid = Part(VALID_INPUTS, VALID_TARGETS)
    model = Ridge(Data(Part(INPUTS, TARGETS), valid, valid, ("all",), owners))
    rows = []
    for l in GOLDEN:  # noqa: E741
        w = model.solve(np.array([[l]]))[0]
        H = model.data.train.gram + np.exp(l) * np.eye(len(w))
        slope = VALID_INPUTS.T @ (VALID_INPUTS @ w - VALID_TARGETS) / len(VALID_TARGETS)
        error = float(model.error(w[None], valid)[0]) / 2
        rows.append(Row(l, w, error, float(-np.exp(l) * w @ np.linalg.solve(H, slope))))
    return rows


def found(searcher: str) -> tuple[float, float, float]:
    """Where a search with the losses ends, from l = 0: l, F, and the multiply-adds in forward passes."""
    options = PLAIN | SEARCHERS[searcher]
    result = mobench.run(searcher, "bilevel_toys:name=ridge", budget={"flops": 1e6}, **options)
    x = np.array(result.history.recommended[-1].content)
    return float(result.problem.alpha(x)[0, 0]), float(result.problem.score(x)[0, 0]), result.history.total["flops"]


def shown(rows: list[Row]) -> list[str]:
    """The first table, in Markdown."""
    lines = ["| l | w | F | dF/dl |", "|---|---|---|---|"]
    for row in rows:
        told = ", ".join(f"{value:.6f}" for value in row.weights)
        lines.append(f"| {row.l:g} | {told} | {row.error:.6f} | {round(row.slope, 6) + 0.0:.6f} |")
    return lines


def tables() -> str:
    """Both tables, in Markdown."""
    lines = [*shown(values()), "", "| searcher | options | l | F | forward passes |", "|---|---|---|---|---|"]
    lines += [f"| published | | {OPTIMUM[0]} | {OPTIMUM[1]} | |"]
    for name, options in SEARCHERS.items():
        l, error, passes = found(name)  # noqa: E741
        said = ", ".join(f"`{key}={value:g}`" for key, value in options.items())
        lines.append(f"| `{name}` | {said} | {l:.4f} | {error:.6f} | {passes:,.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(tables())
