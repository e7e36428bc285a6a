"""SPOS: a uniform single-path supernet, then NSGA-II on one-shot error and exact costs (Guo et al. 2020)."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Interval

from mobench import Run, Supernet, nondominated
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._population.generations import generations

needs = (Supernet,)


def search(
    run: Run,
    *,
    training_share: Annotated[float, Interval(gt=0, lt=1)] = 0.8,
    learning_rate: Annotated[float, Gt(0)] = 0.05,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 5e-4,
    clip: Annotated[float, Gt(0)] = 5.0,
    population: Annotated[int, Ge(2)] = 20,
    batches: Annotated[int, Ge(1)] = 4,
) -> None:
    """Train the shared weights on uniform paths, then search with them; recommend the front of every generation.

    Parameters
    ----------
    run : Run
        A problem with a supernet and a budget of trainings or flops.
    training_share : float
        Share of the budget that trains the supernet; the rest scores architectures.
    learning_rate, momentum, weight_decay, clip : float
        SGD with cosine decay and clipped gradients.
    population : int
        Of NSGA-II; 20 as in the searcher `nsga2`.
    batches : int
        Validation batches behind a one-shot score.
    """
    weights = _one_shot.train(
        run,
        lambda: run.space.sample(run.rng, 1),
        until=_one_shot.budget(run, training_share),
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        clip=clip,
    )
    scores = _one_shot.Scores(run, run.supernet, weights, batches=batches)

    def evolve() -> None:
        for _ in generations(run.rng, run.space, scores, population=population):
            run.recommend(scores.X[nondominated(scores.F)])
            if len(scores.X) >= run.space.size:
                return

    _one_shot.finish(run, scores, evolve)
