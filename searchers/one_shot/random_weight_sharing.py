"""Random search with weight sharing: a uniform single-path supernet, then random architectures scored with it.

Li and Talwalkar 2019 (RSPS).
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Interval

from mobench import Run, Supernet, nondominated
from mobench.searchers._one_shot import supernet as _one_shot

needs = (Supernet,)


def search(
    run: Run,
    *,
    training_share: Annotated[float, Interval(gt=0, lt=1)] = 0.8,
    learning_rate: Annotated[float, Gt(0)] = 0.05,
    momentum: Annotated[float, Interval(ge=0, lt=1)] = 0.9,
    weight_decay: Annotated[float, Ge(0)] = 5e-4,
    clip: Annotated[float, Gt(0)] = 5.0,
    samples: Annotated[int, Ge(1)] = 1000,
    batches: Annotated[int, Ge(1)] = 4,
) -> None:
    """Train the shared weights on uniform paths, score random architectures with them, recommend their front.

    Parameters
    ----------
    run : Run
        A problem with a supernet and a budget of trainings or flops.
    training_share : float
        Share of the budget that trains the supernet; the rest scores architectures.
    learning_rate, momentum, weight_decay, clip : float
        SGD with cosine decay and clipped gradients.
    samples : int
        Architectures to score, fewer where the budget or the space ends before; 1000 in the paper.
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

    def draw() -> None:
        for i in range(samples):
            scores(run.space.sample(run.rng, 1))
            if (i + 1) % 100 == 0:
                run.recommend(scores.X[nondominated(scores.F)])

    _one_shot.finish(run, scores, draw)
