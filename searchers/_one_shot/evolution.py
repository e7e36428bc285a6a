"""Evolution by one-shot scores: NSGA-II on errors with inherited weights and on exact costs."""

from __future__ import annotations

from collections.abc import Callable

from mobench import Run
from mobench.searchers._one_shot.supernet import Scores
from mobench.searchers._population.generations import generations


def evolved(run: Run, population: int) -> Callable[[Scores], None]:
    """What asks scores for generation after generation, and recommends the best of all, until the space is known."""

    def evolve(scores: Scores) -> None:
        for _ in generations(run.rng, run.space, scores, population=population, objectives=scores.objectives):
            run.recommend(scores.best)
            if scores.are_all:
                return

    return evolve
