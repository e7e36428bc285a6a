"""SPOS: a uniform single-path supernet, then NSGA-II on one-shot error and exact costs (Guo et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from mobench import CategoricalSupernet, ComputeBudget, Run
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._one_shot.evolution import evolved

needs = (CategoricalSupernet, ComputeBudget)


@dataclass(frozen=True, kw_only=True)
class Options(_one_shot.Descent):
    """Options of SPOS.

    Attributes
    ----------
    population : int
        Of NSGA-II; 20 as in `nsga2`.
    """

    population: Annotated[int, Ge(2)] = 20


def search(run: Run, options: Options) -> None:
    """Train the shared weights on uniform paths, then search with them, recommending every generation; train finalists.

    Needs a budget of trainings or flops.
    """
    _one_shot.search(run, options, evolved(run, options.population))
