"""FCNet: all 62,208 multilayer perceptrons of HPOLib on four regression data sets; error, training time, parameters.

Klein and Hutter, arXiv 1905.04970, 2019. The tables are inside the package.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal

from mobench import Objective, Space
from mobench.problems._embedded.tables import embedded
from mobench.problems._embedded.values import exact, values
from mobench.problems._table.problem import Offer, TableProblem, chosen, genes_by_name, table_problem

UNITS = (16, 32, 64, 128, 256, 512)
CHOICES = {
    "activation1": ("relu", "tanh"),
    "activation2": ("relu", "tanh"),
    "batch": (8, 16, 32, 64),
    "dropout1": (0.0, 0.3, 0.6),
    "dropout2": (0.0, 0.3, 0.6),
    "rate": (5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1),
    "schedule": ("cosine", "constant"),
    "units1": UNITS,
    "units2": UNITS,
}
"""What each gene's values mean; 1 and 2 are the two hidden layers."""
SEEN = 2
"""Trainings, of four, that a searcher is told of; the others are scored."""


def problem(
    *,
    dataset: Literal[
        "naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization"
    ] = "protein_structure",
    objectives: tuple[str, ...] = ("mse", "seconds", "params"),
    noise: bool = False,
) -> TableProblem:
    """FCNet on one data set, with objectives of your choice, all minimised and compared by their logarithms.

    Parameters
    ----------
    dataset
        The regression task.
    objectives
        Any of ``mse`` (validation; the mean of two trainings is seen, that of two others is scored), ``seconds``
        (training time) and ``params`` (k); each with a limit perhaps, ``params<=50``.
    noise
        Show the error of one of the two seen trainings, drawn anew with each question, instead of their mean.

    Raises
    ------
    ValueError
        An unknown objective or one named twice, or noise without ``mse``.
    """
    table = embedded(f"fcnet_{dataset}")
    mse, seconds = values(table, "mse"), values(table, "seconds")
    seen, scored = mse[:, :SEEN], mse[:, SEEN:]
    spread = mse.std(axis=1, ddof=1) / math.sqrt(scored.shape[1])
    timing = float(table.columns["seconds"].about["median relative standard error"])
    offers = {
        "mse": Offer(
            Objective("mse", scale="log"),
            scored.mean(axis=1),
            seen if noise else seen.mean(axis=1, keepdims=True),
            spread,
        ),
        "seconds": Offer(Objective("seconds", "s", scale="log"), seconds, noise=seconds * timing),
        "params": exact(Objective("params", "k", scale="log"), values(table, "params") / 1e3),
    }
    picked = chosen(offers, objectives)
    if noise and all(offer.objective.name != "mse" for offer in picked):
        raise ValueError("noise: only the objective 'mse' is noisy; add it, or leave noise out")
    return table_problem(
        Space(tuple(map(len, CHOICES.values())), tuple(CHOICES), values=tuple(CHOICES.values())),
        picked,
        written=partial(genes_by_name, tuple(CHOICES), tuple(CHOICES.values())),
        seconds=seconds,
        provenance=f"{table.about['source']}, {table.about['licence']}",
    )
