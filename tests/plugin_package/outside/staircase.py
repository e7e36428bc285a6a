"""Climb as many steps as you can, with as little effort as you can; the whole front is known."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from mobench import Cost, Objective, Space, Values
from outside._stairs import climbed


class Staircase:
    """`steps` genes of a pause or two strides; height to climb, effort to save."""

    objectives = (Objective("height", maximise=True), Objective("effort"))
    training = Cost(evaluations=1)
    deterministic = True

    def __init__(self, steps: int) -> None:
        self.space = Space((3,) * steps)

    def evaluate(self, X: NDArray[np.int64], *, fidelity: int | None, seeds: NDArray[np.uint64]) -> Values:
        return Values(self.score(X))

    def score(self, X: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.column_stack([climbed(X), X.sum(axis=1)]).astype(float)

    def front(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        steps = len(self.space.cardinalities)
        X = np.tril(np.ones((steps + 1, steps), dtype=np.int64), k=-1)
        return X, self.score(X)


def problem(*, steps: Annotated[int, Ge(2)] = 10) -> Staircase:
    return Staircase(steps)
