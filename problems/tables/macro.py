"""NAS-Bench-Macro: all chains of eight blocks on CIFAR-10; error of other trainings than are seen, params, FLOPs.

Su, Huang, Li, You, Wang, Qian, Zhang and Xu, CVPR 2021. The table is inside the package.
"""

from __future__ import annotations

import math

import numpy as np

from mobench import Array, Objective, Space
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import exact, values
from mobench.problems._table.problem import Offer, TableProblem, chosen, table_problem

BLOCKS = ("identity", "mb3_k3", "mb6_k5")
"""Nothing, or an inverted residual block: expansion 3 and kernel 3, expansion 6 and kernel 5."""
LAYERS = tuple(f"layer{i}" for i in range(1, 9))
SEEN = 1
"""Trainings that a searcher is told of, of three; the others are scored."""
ALIKE = ((3, 4), (6, 7))
"""Neighbouring layers of one width and resolution: an identity before a block is the same network as one behind it."""


def problem(*, objectives: tuple[str, ...] = ("error", "params", "flops")) -> TableProblem:
    """NAS-Bench-Macro with objectives of your choice, all minimised.

    Parameters
    ----------
    objectives
        Any of ``error`` (%; test error of one training is seen, the mean of two others is scored), ``params`` (M) and
        ``flops`` (M multiply-adds); each with a limit perhaps, ``flops<=50``.

    Raises
    ------
    ValueError
        An unknown objective or one named twice.
    """
    table = embedded("macro")
    error = 100.0 - values(table, "accuracy")
    noise = error.std(axis=1, ddof=1) / math.sqrt(error.shape[1] - SEEN)
    offers = {
        "error": Offer(Objective("error", "%"), error[:, SEEN:].mean(axis=1), error[:, :SEEN], noise),
        "params": exact(Objective("params", "M"), values(table, "params") / 1e6),
        "flops": exact(Objective("flops", "M"), values(table, "flops") / 1e6),
    }
    return table_problem(
        Space((len(BLOCKS),) * len(LAYERS), LAYERS, _first, values=(BLOCKS,) * len(LAYERS)),
        chosen(offers, objectives),
        written=_names,
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )


def _first(X: Array) -> Array:
    """The first row of the table that is the same network as each of (n, 8) `X`; (n,)."""
    X = np.array(X, dtype=np.int64)
    for i, j in ALIKE:
        late = (X[:, j] == 0) & (X[:, i] != 0)
        X[late, j], X[late, i] = X[late, i], 0
    first: Array = X @ len(BLOCKS) ** np.arange(len(LAYERS) - 1, -1, -1)
    return first


def _names(X: Array) -> list[str]:
    return [" ".join(BLOCKS[block] for block in x) for x in X.tolist()]
