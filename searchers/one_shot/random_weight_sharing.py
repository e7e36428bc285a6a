"""Random search with weight sharing: a uniform single-path supernet, then random architectures scored with it.

Li and Talwalkar 2019 (RSPS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from mobench import CategoricalSupernet, ComputeBudget, Run
from mobench.searchers._one_shot import supernet as _one_shot

needs = (CategoricalSupernet, ComputeBudget)


@dataclass(frozen=True, kw_only=True)
class Options(_one_shot.Descent):
    """Options of random search with weight sharing.

    Attributes
    ----------
    samples : int
        Architectures to score, fewer where the budget or the space ends before; 1000 in the paper.
    """

    samples: Annotated[int, Ge(1)] = 1000


def search(run: Run, options: Options) -> None:
    """Train the shared weights on uniform paths, score random architectures with them; train finalists of their front.

    Needs a budget of trainings or flops.
    """

    def draw(scores: _one_shot.Scores) -> None:
        for i in range(options.samples):
            scores(run.space.sample(run.rng, 1))
            if (i + 1) % 100 == 0:
                run.recommend(scores.best)

    _one_shot.search(run, options, draw)
